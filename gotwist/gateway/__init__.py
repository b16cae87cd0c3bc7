"""What stands behind the WebSocket: actions, applications, clients, sessions."""
