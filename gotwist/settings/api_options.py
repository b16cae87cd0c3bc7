"""The options of sign-ins that another site vouches for (application ``gotwist``)."""

from __future__ import annotations

from gotwist.settings.kinds import Boolean, Duration
from gotwist.settings.mappings import ApiKeys
from gotwist.settings.option import AUTHENTICATION, Option

_API = "API authentication"

API_OPTIONS = (
    Option(
        "api_keys",
        ApiKeys(),
        {},
        "Secrets by key, for auth=api; --new_api_key makes a pair and writes it into "
        "30api_keys.conf. Several keys hold at once, and null takes one away. What stands on the "
        "command line can be read by every user of this machine.",
        _API,
        secret=True,
    ),
    Option(
        "api_timestamp_window",
        Duration(1),
        "30s",
        "How far the timestamp of an API object may lie from this machine's clock, either way.",
        _API,
        file=AUTHENTICATION,
    ),
    Option(
        "api_allow_sha1",
        Boolean(),
        True,
        "Accept HMAC-SHA1, which old embedding sites use, beside HMAC-SHA256, -SHA384 and -SHA512.",
        _API,
        file=AUTHENTICATION,
    ),
)
