"""PAM: passwords are checked in small processes of their own, and what becomes of the answer."""
