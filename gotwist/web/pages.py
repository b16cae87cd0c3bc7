"""The small pages the daemon writes itself: errors, sign-in, moved."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from gotwist.auth.conversation import MAX_ANSWER, Prompt, Question
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
    "label,input,button{display:block;font:inherit}label{margin-top:1rem}"
    "input{width:100%;box-sizing:border-box;padding:.4rem}"
    "button{margin-top:1rem;padding:.4rem 1rem}"
    ".refusal{border-left:.3rem solid #c33;padding-left:.7rem}"
)


def reason_phrase(status: int) -> bytes:
    """Give the standard reason of a status, never one made of somebody's text."""
    try:
        return HTTPStatus(status).phrase.encode("ascii")
    except ValueError:
        return b"Unknown"


def page(title: str, body: str, *, head: str = "") -> bytes:
    """Render a whole small page; ``title`` is text, ``body`` and ``head`` are markup of ours."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        # Without it, browsers ask for an icon that is not there.
        '<link rel="icon" href="data:,">'
        # Under "no-referrer" a form's Origin is "null", and nothing else tells where it is from
        # when a browser is old, or the page came by plain HTTP.
        '<meta name="referrer" content="same-origin">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style>{head}</head>"
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>\n"
    ).encode()


def error_page(status: int, text: str | None = None) -> bytes:
    """Render the page of a refusal: number, reason, one sentence (plain text)."""
    reason = reason_phrase(status).decode("ascii")
    return page(f"{status} {reason}", f"<p>{escape(text or _TEXTS.get(status, reason))}</p>")


def sign_in_page(
    action: str,
    *,
    has_form: bool = False,
    has_launch_links: bool = True,
    links: Sequence[tuple[str, str]] = (),
    next: str = "",
    refusal: str = "",
) -> bytes:
    """Render what a stranger sees instead of the terminals.

    :param action: where the form goes.
    :param links: the other ways of signing in, each a label and a path.
    :param next: where to go on to; nothing: the main page.
    """
    parts = [f'<p class="refusal" role="alert">{escape(refusal)}</p>'] if refusal else []
    if has_form:
        parts.append(_password_form(action, next))
    parts.append(_links((label, with_next(path, next)) for label, path in links))
    if has_launch_links:
        parts.append(_LAUNCH_LINKS_TOO if has_form or links else _LAUNCH_LINKS)
    return page("Sign in", "".join(parts))


_LAUNCH_LINKS: Final = (
    "<p>You are not signed in. Open a launch link: on the machine where gotwist runs, "
    "<code>gotwist link</code> prints a fresh one.</p>"
)
_LAUNCH_LINKS_TOO: Final = (
    "<p>A launch link signs you in as well: on the machine where gotwist runs, "
    "<code>gotwist link</code> prints a fresh one.</p>"
)


def _password_form(action: str, next: str) -> str:
    going_on = f'<input type="hidden" name="next" value="{escape(next)}">' if next else ""
    return (
        f'<form method="post" action="{escape(action)}">{going_on}'
        '<label for="user">User</label><input id="user" name="user" autocomplete="username" '
        'autocapitalize="none" spellcheck="false" maxlength="128" required autofocus>'
        '<label for="password">Password</label><input id="password" name="password" '
        f'type="password" autocomplete="current-password" maxlength="{MAX_ANSWER}" required>'
        '<button type="submit">Sign in</button></form>'
    )


def question_page(action: str, question: Question) -> bytes:
    """Render what a method asks besides name and password; its words are text."""
    return page("Sign in", _question_form(action, question))


def _question_form(action: str, question: Question) -> str:
    said = "".join(f"<p>{escape(message)}</p>" for message in question.messages)
    asked = "".join(
        f'<label for="a{index}">{escape(prompt.text.strip() or "Answer")}</label>'
        f'<input id="a{index}" name="a{index}" type="{"password" if prompt.is_hidden else "text"}"'
        f' maxlength="{MAX_ANSWER}" autocomplete="{_autocomplete(prompt)}" autocapitalize="none"'
        f' spellcheck="false"{" autofocus" if index == 0 else ""}>'
        for index, prompt in enumerate(question.prompts)
    )
    return (
        f'{said}<form method="post" action="{escape(action)}">'
        f'<input type="hidden" name="answers" value="{len(question.prompts)}">'
        f'{asked}<button type="submit">Go on</button></form>'
    )


def _autocomplete(prompt: Prompt) -> str:
    words = prompt.text.lower()
    if "code" in words or "token" in words:
        return "one-time-code"
    if not prompt.is_hidden:
        return "off"
    return "new-password" if "new" in words or "again" in words else "current-password"


def landing_page(target: str) -> bytes:
    """Render a page that leads on to a path of ours by itself."""
    return page(
        "Signed in",
        f'<p><a href="{escape(target)}">Go on</a></p>',
        head=f'<meta http-equiv="refresh" content="0;url={escape(target)}">',
    )


def link_page(title: str, text: str, *links: tuple[str, str]) -> bytes:
    """Render one sentence and links: each a label and a path of ours with its query."""
    return page(title, f"<p>{escape(text)}</p>{_links(links)}")


def with_next(path: str, next: str) -> str:
    """Add to a path where to go on to afterwards; nothing: the main page."""
    return f"{path}?next={quote(next)}" if next else path


def _links(links: Iterable[tuple[str, str]]) -> str:
    return "".join(
        f'<p><a class="button" href="{escape(path)}">{escape(label)}</a></p>'
        for label, path in links
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
