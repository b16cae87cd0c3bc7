"""Merging of settings: objects key by key, everything else replaced by what comes later."""

from __future__ import annotations

from collections.abc import Mapping

from gotwist.settings.values import JSON


def merged(earlier: Mapping[str, JSON], later: Mapping[str, JSON]) -> dict[str, JSON]:
    """Update ``earlier`` with ``later`` recursively, into a new dictionary.

    Neither argument is changed; lists are replaced, not joined.
    """
    result = dict(earlier)
    for key, value in later.items():
        before = result.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            result[key] = merged(before, value)
        else:
            result[key] = value
    return result
