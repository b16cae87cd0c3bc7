"""Who somebody is: users, credentials, sign-ins, and the authentication service.

Other programs use the two functions here, which need neither Twisted nor a daemon in the same
process: see docs/authservice.md.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gotwist.auth.ask import authenticate, authenticate_async

__all__ = ["authenticate", "authenticate_async"]


def __getattr__(name: str) -> object:
    # Late: a PAM worker loads this package too, and would be half as quick to start.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from gotwist.auth import ask

    return getattr(ask, name)
