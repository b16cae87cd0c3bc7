`--metrics` offers numbers for Prometheus on a loopback port.
