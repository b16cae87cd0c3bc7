"""Tests of which numbers are taken where."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gotwist.applications.terminal.places import Place, Places


class PlacesTests(SynchronousTestCase):
    def test_reserved(self) -> None:
        """A number that is kept for a terminal just being opened makes no session an owner."""
        places = Places()
        number = places.reserve(Place("s1", "default"), None)
        self.assertEqual((1, 1, frozenset()), (number, len(places), places.sessions()))
        places.remove(Place("s1", "default"), number)
        self.assertEqual(0, len(places))
