"""The ledger: append-only and hash-chained, so that what was decided and done cannot be rewritten unnoticed.

Entry n holds SHA-256 over its own content and the hash of entry n - 1. Triggers refuse UPDATE and DELETE on both databases;
whoever goes round them is found by :meth:`Ledger.verify`, which names the first entry that was altered, removed or
inserted. The newest number and hash are kept a second time, so that a cut tail shows too. Someone who can rewrite the whole
database can also rewrite the whole chain; that is found by what was noted of it elsewhere (storage/notes.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from config.wording import counted
from storage.database import Database
from storage.state import read_state, write_state
from storage.tables import LEDGER
from storage.text import clean, to_json
from storage.times import from_us, to_us

GENESIS = bytes(32)
"""What the first entry names as the hash before it."""
HEAD = "ledger.head"

Fault = Literal["altered", "removed", "inserted", "truncated"]
"""What was done to an entry; truncated: it and all after it are gone."""

_BATCH = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry. ``key`` makes appending it idempotent."""

    seq: int
    at: datetime
    kind: str
    actor: str
    subject: str
    detail: Mapping[str, Any]
    key: str | None
    prev: bytes
    hash: bytes

    def record(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "seq": self.seq,
            "at": self.at,
            "kind": self.kind,
            "actor": self.actor,
            "subject": self.subject,
            "detail": self.detail,
            "key": self.key,
            "prev": self.prev.hex(),
            "hash": self.hash.hex(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """Whether the chain holds. ``first_bad`` is the number of the first entry that does not, ``why`` a sentence."""

    ok: bool
    entries: int
    head: bytes
    first_bad: int | None = None
    fault: Fault | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Link:
    """An entry as it stands in the table."""

    seq: int
    at: int
    kind: str
    actor: str
    subject: str
    detail: str
    key: str | None
    prev: bytes
    hash: bytes

    def expected(self, seq: int, prev: bytes) -> bytes:
        """The hash this content has at place ``seq`` after ``prev``."""
        content = orjson.dumps(
            [seq, self.at, self.kind, self.actor, self.subject, self.detail, self.key, prev.hex()]
        )
        return hashlib.sha256(content).digest()

    def entry(self) -> Entry:
        return Entry(
            seq=self.seq,
            at=from_us(self.at),
            kind=self.kind,
            actor=self.actor,
            subject=self.subject,
            detail=orjson.loads(self.detail),
            key=self.key,
            prev=self.prev,
            hash=self.hash,
        )


class Ledger:
    """The ledger of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(
        self,
        kind: str,
        actor: str,
        subject: str,
        detail: Mapping[str, Any],
        at: datetime,
        *,
        key: str | None = None,
    ) -> Entry:
        """Add an entry: what happened, who did it, to what. With a ``key`` that is there already, the first entry is
        returned and nothing added. Joins the caller's transaction, if any. Raises StorageError."""
        text = to_json(detail)
        with self._database.write() as connection:
            if key is not None:
                there = connection.execute(_SELECT.where(LEDGER.c.key == key)).one_or_none()
                if there is not None:
                    return _link(there).entry()
            last = connection.execute(_SELECT.order_by(LEDGER.c.seq.desc()).limit(1)).one_or_none()
            seq, prev = (1, GENESIS) if last is None else (last.seq + 1, bytes(last.hash))
            bare = _Link(seq, to_us(at), clean(kind), clean(actor), clean(subject), text, key, prev, b"")
            link = _Link(
                bare.seq,
                bare.at,
                bare.kind,
                bare.actor,
                bare.subject,
                bare.detail,
                bare.key,
                prev,
                bare.expected(seq, prev),
            )
            row = {name: getattr(link, name) for name in _Link.__slots__}
            connection.execute(sa.insert(LEDGER).values(row))
            write_state(connection, HEAD, {"seq": seq, "hash": link.hash.hex()}, to_us(at))
            return link.entry()

    def entries(
        self,
        *,
        kind: str | None = None,
        subject: str | None = None,
        since: datetime | None = None,
        after: int = 0,
        newest_first: bool = False,
    ) -> Iterator[Entry]:
        """Entries in order, streaming. ``kind`` matches exactly, or by prefix when it ends in ``*``."""
        conditions: list[sa.ColumnElement[bool]] = []
        if kind is not None:
            prefix = kind.endswith("*")
            conditions.append(
                LEDGER.c.kind.startswith(kind[:-1], autoescape=True) if prefix else LEDGER.c.kind == kind
            )
        if subject is not None:
            conditions.append(LEDGER.c.subject == subject)
        if since is not None:
            conditions.append(LEDGER.c.at >= to_us(since))
        place: int | None = after or None
        while True:
            query = _SELECT.where(*conditions).limit(_BATCH)
            if newest_first:
                query = query.order_by(LEDGER.c.seq.desc())
                query = query if place is None else query.where(LEDGER.c.seq < place)
            else:
                query = query.order_by(LEDGER.c.seq)
                query = query if place is None else query.where(LEDGER.c.seq > place)
            with self._database.read() as connection:
                links = [_link(row) for row in connection.execute(query)]
            if not links:
                return
            place = links[-1].seq
            yield from (link.entry() for link in links)

    def verify(self) -> Verification:
        """Walk the whole chain. Returns at the first entry that does not hold. Raises StorageError."""
        with self._database.read() as connection:
            return self.verify_within(connection)

    def verify_within(self, connection: Connection) -> Verification:
        """As :meth:`verify`, as a transaction sees it."""
        seq, prev = 0, GENESIS
        query = _SELECT.order_by(LEDGER.c.seq).execution_options(yield_per=_BATCH)
        with connection.execute(query) as rows:
            for row in rows:
                link = _link(row)
                fault = _fault(link, seq + 1, prev)
                if fault is not None:
                    return fault
                seq, prev = link.seq, link.hash
        return _check_head(connection, seq, prev)


def _fault(link: _Link, seq: int, prev: bytes) -> Verification | None:
    """What is wrong with ``link`` standing at place ``seq`` after the hash ``prev``."""

    def bad(number: int, fault: Fault, why: str) -> Verification:
        return Verification(ok=False, entries=seq - 1, head=prev, first_bad=number, fault=fault, why=why)

    if link.seq != seq:
        if link.seq < seq:
            return bad(link.seq, "inserted", f"Entry {link.seq} stands before the first place there is.")
        upto = f"entry {seq}" if link.seq == seq + 1 else f"entries {seq} to {link.seq - 1}"
        return bad(seq, "removed", f"The ledger lacks {upto}.")
    if link.expected(seq, prev) == link.hash and link.prev == prev:
        return None
    if link.expected(seq, link.prev) == link.hash:
        # Sound in itself, but it follows another entry than the one before it.
        return bad(
            max(1, seq - 1),
            "altered",
            f"Entry {max(1, seq - 1)} is not the one that entry {seq} was written after: "
            "it was altered or exchanged together with its hash.",
        )
    for shift in (-1, 1, -2, 2):
        if link.expected(seq + shift, link.prev) == link.hash:
            fault: Fault = "inserted" if shift < 0 else "removed"
            first = max(1, seq - abs(shift)) if shift < 0 else seq
            return bad(
                first,
                fault,
                f"Entry {seq} was written as entry {seq + shift}: an entry was {fault} before it, "
                f"and the later ones were renumbered.",
            )
    return bad(seq, "altered", f"The content of entry {seq} does not have the hash it was written with.")


def _check_head(connection: Connection, seq: int, head: bytes) -> Verification:
    noted = read_state(connection, HEAD)
    if noted is not None and int(noted["seq"]) > seq:
        return Verification(
            ok=False,
            entries=seq,
            head=head,
            first_bad=seq + 1,
            fault="truncated",
            why=f"The ledger ends at entry {seq}, but entry {noted['seq']} had been written.",
        )
    if (noted is None and seq > 0) or (
        noted is not None and (int(noted["seq"]) < seq or noted["hash"] != head.hex())
    ):
        first = seq if noted is None else max(1, min(seq, int(noted["seq"]) + 1))
        return Verification(
            ok=False,
            entries=seq,
            head=head,
            first_bad=first,
            fault="inserted" if noted is None or int(noted["seq"]) < seq else "altered",
            why=f"Entry {first} is not what this Watchstander wrote last.",
        )
    why = f"{counted(seq, 'entry', 'entries')}: all as written."
    return Verification(ok=True, entries=seq, head=head, why=why)


_SELECT = sa.select(LEDGER)


def _link(row: Any) -> _Link:
    return _Link(
        row.seq,
        row.at,
        row.kind,
        row.actor,
        row.subject,
        row.detail,
        row.key,
        bytes(row.prev),
        bytes(row.hash),
    )
