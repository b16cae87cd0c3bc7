"""The example: an application in fifteen lines, to copy from."""

from gotwist.gateway.actions import action
from gotwist.gateway.application import Application
from gotwist.gateway.clients import send_to_all


class Example(Application):
    name = "example"
    description = "Answers what it is told."

    @action("example:echo", str)
    def echo(self, text: str) -> None:
        self.client.send("example:echoed", text)

    @action("example:remind", str)
    def remind(self, text: str) -> None:
        self.add_timeout("5s", lambda: self.client.send("example:reminder", text))

    @action("example:tell_my_tabs", str)
    def tell_my_tabs(self, text: str) -> None:
        mine = self.house.clients.of_session(self.client.session)
        send_to_all(mine, "example:told", text)
