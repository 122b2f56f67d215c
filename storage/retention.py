"""Thinning the past: which moments stay answerable, and letting go of the versions that hold none of them.

A *kept moment* is any time within ``full`` of now, 00:00 UTC of each day within ``daily``, and 00:00 UTC of the first of each
month within ``monthly`` (for ever without one). A version goes only if it ended and no kept moment lies in it, so that every
question about a kept moment answers as before. The version before it is then taken to have lasted until the next (or until
the resource was gone): between kept moments the past is as coarse as they are, but never torn.

Safe to kill at any time: each transaction leaves a whole history, and the next run goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from config.settings import RetentionRule, RetentionSettings
from storage import attribution, partitions
from storage.database import Database
from storage.errors import Damaged
from storage.ledger import Ledger
from storage.state import read_state, write_state
from storage.tables import BASELINE_ITEM, DEAD_LETTER, EVENT, RESOURCE, SCOPE, VERSION
from storage.times import EPOCH, OPEN, from_us, to_us

BATCH = 2_000
"""Versions let go of in one transaction, so that a writer never waits long."""
PROOFS = 12
"""At how many kept moments a run compares the state before and after, oldest and newest first."""
_FAR_PAST = -(2**62)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A kept moment and how many resources there were, which a run found the same before and after."""

    at: datetime
    resources: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What a run let go of (or would): rows by kind, versions before and after, and the kept moments that were compared."""

    removed: dict[str, int]
    versions_before: int
    versions_after: int
    proofs: tuple[Proof, ...] = ()
    complete: bool = True
    """False where it was told to stop before the end."""


def kept_moments(rule: RetentionRule, now: datetime, oldest: datetime) -> list[datetime]:
    """The kept moments from ``oldest`` to ``now - full``, which is the last of them (from there on every moment is)."""
    cut = now - rule.full
    days = max(oldest, now - max(rule.daily, rule.full))
    moments = [cut]
    day = cut.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if day == cut:
        day -= timedelta(days=1)
    while day >= days:
        moments.append(day)
        day -= timedelta(days=1)
    month = day.replace(day=1)
    horizon = oldest if rule.monthly is None else max(oldest, now - rule.monthly)
    while month >= horizon:
        moments.append(month)
        month = (month - timedelta(days=1)).replace(day=1)
    return moments[::-1]


def prune(
    database: Database,
    settings: RetentionSettings,
    now: datetime,
    *,
    actor: str,
    dry_run: bool = False,
    batch: int = BATCH,
    progress: Callable[[int], bool] = lambda _removed: True,
) -> Pruned:
    """Let go of what the rules do not keep. ``progress`` is told after each transaction how many versions went so far, and ends
    the run by returning False. What went is entered in the ledger.

    Raises StorageError; Damaged where a kept moment does not answer as before, which stops it at once.
    """
    thinning = _Thinning(database, settings, now)
    before = thinning.versions()
    moments = thinning.witnesses()
    state = {} if dry_run else thinning.fingerprints(moments)
    removed, complete = 0, True
    for condition in thinning.doomed():
        if dry_run:
            removed += thinning.count(condition)
            continue
        while complete and (done := let_go(database, condition, batch)):
            removed += done
            complete = progress(removed)
    counts = {"versions": removed, **(thinning.others(dry_run=dry_run) if complete else {})}
    after = before - removed if dry_run else thinning.versions()
    proofs = tuple(Proof(at=m, resources=c) for m, (c, _) in state.items())
    if not dry_run:
        thinning.prove(state)
        if complete:
            partitions.tidy(database, [now - settings.full, now - max(settings.full, settings.daily)], now)
        if any(counts.values()):
            detail = {"removed": counts, "versions": after, "moments": len(proofs), "complete": complete}
            Ledger(database).append("history.pruned", actor, "history", detail, now)
    return Pruned(
        removed=counts, versions_before=before, versions_after=after, proofs=proofs, complete=complete
    )


@dataclass(slots=True)
class _Thinning:
    """One run."""

    database: Database
    settings: RetentionSettings
    now: datetime
    oldest: datetime = field(init=False)

    def __post_init__(self) -> None:
        with self.database.read() as connection:
            first = connection.scalar(sa.select(sa.func.min(VERSION.c.valid_from)))
        self.oldest = self.now if first is None else from_us(int(first))

    def versions(self) -> int:
        with self.database.read() as connection:
            return int(connection.scalar(sa.select(sa.func.count()).select_from(VERSION)) or 0)

    def doomed(self) -> Iterator[sa.ColumnElement[bool]]:
        """Conditions whose versions hold no kept moment: by rule, between one kept moment and the next."""
        for rule, places in self._rules():
            moments = kept_moments(rule, self.now, self.oldest)
            for start, end in pairwise([_FAR_PAST, *(to_us(m) for m in moments)]):
                # [from, to) lies between two neighbours iff it begins after one and ends no later than the other.
                inside = sa.and_(
                    VERSION.c.valid_to < OPEN,
                    VERSION.c.valid_to > start,
                    VERSION.c.valid_to <= end,
                    VERSION.c.valid_from > start,
                    unpinned(),
                )
                yield inside if places is None else sa.and_(inside, places)

    def _rules(self) -> Iterator[tuple[RetentionRule, sa.ColumnElement[bool] | None]]:
        """Each rule with the condition on its resources; None means all."""
        if not self.settings.types:
            yield self.settings, None
            return
        with self.database.read() as connection:
            types = connection.scalars(sa.select(SCOPE.c.type).distinct()).all()
        by_pattern: dict[str | None, list[str]] = {}
        for type_ in types:
            by_pattern.setdefault(_pattern(type_, self.settings.types), []).append(type_)
        for pattern, chosen in by_pattern.items():
            ids = sa.select(RESOURCE.c.id).join(SCOPE, SCOPE.c.id == RESOURCE.c.place_id)
            rule = self.settings if pattern is None else self.settings.types[pattern]
            yield rule, VERSION.c.resource_id.in_(ids.where(SCOPE.c.type.in_(chosen)))

    def count(self, condition: sa.ColumnElement[bool]) -> int:
        with self.database.read() as connection:
            return int(
                connection.scalar(sa.select(sa.func.count()).select_from(VERSION).where(condition)) or 0
            )

    def others(self, *, dry_run: bool) -> dict[str, int]:
        """Events and dead letters that are too old."""
        cut, counts = to_us(self.now - self.settings.events), {}
        for name, table, at in (
            ("events", EVENT, EVENT.c.received_at),
            ("dead letters", DEAD_LETTER, DEAD_LETTER.c.at),
        ):
            if dry_run:
                with self.database.read() as connection:
                    query = sa.select(sa.func.count()).select_from(table).where(at < cut)
                    counts[name] = int(connection.scalar(query) or 0)
            else:
                with self.database.write() as connection:
                    counts[name] = connection.execute(sa.delete(table).where(at < cut)).rowcount
        return counts

    def witnesses(self) -> list[datetime]:
        """Kept moments to compare: those that every rule keeps, the oldest and the newest of them."""
        rules = [self.settings, *self.settings.types.values()]
        common = set.intersection(*(set(kept_moments(rule, self.now, self.oldest)) for rule in rules))
        moments = sorted(m for m in common if m > EPOCH)
        half = PROOFS // 2
        return moments if len(moments) <= PROOFS else [*moments[:half], *moments[-half:]]

    def fingerprints(self, moments: Sequence[datetime]) -> dict[datetime, tuple[int, int]]:
        """For each moment how many versions are in force and a sum that tells which."""
        version, found = VERSION.c, {}
        which = (version.resource_id * 1_000_003 + version.valid_from % 1_000_000_007) % 1_000_000_007
        with self.database.read() as connection:
            for moment in moments:
                at = to_us(moment)
                query = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(which), 0)).where(
                    version.valid_from <= at, version.valid_to > at
                )
                count, total = connection.execute(query).one()
                found[moment] = (int(count), int(total))
        return found

    def prove(self, before: dict[datetime, tuple[int, int]]) -> None:
        """Raises Damaged where a kept moment answers otherwise than before."""
        for moment, state in self.fingerprints(list(before)).items():
            if state != before[moment]:
                raise Damaged(
                    f"What was there at {moment.isoformat()} is not what it was before pruning "
                    f"({before[moment][0]} resources before, {state[0]} after).",
                    hint="Stop the daemon, restore the last backup and report this.",
                )


def let_go(database: Database, condition: sa.ColumnElement[bool], batch: int = BATCH) -> int:
    """Remove versions that meet a condition, at most ``batch``, in one transaction; how many went. What was there before each
    is then taken to have lasted as long as it did."""
    version = VERSION.c
    query = (
        sa.select(version.resource_id, version.valid_from, version.valid_to, version.closed_by)
        .where(condition)
        .order_by(version.resource_id, version.valid_from)
        .limit(batch)
    )
    with database.write() as connection:
        rows = connection.execute(query).all()
        if rows:
            connection.execute(
                _DELETE, [{"b_id": r.resource_id, "b_from": r.valid_from, "b_to": r.valid_to} for r in rows]
            )
            connection.execute(_LENGTHEN, list(_runs(rows)))
            attribution.let_go(connection, [(r.resource_id, r.valid_from) for r in rows])
    return len(rows)


_DELETE = sa.delete(VERSION).where(
    VERSION.c.resource_id == sa.bindparam("b_id"),
    VERSION.c.valid_from == sa.bindparam("b_from"),
    VERSION.c.valid_to == sa.bindparam("b_to"),  # names the partition on PostgreSQL
)
_LENGTHEN = (
    sa.update(VERSION)
    .where(VERSION.c.resource_id == sa.bindparam("b_id"), VERSION.c.valid_to == sa.bindparam("b_start"))
    .values(valid_to=sa.bindparam("b_end"), closed_by=sa.bindparam("b_closed_by"))
)


def _runs(rows: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """Removed versions that follow each other without a gap as one stretch, for the version before it to take over."""
    run: dict[str, Any] | None = None
    for row in rows:
        if run is not None and run["b_id"] == row.resource_id and run["b_end"] == row.valid_from:
            run |= {"b_end": row.valid_to, "b_closed_by": row.closed_by}
            continue
        if run is not None:
            yield run
        run = {
            "b_id": row.resource_id,
            "b_start": row.valid_from,
            "b_end": row.valid_to,
            "b_closed_by": row.closed_by,
        }
    if run is not None:
        yield run


def unpinned() -> sa.ColumnElement[bool]:
    """The condition on a version that no baseline holds it."""
    held = (BASELINE_ITEM.c.resource_id == VERSION.c.resource_id) & (
        BASELINE_ITEM.c.valid_from == VERSION.c.valid_from
    )
    return ~sa.exists(sa.select(1).select_from(BASELINE_ITEM).where(held).correlate(VERSION))


def _pattern(type_: str, rules: dict[str, RetentionRule]) -> str | None:
    """The pattern that counts for a type: its own name, else the longest prefix."""
    if type_ in rules:
        return type_
    prefixes = [p for p in rules if p.endswith("*") and type_.startswith(p[:-1])]
    return max(prefixes, key=len, default=None)


LAST_RUN = "retention.last"
INTERVAL = timedelta(days=1)


def take_turn(database: Database, now: datetime, what: str = LAST_RUN) -> bool:
    """Whether it is time for a daily run, and nobody else has begun it; if so, it counts as begun. Raises StorageError."""

    def is_due(connection: Connection) -> bool:
        last = read_state(connection, what)
        # A clock set back must not stop it for as long as it was ahead.
        return last is None or not 0 <= to_us(now) - int(last) < INTERVAL // timedelta(microseconds=1)

    with database.read() as connection:
        if not is_due(connection):
            return False
    with database.write() as connection:
        if not is_due(connection):
            return False
        write_state(connection, what, to_us(now), to_us(now))
        return True
