"""What is measured, one subject per module; each gives a function of the run."""
