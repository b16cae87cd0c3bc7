"""Periodic duties, told by name."""
