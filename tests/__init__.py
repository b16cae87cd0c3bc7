"""The tests.  No property test has a time limit: a busy machine is no fault of the product."""

from hypothesis import settings

settings.register_profile("gotwist", deadline=None)
settings.load_profile("gotwist")
