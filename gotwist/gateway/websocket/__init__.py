"""The WebSocket itself: Autobahn behind twisted.web, and the shortcuts past both."""
