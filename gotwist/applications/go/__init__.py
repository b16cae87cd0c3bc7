"""The core application: ping, authentication, list of applications, locations."""
