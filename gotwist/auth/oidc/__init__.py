"""OpenID Connect with its outside: requests to the provider, and a sign-in from end to end."""
