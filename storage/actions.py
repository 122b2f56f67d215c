"""Acts: what was proposed, decided, done and undone, with the receipt an undo needs and the counts the belts need.

An act's id is given by the caller and is its idempotency key: proposing it twice gives the first.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson
import sqlalchemy as sa

from config.settings import Mode
from providers.provider import Action, Receipt
from providers.resource import ResourceRef
from storage.among import among
from storage.database import Database
from storage.errors import NotStored
from storage.rows import chunks
from storage.tables import ACTION
from storage.text import to_json
from storage.times import ended, from_us, to_us


class ActionStatus(StrEnum):
    """How an act stands."""

    PROPOSED = "proposed"
    DRY_RUN = "dry-run"
    """Said, not done."""
    REFUSED = "refused"
    """By the policy, an exception, or because there is nothing this hook could act on."""
    UNDECIDED = "undecided"
    """The policy gave no answer, or the target could not be read. Never acted on by itself."""
    WAITING = "waiting"
    """For a person's approval."""
    PAUSED = "paused"
    """Containment is switched off; decided anew when it is switched on."""
    COOLING_DOWN = "cooling-down"
    """The same target was acted on a short while ago."""
    STOPPED = "stopped"
    """A limit would have been passed; a person must look."""
    APPROVED = "approved"
    """By a person; about to be carried out."""
    REJECTED = "rejected"
    """By a person."""
    EXPIRED = "expired"
    """Not approved in time."""
    ACTING = "acting"
    """The write call may have been made."""
    DONE = "done"
    UNVERIFIED = "unverified"
    """Done, but looking again did not show it."""
    UNCHANGED = "unchanged"
    """The target was as wanted already."""
    FAILED = "failed"
    UNDONE = "undone"

    @property
    def final(self) -> bool:
        """Whether nothing more follows."""
        return self not in _OPEN

    @property
    def approvable(self) -> bool:
        """Whether a person may approve it."""
        return self in _APPROVABLE


_APPROVABLE = frozenset(
    {ActionStatus.WAITING, ActionStatus.COOLING_DOWN, ActionStatus.STOPPED, ActionStatus.UNDECIDED}
)
_OPEN = _APPROVABLE | {ActionStatus.PROPOSED, ActionStatus.PAUSED, ActionStatus.APPROVED, ActionStatus.ACTING}


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRecord:
    """One act on one target."""

    id: str
    hook: str
    action: Action
    mode: Mode
    status: ActionStatus = ActionStatus.PROPOSED
    plan_id: str | None = None
    event_id: str | None = None
    finding_id: str | None = None
    policy_id: str | None = None
    reason: str | None = None
    """Why it stands as it does, in one line."""
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    changed: bool | None = None
    request_id: str | None = None
    created_at: datetime = field(default_factory=lambda: from_us(0))
    acted_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def receipt(self) -> Receipt | None:
        """What an undo needs, once the act is done."""
        if self.before is None or self.after is None:
            return None
        return Receipt(
            action=self.action,
            changed=bool(self.changed),
            before=self.before,
            after=self.after,
            request_id=self.request_id,
        )

    def record(self) -> dict[str, Any]:
        """As JSON values."""
        target = self.action.target
        return {
            "id": self.id,
            "hook": self.hook,
            "kind": self.action.kind,
            "target": target.uid,
            "provider": target.provider,
            "account": target.account,
            "region": target.region,
            "type": target.type,
            "parameters": dict(self.action.parameters),
            "mode": self.mode.value,
            "status": self.status.value,
            "reason": self.reason,
            "plan": self.plan_id,
            "event": self.event_id,
            "finding": self.finding_id,
            "policy": self.policy_id,
            "before": self.before,
            "after": self.after,
            "request": self.request_id,
            "created_at": self.created_at,
            "acted_at": self.acted_at,
            "finished_at": self.finished_at,
        }


