"""Exemptions as remembered, and which open findings they cover.

A finding holds the id of the exemption that covers it; whether that exemption holds at a time is told by its own times, so
that an end needs nobody to notice it. :meth:`Exemptions.settle` lets new exemptions, new findings and changed resources find
each other; it is called after each judging and before any hook is asked, and costs one query where there is no exemption.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
import sqlalchemy as sa

from config.errors import UsageError
from policies.exemption import WARN_BEFORE, Exemption, ExemptionRefused, covering, record_of
from policies.policy import EnforcementLevel
from providers.resource import Resource
from storage.database import Database
from storage.findings import in_force
from storage.ledger import Ledger
from storage.query import Reader
from storage.rows import PLACED, ref_of
from storage.state import read_state, write_state
from storage.tables import EXEMPTION, FINDING, RESOURCE, SCOPE
from storage.text import clean, to_json
from storage.times import OPEN, ended, from_us, to_us

_SETTLED: Final = "exemptions"
_OVERLAP: Final = timedelta(hours=1)
"""What was read long may bear a time that much before it was stored."""
_WORD: Final = timedelta(minutes=5)
"""An exemption may bear a time that much before it was stored."""
_BATCH: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What settling did: findings that came under an exemption, and findings that are covered no more."""

    covered: int = 0
    released: int = 0


