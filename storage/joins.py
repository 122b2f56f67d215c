"""What policies join: whether each (account, type) was read completely, when it changed, and what was applied to it.

Each place counts its changes in the transaction that makes them (``scope.revision``), so that an unchanged cycle costs one
look at the places of the joined types, and a process killed at any moment leaves nothing unjudged.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa

from providers.normalise import digest_of
from providers.relation import provider_of
from providers.resource import ANY, CoverageStatus, holds_accounts
from storage.among import among
from storage.database import Database
from storage.query import of_type
from storage.rows import chunks
from storage.tables import COVERAGE, FINDING, JOINED, RESOURCE, SCOPE, UNKNOWN
from storage.times import OPEN, to_us

NOT_READ_YET = "not read by then"
ESTATE = ("", "")
"""The key of what is applied to everything at once."""


class Key(NamedTuple):
    """A joining policy and the account it was applied to; the estate's provider and account are empty."""

    policy_id: str
    provider: str
    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeState:
    """One type in one account. ``version`` changes with any resource in it and with its coverage; ``gap`` says why it
    may not be joined, and is None where it was read completely."""

    version: bytes
    gap: str | None


_COLUMNS = (
    SCOPE.c.id,
    SCOPE.c.provider,
    SCOPE.c.account,
    SCOPE.c.region,
    SCOPE.c.type,
    SCOPE.c.status,
    SCOPE.c.cause,
    SCOPE.c.excluded,
    SCOPE.c.last_attempt_at,
    SCOPE.c.last_complete_at,
    SCOPE.c.first_complete_at,
    SCOPE.c.revision,
)


