"""The authentication service's UNIX socket: the door, who may enter it, and a client."""
