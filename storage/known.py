"""What is known of a scope when its recording begins: the digests of what is in it, and the scopes that overlap it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from providers.resource import ANY, Coverage, CoverageStatus, ResourceRef, Scope
from storage.observe import Settled
from storage.tables import SCOPE


class Known:
    """The digests of a scope's live resources: a digest covers the uid, and so is one resource's own.

    Sets of them and nothing else: an id or flags beside each would take as much again (decision 0322).
    """

    __slots__ = ("seen", "slow", "unseen")

    def __init__(self) -> None:
        self.unseen: set[bytes] = set()
        self.seen: set[bytes] = set()
        self.slow: set[bytes] = set()
        """Of both, those with unread fields or that were missed: even an unchanged digest needs a look at its row."""

    def load(self, rows: Iterable[tuple[int, bytes, bool]]) -> None:
        """Take in stored resources: id, digest, and whether it needs a look even when unchanged."""
        unseen = self.unseen.add
        for _, digest, slow in rows:
            unseen(digest)
            if slow:
                self.slow.add(digest)

    def __contains__(self, digest: bytes) -> bool:
        return digest in self.unseen or digest in self.seen

    def settle(self, item: Settled) -> None:
        """Take in what became of an observation."""
        if item.before is not None:
            for known in (self.unseen, self.seen, self.slow):
                known.discard(item.before)
        self.seen.add(item.digest)
        if item.unread:
            self.slow.add(item.digest)


class Surroundings:
    """What the store knows of a scope and of those that overlap it."""

    def __init__(self, connection: Connection, scope: Scope) -> None:
        self.scope = scope
        self.id: int | None = None
        self.complete_before = False
        self.last_complete: int | None = None
        """The newest complete reading of the scope, or of one that covers it too."""
        self.places: list[int] = []
        """Rows of the exact places the scope covers."""
        self._complete: list[Coverage] = []
        for row in connection.execute(_overlapping(scope)):
            other = Scope(row.provider, row.account, row.region, row.type)
            if other == scope:
                self.id = row.id
                self.complete_before = row.first_complete_at is not None
            if row.first_complete_at is not None:
                coverage = whole(row)
                self._complete.append(coverage)
                if other == scope or _shows(coverage, scope):
                    self.last_complete = max(self.last_complete or 0, row.last_complete_at)
            if not spans(other) and scope.holds(other):
                self.places.append(row.id)

    def first_contact(self, ref: ResourceRef) -> bool:
        """Whether no complete reading, of this scope or of one that covers it too, could have shown ``ref`` before."""
        if not self._complete:
            return True
        if self.complete_before and not self.scope.covers(ref):
            return False
        return not any(c.covers(ref) for c in self._complete)


def _overlapping(scope: Scope) -> sa.Select[tuple[object, ...]]:
    """The rows of the account that may overlap ``scope``; over-inclusive for prefixes."""
    query = sa.select(
        SCOPE.c.id,
        SCOPE.c.provider,
        SCOPE.c.account,
        SCOPE.c.region,
        SCOPE.c.type,
        SCOPE.c.first_complete_at,
        SCOPE.c.last_complete_at,
        SCOPE.c.excluded,
    ).where(SCOPE.c.provider == scope.provider, SCOPE.c.account == scope.account)
    if scope.region != ANY:
        query = query.where(SCOPE.c.region.in_((scope.region, ANY)))
    if not scope.type.endswith(ANY):
        query = query.where(sa.or_(SCOPE.c.type == scope.type, SCOPE.c.type.like("%*")))
    return query


def _shows(coverage: Coverage, scope: Scope) -> bool:
    """Whether a complete reading showed all of ``scope``: one that left out a type, or some of a prefix, did not."""
    left_out = [replace(scope, type=pattern) for pattern in coverage.excluded]
    return coverage.scope.holds(scope) and not any(o.holds(scope) or scope.holds(o) for o in left_out)


def whole(row: Any) -> Coverage:
    """The complete reading that a scope's row tells of, with the types it leaves out."""
    return Coverage(
        scope=Scope(row.provider, row.account, row.region, row.type),
        status=CoverageStatus.COMPLETE,
        excluded=tuple(orjson.loads(row.excluded)) if row.excluded else (),
    )


def spans(scope: Scope) -> bool:
    """Whether a scope may hold more than one place."""
    return scope.region == ANY or scope.type.endswith(ANY)
