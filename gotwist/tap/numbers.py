"""The daemon's metrics: read from what the rooms count anyway, when somebody asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from twisted.application.service import IService
from twisted.internet.interfaces import IReactorTCP

from gotwist.applications.terminal.hub import Hub
from gotwist.auth.pam.service import PamWorkers
from gotwist.events.service import AuditService
from gotwist.gateway.house import House
from gotwist.housekeeping.service import ChoresService
from gotwist.metrics.families import Family, Source, counter, gauge, single
from gotwist.settings.snapshot import Snapshot
from gotwist.tap.actions import installed_version

_JUDGED = "password_judged"


def metrics_door(
    reactor: IReactorTCP,
    snapshot: Snapshot,
    house: House,
    hub: Hub,
    chores: ChoresService,
    audit: AuditService,
    workers: PamWorkers,
) -> tuple[IService, ...]:
    """Make the metrics' door, where it is wanted."""
    if not snapshot.boolean("metrics"):
        return ()
    # Only now: the library costs megabytes, and most do without.
    from gotwist.metrics.http import MetricsDoor

    numbers = daemon_numbers(house, hub, chores, audit, workers, installed_version())
    address, port = snapshot.text("metrics_address"), snapshot.integer("metrics_port")
    return (MetricsDoor(reactor, address, port, numbers),)


def daemon_numbers(
    house: House,
    hub: Hub,
    chores: ChoresService,
    audit: AuditService,
    workers: PamWorkers,
    version: str,
) -> tuple[Source, ...]:
    """All sources of one daemon."""
    return (
        lambda: [gauge("gotwist_build_info", "The version.", {(version,): 1}, "version")],
        lambda: _people(house, audit.trail.counts),
        lambda: _terminals(hub, audit.trail.counts),
        lambda: _chores(chores),
        lambda: _passwords(workers, audit.trail.counts),
        lambda: _audit(audit),
    )


def _people(house: House, counts: Counter[tuple[str, str]]) -> Iterator[Family]:
    results = {"signed_in": "accepted", "sign_in_refused": "refused"}
    yield counter(
        "gotwist_sign_ins",
        "Attempts to sign in, by how and with which result.",
        {
            (label, results[event]): count
            for (event, label), count in counts.items()
            if event in results
        },
        *("method", "result"),
    )
    yield counter(
        "gotwist_sign_ins_ended",
        "Sign-ins that have ended, by reason.",
        _by_label(counts, "signed_out"),
        "reason",
    )
    yield counter(
        "gotwist_actions_refused",
        "Actions that a policy or a limit has refused.",
        _by_label(counts, "action_refused"),
        "code",
    )
    yield gauge("gotwist_valid_sign_ins", "Sign-ins that hold.", single(len(house.signins)))
    yield gauge("gotwist_sessions", "Sessions, seen or unseen.", single(len(house.sessions)))
    yield gauge("gotwist_clients", "Connected browser tabs.", single(len(house.clients)))


def _terminals(hub: Hub, counts: Counter[tuple[str, str]]) -> Iterator[Family]:
    totals = hub.totals()
    yield gauge("gotwist_terminals", "Open terminals.", single(len(hub.places)))
    yield counter(
        "gotwist_terminals_opened",
        "Terminals opened.",
        single(counts["terminal_opened", ""]),
    )
    yield counter(
        "gotwist_terminals_ended",
        "Programs that have ended, by reason.",
        _by_label(counts, "terminal_ended"),
        "reason",
    )
    yield counter(
        "gotwist_terminal_output_bytes", "Bytes that programs have printed.", single(totals.output)
    )
    yield counter(
        "gotwist_terminal_input_bytes", "Bytes that users have typed.", single(totals.input)
    )
    yield counter(
        "gotwist_flow_control_pauses",
        "How often a browser took no more output for a moment.",
        single(totals.pauses),
    )
    yield counter(
        "gotwist_viewers_set_aside",
        "How often a browser took nothing for so long that it was waited for no more.",
        single(totals.aside),
    )


def _passwords(workers: PamWorkers, counts: Counter[tuple[str, str]]) -> Iterator[Family]:
    yield gauge("gotwist_pam_waiting", "Passwords that wait for PAM.", single(workers.waiting))
    yield gauge("gotwist_pam_busy", "Processes that check a password.", single(workers.busy))
    yield counter(
        "gotwist_passwords_judged",
        "Answers of the authentication service to other programs.",
        {(accepted.lower(),): n for (name, accepted), n in counts.items() if name == _JUDGED},
        "accepted",
    )


def _chores(chores: ChoresService) -> Iterator[Family]:
    records = chores.records
    yield counter(
        "gotwist_chore_rounds",
        "Rounds of each periodic duty.",
        {(name,): record.rounds for name, record in records.items()},
        "chore",
    )
    yield counter(
        "gotwist_chore_failures",
        "Rounds that have failed.",
        {(name,): record.failures for name, record in records.items()},
        "chore",
    )
    yield counter(
        "gotwist_chore_seconds",
        "What the rounds have taken.",
        {(name,): record.total_duration_s for name, record in records.items()},
        "chore",
    )
    yield gauge(
        "gotwist_chore_last_seconds",
        "What the last round has taken.",
        {(name,): record.last_duration_s for name, record in records.items()},
        "chore",
    )


def _audit(audit: AuditService) -> Iterator[Family]:
    writer = audit.writer
    if writer is not None:
        yield counter("gotwist_audit_lines_lost", "Lines that were lost.", single(writer.lost))
        yield gauge("gotwist_audit_lines_waiting", "Lines to write.", single(writer.waiting))


def _by_label(counts: Counter[tuple[str, str]], event: str) -> dict[tuple[str, ...], float]:
    return {(label,): count for (name, label), count in counts.items() if name == event}
