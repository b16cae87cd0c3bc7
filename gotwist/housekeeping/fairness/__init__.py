"""Threads that are shared fairly: who asks for much waits, not who asks after him."""
