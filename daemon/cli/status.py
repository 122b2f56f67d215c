"""``watchstander status`` and ``coverage``: how the watch stands, and what it may claim."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from daemon.cli.context import State
from daemon.cli.exits import ExitStatus
from daemon.cli.output import Column, text
from daemon.cli.verbs import verb

if TYPE_CHECKING:
    from providers.resource import Scope
    from storage.past import PastState
    from storage.values import ScopeState

app = typer.Typer()


@verb(app, "watchstander status", "watchstander status --format json")
def status(cli: State) -> ExitStatus:
    """How the watch stands: the daemon, the last cycles, open findings, what waits for a person.

    Exit status 3 where the last reading of any scope was not complete.
    """
    facts = _facts(cli)
    cli.out.document(facts, lambda: _told(facts))
    return ExitStatus.INCOMPLETE if facts["coverage"]["incomplete"] else ExitStatus.OK


@verb(app, "watchstander coverage", "watchstander coverage --unread --format csv")
def coverage(
    cli: State,
    unread: Annotated[
        bool, typer.Option("--unread", help="Only what was not read completely last time.")
    ] = False,
    provider: Annotated[str | None, typer.Option("--provider", "-p", help="Only this cloud.")] = None,
) -> ExitStatus:
    """What was read, and what was not: each scope's last reading, its age, and why not.

    Nothing is ever concluded from a scope that was not read completely. Exit status 3 where there is one. PAST is whether the
    cloud told of the time before the first contact, which its own history keeps; empty where it was not asked yet.
    """
    cli.database.require_schema()
    from storage.inventory import Inventory
    from storage.past import Past

    states = [s for s in Inventory(cli.database).coverage() if provider in (None, s.scope.provider)]
    told = {state.scope: state for state in Past(cli.database).states()}
    shown = [s for s in states if s.unread or not unread]
    now = cli.now()
    cli.out.items(
        _rows(shown, told, now),
        COVERAGE,
        empty="Everything was read completely." if unread else "Nothing was read yet.",
    )
    return ExitStatus.INCOMPLETE if any(s.unread for s in states) else ExitStatus.OK


def _age(value: Any) -> str:
    return "never" if value is None else text(timedelta(seconds=int(value)))


COVERAGE = (
    Column(key="provider"),
    Column(key="account"),
    Column(key="region"),
    Column(key="type"),
    Column(key="status", style=lambda value: "green" if value == "complete" else "red"),
    Column(key="read", right=True),
    Column(key="age_seconds", title="LAST COMPLETE", right=True, render=_age),
    Column(key="past", render=lambda value: "" if value is None else value["status"]),
    Column(key="cause", title="WHY NOT"),
    Column(key="permission", title="NEEDS"),
)


def _past(told: PastState | None) -> dict[str, Any] | None:
    if told is None:
        return None
    return {
        "status": str(told.status),
        "since": told.since,
        "resources": told.resources,
        "versions": told.versions,
        "failed": told.failed,
        "cause": told.cause,
        "permission": told.permission,
        "next_try": told.next_try_at,
    }


def _rows(
    states: list[ScopeState], told: Mapping[Scope, PastState], now: datetime
) -> Iterator[dict[str, Any]]:
    for state in states:
        last = state.last_complete_at
        yield {
            "provider": state.scope.provider,
            "account": state.scope.account,
            "region": state.scope.region,
            "type": state.scope.type,
            "status": str(state.status),
            "read": state.read,
            "details_unread": state.details_unread,
            "last_complete": last,
            "age_seconds": None if last is None else max(0, int((now - last).total_seconds())),
            "last_attempt": state.last_attempt_at,
            "since": state.since,
            "cause": state.cause,
            "permission": state.permission,
            "past": _past(told.get(state.scope)),
        }


def _facts(cli: State) -> dict[str, Any]:
    from providers.registry import configured
    from storage.actions import Actions, ActionStatus
    from storage.cycles import Cycles
    from storage.deadletters import DeadLetters
    from storage.exemptions import Exemptions
    from storage.findings import Findings
    from storage.inventory import Inventory
    from storage.past import Past
    from storage.state import State as Facts

    cli.database.require_schema()
    inventory, findings = Inventory(cli.database), Findings(cli.database, clock=cli.clock)
    states = inventory.coverage()
    pause = Facts(cli.database).paused()
    actions = Actions(cli.database)
    waiting = actions.last(1_000, statuses=[s for s in ActionStatus if s.approvable])
    cycles = Cycles(cli.database).last(5)
    exempt = Exemptions(cli.database).in_force(cli.now())
    return {
        "daemon": _daemon(cli),
        "database": cli.database.where,
        "providers": sorted(configured(cli.settings.providers)),
        "resources": inventory.count(),
        "coverage": {
            "scopes": len(states),
            "complete": sum(s.complete for s in states),
            "incomplete": sum(s.unread for s in states),
            "by_status": dict(Counter(str(s.status) for s in states)),
            "past": dict(Counter(str(told.status) for told in Past(cli.database).states())),
        },
        "findings": {str(severity): count for severity, count in findings.counts().items()},
        "unknown": findings.unknown_count(),
        "exemptions": {
            "in_force": len(exempt),
            "ending": [
                {"id": e.id, "scope": e.scope, "who": e.who, "ticket": e.ticket, "until": e.ends}
                for e in exempt
                if e.status(cli.now()) == "ending"
            ],
        },
        "waiting_to_be_judged": inventory.due_count(),
        "cycles": [
            {
                "id": cycle.id,
                "kind": cycle.kind,
                "status": str(cycle.status),
                "started_at": cycle.started_at,
                "finished_at": cycle.finished_at,
                "sentence": cycle.sentence,
            }
            for cycle in cycles
        ],
        "paused": None if pause is None else {"since": pause.since, "who": pause.who, "reason": pause.reason},
        "plans_waiting": len(waiting),
        "dead_letters": DeadLetters(cli.database).count(),
    }


def _daemon(cli: State) -> dict[str, Any]:
    """Ask the running daemon, where it can be asked."""
    import httpx

    api = cli.settings.api
    if not api.enabled or api.port == 0:
        return {"running": None, "detail": "the HTTP interface is off, so the daemon cannot be asked"}
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - asked, not bound
    host = everywhere.get(api.host, f"[{api.host}]" if ":" in api.host else api.host)
    try:
        answer = httpx.get(f"http://{host}:{api.port}/readyz", timeout=2)
        body = answer.json()
        return {"running": True, "ready": bool(body["ok"]), "checks": body["checks"]}
    except (httpx.HTTPError, ValueError, KeyError):
        return {"running": False, "detail": f"nothing of ours answers at {host}:{api.port}"}


def _told(facts: dict[str, Any]) -> str:
    daemon, covered = facts["daemon"], facts["coverage"]
    if daemon["running"]:
        bad = [f"{c['name']}: {c['detail']}" for c in daemon["checks"] if not c["ok"]]
        state = "running, ready" if daemon["ready"] else f"running, not ready ({'; '.join(bad)})"
    else:
        state = f"{'unknown' if daemon['running'] is None else 'not running'} ({daemon['detail']})"
    found = ", ".join(
        f"{count} {severity}" for severity, count in reversed(facts["findings"].items()) if count
    )
    lines = [
        f"Daemon      {state}",
        f"Clouds      {', '.join(facts['providers']) or 'none configured'}",
        f"Inventory   {facts['resources']:,} resources in {covered['scopes']} scopes, {covered['incomplete']} of them not read completely",
        *([f"Past        {_asked(covered['past'])}"] if covered["past"] else []),
        f"Findings    {found or 'none'} open; {facts['unknown']:,} could not be decided",
        f"Containment {_containment(facts)}",
    ]
    if facts["exemptions"]["in_force"]:
        lines.append(f"Exemptions  {_exemptions(facts['exemptions'])}")
    if facts["waiting_to_be_judged"]:
        lines.append(f"Judging     {facts['waiting_to_be_judged']:,} resources wait to be judged")
    if facts["dead_letters"]:
        lines.append(
            f"Events      {facts['dead_letters']} dead letters: `watchstander db dead-letters` shows them"
        )
    lines.append("Cycles")
    lines += [f"  {text(c['started_at'])}  {c['sentence'] or c['status']}" for c in facts["cycles"]] or [
        "  none yet"
    ]
    return "\n".join(lines)


def _asked(by_status: Mapping[str, int]) -> str:
    told, kept = by_status.get("complete", 0), by_status.get("not-kept", 0)
    rest = {name: n for name, n in by_status.items() if name not in ("complete", "not-kept")}
    parts = [f"the time before the first contact is told for {told} scopes"]
    if kept:
        parts.append(f"{kept} are of types without a history")
    if rest:
        why = ", ".join(f"{n} {name}" for name, n in sorted(rest.items()))
        parts.append(f"{sum(rest.values())} are not told whole ({why}): `watchstander coverage`")
    return "; ".join(parts)


def _exemptions(facts: dict[str, Any]) -> str:
    ending = "".join(
        f"\n            {e['id']} ends at {text(e['until'])}: {e['scope']} ({e['ticket']}, {e['who']})"
        for e in facts["ending"]
    )
    return f"{facts['in_force']} in force, {len(facts['ending'])} of them end soon{ending}"


def _containment(facts: dict[str, Any]) -> str:
    pause = facts["paused"]
    waiting = (
        f"{facts['plans_waiting']} plans wait for a person" if facts["plans_waiting"] else "no plan waits"
    )
    if pause:
        return f"paused by {pause['who']} since {text(pause['since'])}: {pause['reason']}; {waiting}"
    return f"on; {waiting}"
