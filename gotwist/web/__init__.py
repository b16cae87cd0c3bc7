"""The web door: site, TLS, pages, static files, downloads, sign-in."""
