"""Numbers for Prometheus, read when they are asked for, on a loopback port of their own."""
