"""TLS connections that end when they are told to.

Twisted's TLS transport says goodbye and then waits for the other side's goodbye, for ever and
still reading.  TLS does not ask for that: who has said goodbye may close.
"""

from __future__ import annotations

from typing import Final

from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import connectionDone
from twisted.protocols.tls import BufferingTLSTransport, TLSMemoryBIOFactory
from twisted.python.failure import Failure

GOODBYE_S: Final = 1.0


class EndingTlsTransport(BufferingTLSTransport):
    """Closes the connection below a second after our goodbye, answered or not.

    What has been written before is sent first, however long that takes: the transport below
    closes only when its buffer is empty.
    """

    _ending: IDelayedCall | None = None

    def _shutdownTLS(self) -> None:
        super()._shutdownTLS()
        if self._ending is None and self.transport is not None and not self._aborted:
            clock = self.factory._clock
            self._ending = clock.callLater(GOODBYE_S, self.transport.loseConnection)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._ending is not None and self._ending.active():
            self._ending.cancel()
        super().connectionLost(reason)


class TlsFactory(TLSMemoryBIOFactory):
    """Wraps a factory in TLS as Twisted's does, with connections that end."""

    protocol = EndingTlsTransport
    noisy = False
