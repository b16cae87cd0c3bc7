"""The small pages the daemon writes itself: errors, sign-in, moved."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from html import escape
from http import HTTPStatus
from typing import Final

from gotwist.errors import Unavailable

_TEXTS: Final[Mapping[int, str]] = {
    400: "The request is not one this server understands.",
    401: "Sign in first.",
    403: "You may not have this.",
    404: "There is nothing here.",
    405: "This cannot be done here.",
    408: "The request took too long to arrive.",
    413: "That is too much to send here.",
    414: "The address is too long.",
    426: "This address speaks WebSocket only.",
    431: "The request head is too large.",
    500: "Something went wrong on our side.",
    503: "Not available just now.",
}

_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1rem}"
    "h1{font-size:1.3rem}code{background:#8883;padding:.1em .3em;border-radius:.2em}"
    ":root{color-scheme:light dark}"
)


def reason_phrase(status: int) -> bytes:
    """Give the standard reason of a status, never one made of somebody's text."""
    try:
        return HTTPStatus(status).phrase.encode("ascii")
    except ValueError:
        return b"Unknown"


def page(title: str, body: str) -> bytes:
    """Render a whole small page; ``title`` is text, ``body`` is markup of ours."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>\n"
    ).encode()


def error_page(status: int, text: str | None = None) -> bytes:
    """Render the page of a refusal: number, reason, one sentence (plain text)."""
    reason = reason_phrase(status).decode("ascii")
    return page(f"{status} {reason}", f"<p>{escape(text or _TEXTS.get(status, reason))}</p>")


def sign_in_page() -> bytes:
    """Render what a stranger sees instead of the terminals."""
    return page(
        "Sign in",
        "<p>You are not signed in. Open a launch link: on the machine where gotwist runs, "
        "<code>gotwist link</code> prints a fresh one.</p>",
    )


def confirm_page(action: str, fields: Mapping[str, str]) -> bytes:
    """Render one button that sends ``fields`` to ``action`` as a form."""
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in fields.items()
    )
    return page(
        "Sign in",
        f'<p>Another page sent you here.</p><form method="post" action="{escape(action)}">'
        f'{hidden}<button type="submit">Sign in</button></form>',
    )


_PLACEHOLDER: Final = re.compile(r"\{\{([a-z_]+)\}\}")


def main_page(
    template: str, manifest: Mapping[str, str], settings: Mapping[str, object], base: str = "/"
) -> bytes:
    """Fill ``index.html``: ``{{base}}``, ``{{settings}}`` (JSON) and the bundle's names.

    ``{{main_js}}`` becomes the hashed name of ``main.js``, and likewise for the others.

    :raises Unavailable: when the page names a file that the bundle does not have
    """
    values = {name.replace(".", "_"): hashed for name, hashed in manifest.items()}
    values["base"] = base
    values["settings"] = json.dumps(settings, separators=(",", ":"), sort_keys=True)

    def fill(match: re.Match[str]) -> str:
        if match[1] not in values:
            raise Unavailable("The browser part is not built.")
        return escape(values[match[1]])

    return _PLACEHOLDER.sub(fill, template).encode()
