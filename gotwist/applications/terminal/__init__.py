"""The terminal application: shells in a browser tab."""
