"""A small application to copy from."""
