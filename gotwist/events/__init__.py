"""What happens inside: an emitter of named events."""
