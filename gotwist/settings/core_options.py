"""The options of the daemon that belong to no door (application ``gotwist``)."""

from __future__ import annotations

from gotwist.settings.kinds import Boolean, Duration, Integer, Path, Size
from gotwist.settings.lists import TextList
from gotwist.settings.option import SERVER, Option

_PLACES = "Places"
_APPLICATIONS = "Applications"
_LIMITS = "Limits"
_HOUSEKEEPING = "Housekeeping"
_DANGEROUS = "Dangerous, each against a refusal to start"
_ACTIONS = "Instead of running"

PLACES = (
    Option(
        "settings_dir",
        Path(),
        "{settings_dir}",
        "Directory of the settings files.",
        _PLACES,
        in_files=False,
    ),
    Option(
        "user_dir",
        Path(),
        "{user_dir}",
        "What users keep, a directory each.",
        _PLACES,
        file=SERVER,
        restart=True,
    ),
    Option(
        "session_dir",
        Path(),
        "{session_dir}",
        "What sessions keep, a directory each.",
        _PLACES,
        file=SERVER,
        restart=True,
    ),
    Option(
        "runtime_dir",
        Path(),
        "{runtime_dir}",
        "Sockets, of the keeper among others; a short path, for the daemon alone.",
        _PLACES,
        file=SERVER,
        restart=True,
    ),
)

APPLICATIONS = (
    Option(
        "enabled_applications",
        TextList(),
        [],
        "Applications users have, by name. Empty: all that are installed.",
        _APPLICATIONS,
        file=SERVER,
        per_user=True,
    ),
    Option(
        "applications_dir",
        Path(),
        None,
        "Directory of further applications: one directory each, with Python files in it.",
        _APPLICATIONS,
        restart=True,
    ),
)

LIMITS = (
    Option(
        "max_connections", Integer(1, 1_000_000), 4096, "Open connections of the web door.", _LIMITS
    ),
    Option(
        "max_connections_per_address",
        Integer(1, 1_000_000),
        256,
        "Open connections from one address.",
        _LIMITS,
    ),
    Option(
        "max_websockets_per_user",
        Integer(1, 100_000),
        16,
        "Open tabs of one user.",
        _LIMITS,
        per_user=True,
    ),
    Option(
        "max_websockets_per_address",
        Integer(1, 100_000),
        64,
        "Open WebSockets from one address.",
        _LIMITS,
    ),
    Option(
        "max_unauthenticated_per_address",
        Integer(1, 100_000),
        16,
        "Open WebSockets from one address that have not authenticated yet.",
        _LIMITS,
    ),
    Option(
        "message_rate",
        Integer(1, 1_000_000),
        200,
        "Messages a second on one WebSocket; five times as many in a burst.",
        _LIMITS,
    ),
    Option(
        "byte_rate",
        Size(1024, 2**32),
        "256K",
        "Bytes a second on one WebSocket; five times as many in a burst.",
        _LIMITS,
    ),
)

HOUSEKEEPING = (
    Option(
        "session_timeout",
        Duration(1, zero=True),
        "5d",
        "A session nobody has open ends after this time, with its programs. 0: at once, "
        "nothing can be taken up again.",
        _HOUSEKEEPING,
        file=SERVER,
    ),
    Option(
        "session_timeout_check_interval",
        Duration(1),
        "30s",
        "How often sessions are looked through.",
        _HOUSEKEEPING,
    ),
    Option(
        "cleanup_interval",
        Duration(1),
        "5m",
        "How often old logs, old session directories and expired tokens are removed.",
        _HOUSEKEEPING,
    ),
    Option(
        "file_check_interval",
        Duration(0.5),
        "5s",
        "How often settings files and the certificate are looked at for changes.",
        _HOUSEKEEPING,
    ),
    Option(
        "user_logs_max_age",
        Duration(60, zero=True),
        "30d",
        "Logs of users older than this are removed. 0: kept for ever.",
        _HOUSEKEEPING,
        file=SERVER,
    ),
    Option("debug", Boolean(), False, "Log what happens in detail.", _HOUSEKEEPING),
)

DANGEROUS = (
    Option(
        "allow_auth_none_off_loopback",
        Boolean(),
        False,
        "Start although auth=none lets everybody who reaches this machine run programs.",
        _DANGEROUS,
        restart=True,
    ),
    Option(
        "allow_plain_http_off_loopback",
        Boolean(),
        False,
        "Start although plain HTTP lets the network read what is typed.",
        _DANGEROUS,
        restart=True,
    ),
    Option(
        "allow_any_origin",
        Boolean(),
        False,
        "Start although origins=* lets every web page act for its visitors.",
        _DANGEROUS,
        restart=True,
    ),
)

ACTIONS = (
    Option(
        "kill",
        Boolean(),
        False,
        "End all terminals and the keeper, and exit.",
        _ACTIONS,
        in_files=False,
    ),
    Option(
        "new_api_key",
        Boolean(),
        False,
        "Make an API key and its secret, write both into 30api_keys.conf of the settings "
        "directory, print the key and exit. A running daemon takes it into use by itself.",
        _ACTIONS,
        in_files=False,
    ),
    Option("version", Boolean(), False, "Print the version and exit.", _ACTIONS, in_files=False),
)

CORE = PLACES + APPLICATIONS + LIMITS + HOUSEKEEPING + DANGEROUS + ACTIONS
