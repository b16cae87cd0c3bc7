"""Who the client is behind proxies."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gotwist.web.proxies import ClientView, TrustedProxies


class ProxyTests(SynchronousTestCase):
    def test_strangers_are_not_believed(self) -> None:
        """Forwarding headers of a peer that is not listed mean nothing."""
        for entries in ((), ("10.0.0.0/8",), ("unix",)):
            view = TrustedProxies(entries).view("192.0.2.1", ["6.6.6.6"], ["https"], ["evil"])
            self.assertEqual(view, ClientView("192.0.2.1"))
        self.assertFalse(TrustedProxies(["10.0.0.1"]).trusts("unix"))

    def test_right_most(self) -> None:
        """The address written by the outermost listed proxy counts, over several lines too."""
        proxies = TrustedProxies(["10.0.0.0/8", "unix", "2001:db8::/32"])
        for lines, address in (
            ([], "10.0.0.1"),
            (["6.6.6.6, 192.0.2.1"], "192.0.2.1"),
            (["6.6.6.6", "192.0.2.1, 10.0.0.2"], "192.0.2.1"),
            (["10.0.0.3"], "10.0.0.3"),
            (["192.0.2.1:4711"], "192.0.2.1"),
            (["[2001:DB9::1]:4711"], "2001:db9::1"),
            (["::ffff:192.0.2.1"], "192.0.2.1"),
            (["192.0.2.1, unknown"], "10.0.0.1"),
            (["192.0.2.1, <script>, 10.0.0.4"], "10.0.0.4"),
            ([","], "10.0.0.1"),
        ):
            self.assertEqual(proxies.view("10.0.0.1", lines).address, address, lines)
        self.assertEqual(proxies.view("unix", ["192.0.2.1"]).address, "192.0.2.1")

    def test_scheme_and_host(self) -> None:
        """So do its scheme and host; odd schemes are none."""
        proxies = TrustedProxies(["10.0.0.1"])
        view = proxies.view("10.0.0.1", [], ["http, HTTPS"], ["evil, box.example"])
        self.assertEqual((view.scheme, view.host), ("https", "box.example"))
        self.assertIsNone(proxies.view("10.0.0.1", [], ["gopher"]).scheme)

    def test_bad_entry(self) -> None:
        """An entry that is no address is an error."""
        self.assertRaises(ValueError, TrustedProxies, ["proxy.example"])