class Joins:
    """What joining policies need to know of the store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def states(
        self,
        types: Collection[str],
        only: tuple[str, str] | None = None,
        at: datetime | None = None,
    ) -> dict[tuple[str, str], dict[str, TypeState]]:
        """(provider, account) -> type -> its state, for every account that is read (or ``only`` for one) and the types of
        its cloud.

        With ``at`` as it was then, so far as it is remembered: the history of coverage tells of each scope since when it has
        been complete or not, and before its first word it had not been read. A ``version`` tells nothing of the past."""
        if not types:
            return {}
        providers: dict[str, list[str]] = defaultdict(list)
        for name in sorted(types):
            providers[provider_of(name)].append(name)
        with self._database.read() as connection:
            bound = self._bound(connection, providers)
            known = SCOPE.c.provider.in_(sorted(providers))
            here: sa.ColumnElement[bool] = known
            if only is not None:
                here = sa.and_(known, SCOPE.c.provider == only[0], SCOPE.c.account == only[1])
            listed = sa.or_(SCOPE.c.type.in_(sorted(types)), SCOPE.c.type.like("%*"))
            wide = SCOPE.c.id.in_({number for numbers in bound.values() for number in numbers})
            query = sa.select(*_COLUMNS).where(sa.or_(sa.and_(here, listed), wide)).order_by(SCOPE.c.id)
            rows: Sequence[Any] = connection.execute(query).all()
            if at is not None:
                rows = _as_of(connection, rows, at)
            accounts = connection.execute(
                sa.select(SCOPE.c.provider, SCOPE.c.account)
                .where(here)
                .distinct()
                .order_by(SCOPE.c.provider, SCOPE.c.account)
            ).all()
        by_account: dict[tuple[str, str], list[Any]] = defaultdict(list)
        by_id = {}
        for row in rows:
            by_id[row.id] = row
            by_account[row.provider, row.account].append(row)
        found: dict[tuple[str, str], dict[str, TypeState]] = {}
        for provider, account in accounts:
            own = by_account.get((provider, account), [])
            places = [row for row in own if row.region != ANY and not row.type.endswith(ANY)]
            listings = [row for row in own if row.status is not None and not _entered(row)]
            refused = account == ANY and bool(listings)  # a whole cloud, of which the estate must know
            if holds_accounts(account) and not (refused or any(row.revision for row in places)):
                continue  # an organisation or a folder that is listed, and holds nothing itself
            listings += [by_id[number] for number in bound.get((provider, account), ()) if number in by_id]
            spanning = [row for row in listings if row.type.endswith(ANY)]
            found[provider, account] = {
                name: _state(
                    name,
                    account,
                    [row for row in places if row.type == name],
                    [*spanning, *(row for row in listings if row.type == name)],
                )
                for name in providers[provider]
            }
        return found

    def _bound(
        self, connection: sa.Connection, providers: Collection[str]
    ) -> dict[tuple[str, str], set[int]]:
        """Account -> listings of other scopes (an organisation's) that its resources came from."""
        listing, place = SCOPE.alias(), SCOPE.alias()
        query = (
            sa.select(RESOURCE.c.scope_id, place.c.provider, place.c.account)
            .join(place, place.c.id == RESOURCE.c.place_id)
            .join(listing, listing.c.id == RESOURCE.c.scope_id)
            .where(
                RESOURCE.c.scope_id.is_not(None),
                listing.c.provider.in_(sorted(providers)),
                sa.or_(listing.c.account != place.c.account, listing.c.provider != place.c.provider),
            )
            .distinct()
        )
        found: dict[tuple[str, str], set[int]] = defaultdict(set)
        for number, provider, account in connection.execute(query):
            found[provider, account].add(number)
        return found

    def applied(self) -> dict[Key, bytes]:
        """As what each joining policy was last applied to each account."""
        columns = (JOINED.c.policy_id, JOINED.c.provider, JOINED.c.account, JOINED.c.digest)
        with self._database.read() as connection:
            rows = connection.execute(sa.select(*columns)).all()
        return {Key(row.policy_id, row.provider, row.account): bytes(row.digest) for row in rows}

    def mark(self, key: Key, digest: bytes, at: datetime) -> None:
        """Say that a policy has been applied to an account as it was. Joins the caller's transaction."""
        with self._database.write() as connection:
            same = (
                (JOINED.c.policy_id == key.policy_id)
                & (JOINED.c.provider == key.provider)
                & (JOINED.c.account == key.account)
            )
            connection.execute(sa.delete(JOINED).where(same))
            row = {**key._asdict(), "digest": digest, "applied_at": to_us(at)}
            connection.execute(sa.insert(JOINED).values(row))

    def forget(self, keys: Iterable[Key]) -> None:
        """Forget accounts that are not there any more."""
        with self._database.write() as connection:
            for key in keys:
                connection.execute(
                    sa.delete(JOINED).where(
                        JOINED.c.policy_id == key.policy_id,
                        JOINED.c.provider == key.provider,
                        JOINED.c.account == key.account,
                    )
                )

    def decided(self, policy_id: str, provider: str | None = None, account: str | None = None) -> set[str]:
        """The resources of an account, or of all, that have an open finding or an unknown verdict of a policy."""
        place = []
        if provider is not None:
            place.append(SCOPE.c.provider == provider)
        if account is not None:
            place.append(SCOPE.c.account == account)
        joined = sa.select(RESOURCE.c.uid).join(SCOPE, SCOPE.c.id == RESOURCE.c.place_id).where(*place)
        failing = joined.join(FINDING, FINDING.c.resource_id == RESOURCE.c.id).where(
            FINDING.c.policy_id == policy_id, FINDING.c.resolved_at == OPEN
        )
        unknown = joined.join(UNKNOWN, UNKNOWN.c.resource_id == RESOURCE.c.id).where(
            UNKNOWN.c.policy_id == policy_id
        )
        with self._database.read() as connection:
            return {*connection.scalars(failing), *connection.scalars(unknown)}

    def present(
        self, uids: Collection[str], provider: str | None = None, account: str | None = None
    ) -> set[str]:
        """Which of these resources are there, in an account where one is given."""
        query = sa.select(RESOURCE.c.uid).join(SCOPE, SCOPE.c.id == RESOURCE.c.place_id)
        query = query.where(RESOURCE.c.deleted_at.is_(None))
        if provider is not None:
            query = query.where(SCOPE.c.provider == provider, SCOPE.c.account == account)
        found: set[str] = set()
        with self._database.read() as connection:
            for part in chunks(sorted(uids)):
                found.update(connection.scalars(query.where(among(RESOURCE.c.uid, part))))
        return found


def _as_of(connection: sa.Connection, rows: Sequence[Any], at: datetime) -> list[Any]:
    """Rows of scopes with the coverage they had at a time."""
    moment = to_us(at)
    then: dict[int, Any] = {}
    for part in chunks([row.id for row in rows]):
        query = (
            sa.select(COVERAGE.c.scope_id, COVERAGE.c.at, COVERAGE.c.status, COVERAGE.c.cause)
            .where(COVERAGE.c.scope_id.in_(part), COVERAGE.c.at <= moment)
            .order_by(COVERAGE.c.at)
        )
        then |= {row.scope_id: row for row in connection.execute(query)}
    return [_row_as_of(row, then.get(row.id), moment) for row in rows]


def _row_as_of(row: Any, said: Any | None, moment: int) -> Any:
    status = None if said is None else said.status
    if said is None and row.status is not None:
        status = NOT_READ_YET  # it is a listing; a place that none lists by itself says nothing
    complete = status == CoverageStatus.COMPLETE.value
    return SimpleNamespace(
        **dict(row._mapping)  # noqa: SLF001 - a row's own name for its values
        | {
            "status": status,
            "cause": None if said is None else said.cause,
            "last_attempt_at": None if said is None else said.at,
            "last_complete_at": moment if complete else None,
        }
    )


def _state(name: str, account: str, places: Iterable[Any], listings: Iterable[Any]) -> TypeState:
    covering = [row for row in listings if _shows(row, name)]
    newest_complete = max((row.last_complete_at or 0 for row in covering if _complete(row)), default=0)
    gap = None if covering else f"it is not among what is read in {account}"
    for row in covering:
        # A whole account refused once has a row of its own, which a later, finer reading outdates.
        outdated = _wild(row) and newest_complete > (row.last_attempt_at or 0)
        if not _complete(row) and not outdated:
            why = f": {row.cause}" if row.cause else ""
            gap = gap or f"{row.region} of {account} is {row.status}{why}"
    parts = [b"gap" if gap is not None else b"complete"]
    for place in sorted(places, key=lambda row: row.id):
        parts += [int(place.id).to_bytes(8, "big"), int(place.revision).to_bytes(8, "big")]
    return TypeState(version=digest_of(parts), gap=gap)


def _shows(row: Any, name: str) -> bool:
    return of_type(name, (row.type,)) and not of_type(
        name, orjson.loads(row.excluded) if row.excluded else ()
    )


def _complete(row: Any) -> bool:
    return bool(row.status == CoverageStatus.COMPLETE.value)


def _entered(row: Any) -> bool:
    """Whether this was refused as a whole once, and is entered now: nothing was read by it, its parts tell of themselves."""
    return _complete(row) and row.first_complete_at is None


def _wild(row: Any) -> bool:
    return bool(row.region == ANY or row.type.endswith(ANY))


def version_of(states: Iterable[Mapping[str, TypeState]], types: Collection[str]) -> bytes:
    """One version over several types of one account or more."""
    parts = []
    for state in states:
        for name in sorted(types):
            if name in state:
                parts += [name.encode(), state[name].version]
    return digest_of(parts)
