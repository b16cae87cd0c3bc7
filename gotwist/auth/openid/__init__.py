"""OpenID Connect as rules: what is sent to a provider, and what of its answers is believed."""
