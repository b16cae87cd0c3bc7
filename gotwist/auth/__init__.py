"""Who somebody is: users, credentials, sign-ins, and the authentication service.

Other programs use the two functions here, which need neither Twisted nor a daemon in the same
process: see docs/authservice.md.
"""

from gotwist.auth.ask import authenticate, authenticate_async

__all__ = ["authenticate", "authenticate_async"]
