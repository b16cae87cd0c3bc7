"""gotwist, the access daemon: web terminal, session broker and sign-in for a fleet of machines."""
