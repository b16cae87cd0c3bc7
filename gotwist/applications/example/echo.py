"""The example: an application in fifteen lines, to copy from."""

from gotwist.gateway.actions import action
from gotwist.gateway.application import Application


class Example(Application):
    name = "example"
    description = "Answers what it is told."

    @action("example:echo", str)
    def echo(self, text: str) -> None:
        self.client.send("example:echoed", text)

    @action("example:remind", str)
    def remind(self, text: str) -> None:
        self.add_timeout("5s", lambda: self.client.send("example:reminder", text))

    @action("example:tell_all", str)
    def tell_all(self, text: str) -> None:
        self.house.clients.broadcast("example:told", text)
