"""Names gotwist to twistd.

Every twistd on the machine imports this file, so it imports nothing else and decides nothing.
"""

from twisted.application.service import ServiceMaker

gotwist = ServiceMaker(
    "gotwist",
    "gotwist.tap",
    "Access daemon: a web terminal that outlives the tab, the network and the daemon.",
    "gotwist",
)
