"""``watchstander policy backtest``: what is printed of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.errors import UsageError
from daemon.cli.asking import opened
from daemon.cli.context import State
from daemon.cli.engines import engine_of
from daemon.cli.output import Column, text

if TYPE_CHECKING:
    from config.settings import PolicySettings
    from daemon.backtest import Result
    from policies.engine import Engine
    from policies.pack import PolicySet

FINDINGS = (
    Column(key="policy"),
    Column(key="resource"),
    Column(key="where", style=lambda value: {"new": "red", "in-force": "green"}.get(str(value), "")),
    Column(key="opened_at", title="OPENED"),
    Column(key="closed_at", title="CLOSED"),
    Column(key="reason"),
    Column(key="message"),
)


def tried(
    cli: State, files: list[Path], since: datetime, until: datetime, *, findings: bool, moments: int
) -> None:
    """Run it and print it."""
    from daemon.backtest import Backtest
    from daemon.backtest_joins import JoinedPast
    from policies.evaluate import Judge
    from policies.loader import load
    from storage.inventory import Inventory
    from storage.joins import Joins
    from storage.replay import Replay

    database, settings = opened(cli), cli.settings
    if since >= until:
        raise UsageError(f"{text(since)} is not before {text(until)}.")
    replay = Replay(database)
    first = replay.earliest()
    if first is None:
        raise UsageError("Nothing is remembered yet.", hint="Run `watchstander scan` first.")
    if first > since:
        cli.out.note(f"What is remembered begins at {text(first)}.")
    engine = engine_of(cli)
    mine = _with_parameters(files, engine, settings.policies)
    inventory = Inventory(database)
    past = JoinedPast(inventory=inventory, replay=replay, joins=Joins(database), most=moments)
    backtest = Backtest(inventory, replay, settings.containment, past)
    with (
        Judge(mine, settings.policies, engine=engine) as trying,
        Judge(load(settings.policies, engine), settings.policies, engine=engine) as ruling,
    ):
        results = list(backtest.run(trying, ruling, since, until))
    if not results:
        raise UsageError("None of these policies judges resources.")
    if findings:
        cli.out.items(_rows(results), FINDINGS, empty="There would have been no finding.")
        return
    document = {
        "since": since,
        "until": until,
        "policies": [
            {
                "id": result.policy.id,
                "title": result.policy.title,
                "severity": result.policy.severity.value,
                "tried": result.tried.record(),
                "in_force": None if result.in_force is None else result.in_force.record(),
                "same_as_in_force": result.same,
            }
            for result in results
        ],
        "findings": list(_rows(results)),
    }
    cli.out.document(document, lambda: "\n".join(line for result in results for line in _told(result)))


def _with_parameters(files: list[Path], engine: Engine, settings: PolicySettings) -> PolicySet:
    """The policies in the files, with what the configuration says of policies of their names."""
    from policies.loader import load_paths

    bare = _settings_of(settings, frozenset())
    names = frozenset(policy.id for policy in load_paths(files, engine, bare).policies)
    return load_paths(files, engine, _settings_of(settings, names))


def _settings_of(settings: PolicySettings, names: frozenset[str]) -> PolicySettings:
    """What a configuration says of policies of these names, and nothing else."""
    return settings.model_copy(
        update={
            "packs": (),
            "paths": (),
            "disabled": (),
            "severities": {k: v for k, v in settings.severities.items() if k in names},
            "enforcement": {k: v for k, v in settings.enforcement.items() if k in names},
            "parameters": {k: v for k, v in settings.parameters.items() if k in names},
        }
    )


def _rows(results: list[Result]) -> Iterator[dict[str, Any]]:
    for result in results:
        for episode, where in result.rows():
            yield {
                "policy": episode.policy,
                "resource": episode.ref.uid,
                "account": episode.ref.account,
                "region": episode.ref.region,
                "type": episode.ref.type,
                "where": where,
                "at_once": episode.at_once,
                "opened_at": episode.opened_at,
                "closed_at": episode.closed_at,
                "reason": episode.reason.value if episode.reason else None,
                "message": episode.message,
            }


def _told(result: Result) -> Iterator[str]:
    yield f"{result.policy.id} ({result.policy.severity.value}): {result.policy.title}"
    yield f"  tried     {_side(result.tried.record())}"
    if result.in_force is None:
        yield "  in force  there is no policy of this name"
    elif result.same:
        yield "  in force  the same"
    else:
        yield f"  in force  {_side(result.in_force.record())}"
        where = [where for _, where in result.rows()]
        yield (
            f"  compared  {where.count('new')} findings would be new, {where.count('in-force')} would be gone, "
            f"{where.count('both')} the same"
        )
    counted = result.tried.moments
    if counted is not None and counted.judged < counted.there:
        yield (
            f"  {counted.judged} of {counted.there} moments judged (--moments): what opened and closed between two of them "
            "is not seen, and what lasted is dated up to one stretch late"
        )
    for acts in result.tried.acts:
        missing = f" (the containment policy {acts.missing} is not in force)" if acts.missing else ""
        stopped = f", over its limit of {acts.limit}: it would have been stopped" if acts.over_limit else ""
        yield (
            f"  {acts.hook} ({acts.mode}): {acts.allowed} acts allowed, {acts.at_once} of them at once, "
            f"{acts.refused} refused, {acts.undecided} undecided{missing}; at most {acts.most_per_hour} in an hour and account{stopped}"
        )


def _side(record: dict[str, Any]) -> str:
    said = (
        f"{record['open_at_once']} open at once, {record['opened']} opened later, {record['closed']} closed, "
        f"{record['open_at_the_end']} open at the end; {record['unknown']} of {record['judged']} judgements unknown"
    )
    return said if record["moments"] is None else f"{said}, at {record['judged_moments']} moments"
