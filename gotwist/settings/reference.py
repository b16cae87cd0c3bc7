"""The reference page of all options, ``docs/settings.md``, from the table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields

from gotwist.paths import Places, default_places
from gotwist.settings.kinds import Path
from gotwist.settings.option import Option
from gotwist.settings.table import Table

_ROOT = default_places(is_root=True, home="/root")
_USER = default_places(is_root=False, home="~")

_PREFACE = """\
# Settings

Generated from the table of options by `python -m gotwist.settings`; do not edit.

Every option can stand in a settings file, and most on the command line as `--name=value`.
The command line wins over the files, and the files over the defaults.

## Files

All files of the settings directory whose names end in `.conf` are read in alphanumeric
order. They are JSON with comments:

```
{
    "*": {                        // for everybody
        "gotwist": {              // the daemon itself ("gateone" is understood too)
            "port": 8443
        },
        "terminal": {             /* an application */
            "default_command": "shell"
        }
    },
    "user=alice@example\\\\.org": {  // for some users only
        "terminal": {
            "max_terms": 4
        }
    }
}
```

Objects are merged key by key; every other value, lists too, is replaced by the one that is
read later. `null` puts an option back to its default.

The first start writes `10server.conf`, `20authentication.conf` and `50terminal.conf` with
the values of its command line, and `20cookie_secret.conf`. Changed files are noticed within
`file_check_interval` and put in force together or, when one of them is bad, not at all: the
log then tells file, line and column. Options marked *at the next start* wait for it.

Files must belong to root or to the daemon's user, and nobody else may write them.

## Scopes

| scope | for |
|---|---|
| `*` | everybody |
| `user=<regex>`, `user.upn=<regex>` | users by name |
| `user.<attribute>=<regex>` | users by any other attribute, such as `user.ip_address` |
| `group=<regex>` | members of a group |
| `address=<network>,<network>` | who comes from these networks |
| `<scope> and <scope>` | for whom both hold |

A regular expression must match the whole value; `docs/policies.md` tells more. Scopes are
applied after `*`, in the order in which the files first name them. Options marked *per user* can
stand in any scope, the others in `*` only.

## Values

| kind | in a file | on the command line |
|---|---|---|
| boolean | `true`, `false` | `--name`, `--name=True`, `--name=False` |
| number | `8443` | `--name=8443` |
| text, choice, path | `"text"` | `--name=text` |
| list | `["a", "b"]` or `"a;b"` | `--name='a;b'` |
| time | `"30s"`, `"5m"`, `"2h"`, `"5d"`, `"1M"` (30 days), `"1y"` (365 days); `500`: ms \
| `--name=30s` |
| size | `65536`, `"64K"`, `"1M"` | `--name=64K` |
| mode | `"0600"` | `--name=0600` |

`--name=None` puts an option back to its default. `-` may stand for `_` in names.
"""


def render_reference(table: Table) -> str:
    """Write the whole page."""
    lines = [_PREFACE, "## Places", "", "| | started as root | otherwise |", "|---|---|---|"]
    for place in fields(Places):
        root, user = getattr(_ROOT, place.name), getattr(_USER, place.name)
        lines.append(f"| {place.name} | `{root}` | `{user}` |")
    section = ""
    for option in table:
        if option.section != section:
            section = option.section
            lines += ["", f"## {section}"]
        lines += ["", *_entry(option)]
    return "\n".join([*lines, ""])


def _entry(option: Option) -> Iterator[str]:
    yield f"### {option.name}"
    yield ""
    yield option.help
    yield ""
    yield f"*{'; '.join(_facts(option))}*"


def _facts(option: Option) -> Iterator[str]:
    yield option.application
    yield "list" if option.kind.form == "text;text" else option.kind.form.replace("|", " or ")
    if option.default is None:
        yield "no default"
    elif isinstance(option.kind, Path):
        root, user = option.default_value(_ROOT), _path_for_user(option)
        yield f"default `{root}` or `{user}`"
    else:
        yield f"default `{json.dumps(option.kind.to_json(option.default_value(_ROOT)))}`"
    if not option.command_line:
        yield "settings files only"
    if not option.in_files:
        yield "command line only"
    if option.per_user:
        yield "per user"
    if option.restart:
        yield "at the next start"


def _path_for_user(option: Option) -> str:
    return str(option.default).format_map(
        {place.name: getattr(_USER, place.name) for place in fields(Places)}
    )
