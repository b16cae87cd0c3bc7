"""The keeper: the process that owns the pseudo-terminals and outlives the daemon."""
