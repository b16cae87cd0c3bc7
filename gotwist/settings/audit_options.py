"""The options of the audit stream and of the metrics (application ``gotwist``)."""

from __future__ import annotations

from gotwist.settings.kinds import Boolean, Choice, Integer, Path, Size, Text
from gotwist.settings.option import SERVER, Option

_AUDIT = "Audit"
_METRICS = "Metrics"

FACILITIES = (
    *("auth", "cron", "daemon", "kern"),
    *(f"local{number}" for number in range(8)),
    *("lpr", "mail", "news", "syslog", "user", "uucp"),
)

AUDIT = (
    Option(
        "audit",
        Boolean(),
        True,
        "Write the audit log: who signed in or could not, which terminals were opened, what was "
        "refused.",
        _AUDIT,
        file=SERVER,
        restart=True,
    ),
    Option(
        "audit_log",
        Path(),
        "{log_dir}/audit.log",
        "The file of the audit log, one JSON object a line (docs/audit.md).",
        _AUDIT,
        file=SERVER,
        restart=True,
    ),
    Option(
        "audit_log_max_size",
        Size(0, 2**40),
        "100M",
        "Above this size the audit log is renamed and begun anew. 0: never, something else such "
        "as logrotate does it.",
        _AUDIT,
        restart=True,
    ),
    Option(
        "audit_log_backups",
        Integer(0, 1000),
        10,
        "How many renamed audit logs are kept.",
        _AUDIT,
        restart=True,
    ),
    Option(
        "audit_syslog",
        Boolean(),
        False,
        "Give the audit stream to the system log, with the file or, with audit=False, instead.",
        _AUDIT,
        restart=True,
    ),
    Option(
        "syslog_facility",
        Choice(FACILITIES),
        "daemon",
        "The facility under which the system log is given anything.",
        _AUDIT,
        restart=True,
    ),
)

METRICS = (
    Option(
        "metrics",
        Boolean(),
        False,
        "Offer numbers for Prometheus at http://<metrics_address>:<metrics_port>/metrics.",
        _METRICS,
        restart=True,
    ),
    Option(
        "metrics_address",
        Text(r"[0-9A-Fa-f.:]{2,45}", "an IP address of this machine, such as 127.0.0.1"),
        "127.0.0.1",
        "Where the metrics are offered: a loopback address, since nobody is asked who they are.",
        _METRICS,
        restart=True,
    ),
    Option(
        "metrics_port",
        Integer(0, 65_535),
        10_444,
        "The port of the metrics. 0: any that is free.",
        _METRICS,
        restart=True,
    ),
)

AUDIT_OPTIONS = AUDIT + METRICS
