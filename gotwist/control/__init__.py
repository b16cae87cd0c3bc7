"""The operator's own door: what a command line asks of a running daemon."""
