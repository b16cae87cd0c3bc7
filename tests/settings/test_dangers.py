"""Tests that dangerous combinations of settings are refused by name."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gotwist.settings.dangers import DANGERS, is_loopback, refuse_dangers
from gotwist.errors import Denied

SAFE: dict[str, object] = {
    "address": ("127.0.0.1", "::1"),
    "auth": "token",
    "disable_ssl": False,
    "origins": (),
    **{danger.override: False for danger in DANGERS},
}
DANGEROUS: tuple[dict[str, object], ...] = (
    {"auth": "none", "address": ("0.0.0.0",)},  # noqa: S104
    {"disable_ssl": True, "address": ()},
    {"origins": ("https://a.example", "*")},
)


class DangerTests(SynchronousTestCase):
    def test_defaults_are_allowed(self) -> None:
        """Loopback alone permits every method and plain HTTP."""
        refuse_dangers(SAFE)
        refuse_dangers({**SAFE, "auth": "none", "disable_ssl": True})

    def test_each_danger_is_refused_and_names_its_override(self) -> None:
        """One sentence says what would happen and which option permits it."""
        for danger, change in zip(DANGERS, DANGEROUS, strict=True):
            with self.assertRaises(Denied) as refused:
                refuse_dangers({**SAFE, **change})
            self.assertIn(f"--{danger.override}", refused.exception.message)

    def test_named_override_permits(self) -> None:
        """Whoever names the override gets what they asked for, and nothing else."""
        for danger, change in zip(DANGERS, DANGEROUS, strict=True):
            refuse_dangers({**SAFE, **change, danger.override: True})
        with self.assertRaises(Denied):
            refuse_dangers({**SAFE, **DANGEROUS[0], DANGERS[1].override: True})

    def test_only_loopback_addresses_are_loopback(self) -> None:
        """A name or the empty address is not taken for this machine."""
        for address in ("127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost"):
            self.assertTrue(is_loopback(address), address)
        for address in ("", "0.0.0.0", "::", "10.0.0.1", "localhost.example", "127.0.0.1.x"):  # noqa: S104
            self.assertFalse(is_loopback(address), address)