class Actions:
    """The acts of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def propose(self, record: ActionRecord) -> tuple[ActionRecord, bool]:
        """Store a proposed act, unless its id is there already. Returns what is stored, and whether it is new."""
        target = record.action.target
        row = {
            "id": record.id,
            "plan_id": record.plan_id,
            "hook": record.hook,
            "kind": record.action.kind,
            "mode": record.mode.value,
            "status": record.status.value,
            "provider": target.provider,
            "account": target.account,
            "region": target.region,
            "type": target.type,
            "target_uid": target.uid,
            "event_id": record.event_id,
            "finding_id": record.finding_id,
            "policy_id": record.policy_id,
            "parameters": to_json(record.action.parameters),
            "reason": record.reason,
            "created_at": to_us(record.created_at),
            "finished_at": to_us(record.created_at) if record.status.final else None,
        }
        with self._database.write() as connection:
            there = connection.execute(sa.select(ACTION).where(ACTION.c.id == record.id)).one_or_none()
            if there is not None:
                return _record(there), False
            connection.execute(sa.insert(ACTION).values(row))
        return self.get(record.id), True

    def update(
        self,
        action_id: str,
        status: ActionStatus,
        at: datetime,
        *,
        reason: str | None = None,
        receipt: Receipt | None = None,
    ) -> ActionRecord:
        """Record how an act stands now. ``ACTING`` sets the time that counts for belts. Raises NotStored."""
        values: dict[str, Any] = {"status": status.value}
        if reason is not None:
            values["reason"] = reason
        if status is ActionStatus.ACTING:
            values["acted_at"] = sa.func.coalesce(ACTION.c.acted_at, to_us(at))
        if status.final:
            values["finished_at"] = to_us(at)
        if receipt is not None:
            values["receipt"] = to_json(
                {"before": receipt.before, "after": receipt.after, "changed": receipt.changed}
            )
            values["request_id"] = receipt.request_id
        with self._database.write() as connection:
            done = connection.execute(sa.update(ACTION).where(ACTION.c.id == action_id).values(values))
            if done.rowcount == 0:
                raise _absent(action_id)
        return self.get(action_id)

    def revise(self, record: ActionRecord) -> ActionRecord:
        """Replace what is proposed under an id that is not being acted on: a decision made anew. Raises NotStored where
        the id is not known or the act has begun."""
        values = {
            "plan_id": record.plan_id,
            "mode": record.mode.value,
            "status": record.status.value,
            "parameters": to_json(record.action.parameters),
            "reason": record.reason,
            "finished_at": to_us(record.created_at) if record.status.final else None,
        }
        begun = (ActionStatus.ACTING.value, ActionStatus.DONE.value, ActionStatus.UNDONE.value)
        with self._database.write() as connection:
            statement = sa.update(ACTION).where(ACTION.c.id == record.id, ACTION.c.status.not_in(begun))
            if connection.execute(statement.values(values)).rowcount == 0:
                raise _absent(record.id)
        return self.get(record.id)

    def find(self, action_id: str) -> ActionRecord | None:
        """One act, or None."""
        with self._database.read() as connection:
            row = connection.execute(sa.select(ACTION).where(ACTION.c.id == action_id)).one_or_none()
        return None if row is None else _record(row)

    def known(self, action_ids: Collection[str]) -> frozenset[str]:
        """Those of the ids that are stored."""
        found: set[str] = set()
        with self._database.read() as connection:
            for part in chunks(sorted(action_ids)):
                found.update(connection.scalars(sa.select(ACTION.c.id).where(among(ACTION.c.id, part))))
        return frozenset(found)

    def get(self, action_id: str) -> ActionRecord:
        """One act. Raises NotStored."""
        with self._database.read() as connection:
            row = connection.execute(sa.select(ACTION).where(ACTION.c.id == action_id)).one_or_none()
        if row is None:
            raise _absent(action_id)
        return _record(row)

    def last(
        self, count: int = 50, *, statuses: Collection[ActionStatus] = (), target_uid: str | None = None
    ) -> list[ActionRecord]:
        """The newest acts, newest first."""
        query = sa.select(ACTION).order_by(ACTION.c.created_at.desc(), ACTION.c.id).limit(count)
        if statuses:
            query = query.where(ACTION.c.status.in_([s.value for s in statuses]))
        if target_uid is not None:
            query = query.where(ACTION.c.target_uid == target_uid)
        with self._database.read() as connection:
            return [_record(row) for row in connection.execute(query)]

    def unfinished(self) -> list[ActionRecord]:
        """Acts that a crash may have cut off between their steps, oldest first."""
        wanted = (ActionStatus.PROPOSED.value, ActionStatus.ACTING.value)
        query = sa.select(ACTION).where(ACTION.c.status.in_(wanted)).order_by(ACTION.c.created_at)
        with self._database.read() as connection:
            return [_record(row) for row in connection.execute(query)]

    def acts_since(self, hook: str, account: str, since: datetime) -> int:
        """How many acts of a hook in an account began at or after ``since``, whatever became of them: the count for
        ``max_per_hour``."""
        query = (
            sa.select(sa.func.count())
            .select_from(ACTION)
            .where(ACTION.c.hook == hook, ACTION.c.account == account, ACTION.c.acted_at >= to_us(since))
        )
        with self._database.read() as connection:
            return int(connection.scalar(query) or 0)

    def last_act(self, hook: str, target_uid: str) -> ActionRecord | None:
        """The newest act of a hook on a target that got as far as acting: for the cool-down."""
        query = (
            sa.select(ACTION)
            .where(ACTION.c.target_uid == target_uid, ACTION.c.hook == hook, ACTION.c.acted_at.is_not(None))
            .order_by(ACTION.c.acted_at.desc())
            .limit(1)
        )
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _record(row)

    def by_request(self, request_id: str) -> ActionRecord | None:
        """The act that made a cloud request: for knowing our own change when its event comes."""
        query = sa.select(ACTION).where(ACTION.c.request_id == request_id).limit(1)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _record(row)


def _absent(action_id: str) -> NotStored:
    return NotStored(f"There is no act {action_id!r}.", hint="`watchstander plan list` shows them.")


def _record(row: Any) -> ActionRecord:
    target = ResourceRef(
        provider=row.provider, account=row.account, region=row.region, type=row.type, uid=row.target_uid
    )
    receipt = orjson.loads(row.receipt) if row.receipt else {}
    return ActionRecord(
        id=row.id,
        hook=row.hook,
        action=Action(kind=row.kind, target=target, parameters=orjson.loads(row.parameters)),
        mode=Mode(row.mode),
        status=ActionStatus(row.status),
        plan_id=row.plan_id,
        event_id=row.event_id,
        finding_id=row.finding_id,
        policy_id=row.policy_id,
        reason=row.reason,
        before=receipt.get("before"),
        after=receipt.get("after"),
        changed=receipt.get("changed"),
        request_id=row.request_id,
        created_at=from_us(row.created_at),
        acted_at=ended(row.acted_at),
        finished_at=ended(row.finished_at),
    )