class Exemptions:
    """The exemptions of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ledger = Ledger(database)
        self._reader = Reader(database)

    def add(self, exemption: Exemption) -> Exemption:
        """Remember it, with its entry in the ledger, as one transaction. Given twice it is there once. Raises
        ExemptionRefused where the policy it names is hard-mandatory, StorageError."""
        row = {
            "id": exemption.id,
            "policy": clean(exemption.policy),
            "resource": None if exemption.resource is None else clean(exemption.resource),
            "account": None if exemption.account is None else clean(exemption.account),
            "tags": to_json(dict(exemption.tags)),
            "expression": None if exemption.where is None else clean(exemption.where),
            "who": clean(exemption.who),
            "why": clean(exemption.why),
            "ticket": clean(exemption.ticket),
            "created_at": to_us(exemption.created_at),
            "until": to_us(exemption.until),
        }
        hard = sa.select(FINDING.c.seq).where(
            FINDING.c.policy_id == exemption.policy,
            FINDING.c.resolved_at == OPEN,
            FINDING.c.enforcement == EnforcementLevel.HARD_MANDATORY.value,
        )
        with self._database.write() as connection:
            if connection.scalar(hard.limit(1)) is not None:
                raise ExemptionRefused(
                    f"The policy {exemption.policy} is hard-mandatory: nothing exempts from it.",
                    hint="Mend what fails, or lower its level: policies.enforcement, or the policy set.",
                )
            there = connection.scalar(sa.select(EXEMPTION.c.id).where(EXEMPTION.c.id == exemption.id))
            if there is None:
                connection.execute(sa.insert(EXEMPTION).values(row))
            self._ledger.append(
                "exempt-add",
                exemption.who,
                exemption.id,
                _told(exemption),
                exemption.created_at,
                key=f"{exemption.id}:add",
            )
        return exemption

    def revoke(self, exemption_id: str, who: str, why: str, at: datetime) -> Exemption:
        """End it before its time. One that has ended stays as it ended. Raises UsageError, StorageError."""
        if not who.strip() or not why.strip():
            raise UsageError("Who revokes an exemption says so, and why.")
        with self._database.write() as connection:
            found = self.get(exemption_id)
            if not found.in_force(at):
                raise UsageError(f"The exemption {exemption_id} is not in force: it is {found.status(at)}.")
            revoked = {"revoked_at": to_us(at), "revoked_by": clean(who), "revoked_why": clean(why)}
            connection.execute(sa.update(EXEMPTION).where(EXEMPTION.c.id == exemption_id).values(revoked))
            self._ledger.append(
                "exempt-revoke",
                who,
                exemption_id,
                {**_told(found), "revoked_why": why},
                at,
                key=f"{exemption_id}:revoke",
            )
        return replace(found, revoked_at=at, revoked_by=who, revoked_why=why)

    def get(self, exemption_id: str) -> Exemption:
        """One exemption. Raises UsageError where there is none."""
        query = sa.select(EXEMPTION).where(EXEMPTION.c.id == exemption_id)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            raise UsageError(
                f"There is no exemption {exemption_id}.", hint="`watchstander exempt list --all` shows all."
            )
        return _exemption(row)

    def all(self) -> tuple[Exemption, ...]:
        """Every exemption there is or was, by its end."""
        return self._find(sa.true())

    def in_force(self, at: datetime) -> tuple[Exemption, ...]:
        """Those that hold at a time, by their end."""
        return self._find(EXEMPTION.c.id.in_(in_force(at)))

    def ending(self, at: datetime, within: timedelta = WARN_BEFORE) -> tuple[Exemption, ...]:
        """Those in force that end soon."""
        return tuple(e for e in self.in_force(at) if e.ends - at <= within)

    def ended(self, since: datetime, at: datetime) -> tuple[Exemption, ...]:
        """Those that ended after ``since`` and not after ``at``, by themselves or by somebody's word."""
        early, late, given = to_us(since), to_us(at), EXEMPTION.c
        by_itself = sa.and_(given.until > early, given.until <= late, given.revoked_at.is_(None))
        return self._find(sa.or_(by_itself, sa.and_(given.revoked_at > early, given.revoked_at <= late)))

    def revision(self, at: datetime) -> int:
        """Changes whenever an exemption began, was revoked or ended by itself; 0 where there never was one."""
        given, moment = EXEMPTION.c, to_us(at)
        begun = sa.case((given.created_at <= moment, 1), else_=0)
        over = sa.case((sa.or_(given.until <= moment, given.revoked_at <= moment), 1), else_=0)
        with self._database.read() as connection:
            return int(connection.scalar(sa.select(sa.func.sum(begun + over)).select_from(EXEMPTION)) or 0)

    def count(self, exemption: Exemption) -> int:
        """How many open findings it covers, or covered last."""
        query = (
            sa.select(sa.func.count())
            .select_from(FINDING)
            .where(FINDING.c.exemption == exemption.id, FINDING.c.resolved_at == OPEN)
        )
        with self._database.read() as connection:
            return int(connection.scalar(query) or 0)

    def covering(self, policy_id: str, resource: Resource, at: datetime) -> Exemption | None:
        """The exemption in force that covers a failure of this resource, as the resource is given. Whether the policy may be
        exempt from at all is the caller's to know."""
        return covering(self.in_force(at), policy_id, resource)

    def settle(self, at: datetime) -> Settled:
        """Let exemptions and open findings find each other. Raises StorageError."""
        active = self.in_force(at)
        if not active:
            return Settled()
        with self._database.read() as connection:
            last = read_state(connection, _SETTLED)
        before = None if last is None else from_us(int(last["at"]))
        if before is None or any(e.created_at >= before - _WORD for e in active):
            since = None  # a new exemption may cover any finding
        else:
            since = to_us(before - _OVERLAP)
        covered = released = 0
        for batch in self._candidates(since, at):
            # A finding whose exemption ended keeps its name, for questions about the past.
            updates = [
                {"b_seq": row.seq, "b_exemption": wanted}
                for row in batch
                if (wanted := self._wanted(row, active)) != row.held
            ]
            if updates:
                with self._database.write() as connection:
                    connection.execute(_UPDATE, updates)
                covered += sum(u["b_exemption"] is not None for u in updates)
                released += sum(u["b_exemption"] is None for u in updates)
        with self._database.write() as connection:
            write_state(connection, _SETTLED, {"at": to_us(at)}, to_us(at))
        return Settled(covered=covered, released=released)

    def _candidates(self, since: int | None, at: datetime) -> Iterator[Sequence[Any]]:
        """Open findings whose exemption may have to be another, in batches. ``held``: the one they have that is in force."""
        holds = FINDING.c.exemption.in_(in_force(at))
        last = 0
        while True:
            query = (
                sa.select(
                    FINDING.c.seq,
                    FINDING.c.policy_id,
                    FINDING.c.enforcement,
                    sa.case((holds, FINDING.c.exemption), else_=None).label("held"),
                    *PLACED,
                )
                .select_from(FINDING)
                .join(RESOURCE, RESOURCE.c.id == FINDING.c.resource_id)
                .join(SCOPE, SCOPE.c.id == RESOURCE.c.place_id)
                .where(FINDING.c.resolved_at == OPEN, FINDING.c.seq > last)
                .order_by(FINDING.c.seq)
                .limit(_BATCH)
            )
            if since is not None:
                moved = sa.or_(RESOURCE.c.changed_at >= since, FINDING.c.opened_at >= since)
                lapsed = FINDING.c.exemption.is_not(None) & sa.or_(
                    sa.not_(holds), FINDING.c.enforcement == EnforcementLevel.HARD_MANDATORY.value
                )
                query = query.where(sa.or_(moved, lapsed))
            with self._database.read() as connection:
                rows = connection.execute(query).all()
            if not rows:
                return
            last = rows[-1].seq
            yield rows

    def _wanted(self, row: Any, active: Sequence[Exemption]) -> str | None:
        """The exemption a finding should have: the one it has, as long as that covers it; else the one that ends last; none
        where its policy is hard-mandatory."""
        if row.enforcement == EnforcementLevel.HARD_MANDATORY:
            return None
        ref = ref_of(row)
        speaking = [e for e in active if e.speaks_of(row.policy_id, ref)]
        if any(e.reads_documents for e in speaking):
            stored = self._reader.get(row.uid, None)
            record = {} if stored is None else record_of(stored.resource)
            speaking = [e for e in speaking if not e.reads_documents or e.covers(row.policy_id, ref, record)]
        if any(e.id == row.held for e in speaking):
            return str(row.held)
        return max(speaking, key=lambda e: e.ends).id if speaking else None

    def _find(self, condition: sa.ColumnElement[bool]) -> tuple[Exemption, ...]:
        query = sa.select(EXEMPTION).where(condition).order_by(EXEMPTION.c.until, EXEMPTION.c.id)
        with self._database.read() as connection:
            return tuple(_exemption(row) for row in connection.execute(query))


_UPDATE = (
    sa.update(FINDING)
    .where(FINDING.c.seq == sa.bindparam("b_seq"), FINDING.c.resolved_at == OPEN)
    .values(exemption=sa.bindparam("b_exemption"))
)


def _told(exemption: Exemption) -> dict[str, Any]:
    return {
        "scope": exemption.scope,
        "why": exemption.why,
        "ticket": exemption.ticket,
        "until": exemption.until,
    }


def _exemption(row: Any) -> Exemption:
    return Exemption(
        policy=row.policy,
        resource=row.resource,
        account=row.account,
        tags=orjson.loads(row.tags),
        where=row.expression,
        who=row.who,
        why=row.why,
        ticket=row.ticket,
        created_at=from_us(row.created_at),
        until=from_us(row.until),
        revoked_at=None if row.revoked_at is None else ended(row.revoked_at),
        revoked_by=row.revoked_by,
        revoked_why=row.revoked_why,
    )
