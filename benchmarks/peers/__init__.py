"""One module per server: how it is installed, started, spoken to and stopped."""
