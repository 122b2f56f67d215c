"""Notes: what the ledger was, as written down where whoever rewrites the database cannot reach; and the comparison with it.

A note covers the entries ``after`` to ``seq``. It holds the full hash of the last one, on which all before it hang, and a mark
of each entry's own content, which hangs on nothing else. A ledger that was rewritten from its first entry, with a chain that
holds, no longer has the hashes that were noted; the marks tell which entry was altered, removed or put in first. One line of
text each, so that a note may stand in any log among other lines.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from storage.database import Database
from storage.ledger import Fault
from storage.tables import LEDGER
from storage.times import from_us, to_us

WORD = "watchstander-ledger"
"""What a note begins with, wherever in a line it stands."""
MARK = 8
"""Bytes of a mark. It only tells where; that something is wrong is told by the full hash."""
LOOK = 64
"""How far behind a difference is looked to tell what was done."""
_FIRST = 10_000
"""How many entries the marks of a first note may cover; of a longer ledger it has the head alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """That entry ``seq`` of ``ledger`` had ``hash`` at a time, and the marks of the entries after ``after`` up to it."""

    ledger: str
    after: int
    seq: int
    hash: bytes
    marks: tuple[str, ...]
    at: datetime

    def line(self) -> str:
        """As one line of ASCII, without its end."""
        value = {
            "after": self.after,
            "at": to_us(self.at),
            "hash": self.hash.hex(),
            "ledger": self.ledger,
            "marks": "".join(self.marks),
            "seq": self.seq,
            "v": 1,
        }
        return f"{WORD} {orjson.dumps(value).decode()}"

    @classmethod
    def parse(cls, text: str) -> Note | None:
        """The note in a line, or None where there is none. Raises ValueError for a spoilt one."""
        _, word, rest = text.partition(f"{WORD} {{")
        if not word:
            return None
        try:
            # What stands behind it belongs to whoever wrote the line around it.
            value = orjson.loads("{" + rest[: rest.rindex("}") + 1])
            marks, version = value["marks"], value["v"]
            note = cls(
                ledger=value["ledger"],
                after=int(value["after"]),
                seq=int(value["seq"]),
                hash=bytes.fromhex(value["hash"]),
                marks=tuple(marks[i : i + 2 * MARK] for i in range(0, len(marks), 2 * MARK)),
                at=from_us(int(value["at"])),
            )
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            raise ValueError(f"not a whole note: {error}") from error
        covered = note.seq - note.after
        if version != 1 or note.after < 0 or len(note.hash) != 32 or covered not in (0, len(note.marks)):
            raise ValueError("not a whole note")
        return note


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What notes say about the ledger. ``first_bad``: the first entry that is not as it was noted; ``seq``: up to where the
    notes reach; ``at``: when the newest was written."""

    ok: bool
    notes: int
    seq: int = 0
    at: datetime | None = None
    first_bad: int | None = None
    fault: Fault | None = None
    why: str = ""


class Notary:
    """Writes notes about the ledger of one database, and compares it with them."""

    def __init__(self, database: Database, ledger: str) -> None:
        self._database = database
        self._ledger = ledger

    def head(self) -> int:
        """The number of the newest entry; 0 for an empty ledger."""
        with self._database.read() as connection:
            return int(connection.scalar(sa.select(sa.func.max(LEDGER.c.seq))) or 0)

    def since(self, after: int, at: datetime, most: int) -> Iterator[Note]:
        """Notes of all entries after ``after``, each with at most ``most`` marks."""
        head = self.head()
        if after == 0 and head > _FIRST:
            yield from self._bare(head, at)
            return
        while after < head:
            rows = self._rows(after, min(head, after + most))
            if not rows:
                return
            # Where entries are missing the chain is broken, which verification tells; a note covers what follows itself.
            whole = next((i for i, row in enumerate(rows) if row.seq != after + 1 + i), len(rows))
            if whole == 0:
                yield from self._bare(head, at)
                return
            last = rows[whole - 1]
            yield Note(
                ledger=self._ledger,
                after=after,
                seq=last.seq,
                hash=bytes(last.hash),
                marks=tuple(_mark(row) for row in rows[:whole]),
                at=at,
            )
            after = last.seq

    def _bare(self, seq: int, at: datetime) -> Iterator[Note]:
        for row in self._rows(seq - 1, seq):
            yield Note(ledger=self._ledger, after=seq, seq=seq, hash=bytes(row.hash), marks=(), at=at)

    def holds(self, note: Note) -> bool:
        """Whether the ledger still has the entry that a note ends with."""
        rows = self._rows(note.seq - 1, note.seq)
        return bool(rows) and bytes(rows[0].hash) == note.hash

    def compare(self, notes: Iterable[Note]) -> Comparison:
        """Compare with notes, in whatever order and however often they come; those of other ledgers are passed over."""
        seen = _Seen()
        for note in notes:
            if note.ledger != self._ledger:
                continue
            seen.count += 1
            if note.seq >= seen.seq:
                seen.seq, seen.at = note.seq, note.at
            bad = self._differs(note)
            if bad is not None and (seen.bad is None or bad < seen.bad):
                seen.bad, seen.noted_at = bad, note.at
            if seen.bad is not None:
                seen.keep(note)
        if not seen.count:
            return Comparison(ok=True, notes=0, why=f"There is no note of the ledger {self._ledger}.")
        if seen.bad is None:
            return Comparison(
                ok=True,
                notes=seen.count,
                seq=seen.seq,
                at=seen.at,
                why=f"All {seen.seq} entries noted are as they were noted.",
            )
        fault, why = self._told(seen, seen.bad)
        return Comparison(
            ok=False, notes=seen.count, seq=seen.seq, at=seen.at, first_bad=seen.bad, fault=fault, why=why
        )

    def _differs(self, note: Note) -> int | None:
        """The first entry that is not as a note says."""
        rows = self._rows(min(note.after, note.seq - 1), note.seq)
        there = {row.seq: row for row in rows}
        for number, mark in enumerate(note.marks, note.after + 1):
            if number not in there or _mark(there[number]) != mark:
                return number
        last = there.get(note.seq)
        return None if last is not None and bytes(last.hash) == note.hash else note.seq

    def _told(self, seen: _Seen, bad: int) -> tuple[Fault, str]:
        """What was done at the first entry that differs, as far as it can be told, and in words."""
        noted = list(seen.run(bad))
        there = [_mark(row) for row in self._rows(bad - 1, bad + 2 * LOOK)]
        when = f"{seen.noted_at:%Y-%m-%dT%H:%M:%SZ}"
        if not there:
            return "truncated", f"The ledger ends at entry {bad - 1}, but entry {seen.seq} had been noted."
        if not noted:
            return (
                "altered",
                f"Entry {bad} is not what was noted at {when}: it, or one before it, was altered.",
            )
        if there[0] == noted[0]:
            return (
                "altered",
                f"Entry {bad} says what was noted at {when}, but its hash is another: the chain was written anew.",
            )
        for count in range(1, LOOK):
            if _follows(noted[count:], there):
                more = f"s {bad} to {bad + count - 1}" if count > 1 else f" {bad}"
                return "removed", f"The entry{more}, noted by {when}, is gone, and the later ones moved up."
            if _follows(there[count:], noted):
                return "inserted", f"Entry {bad} was put in after {when}, before what then had this number."
        return "altered", f"Entry {bad} is not what was noted at {when}."

    def _rows(self, after: int, upto: int) -> Sequence[Any]:
        query = sa.select(LEDGER).where(LEDGER.c.seq > after, LEDGER.c.seq <= upto).order_by(LEDGER.c.seq)
        with self._database.read() as connection:
            return connection.execute(query).all()


@dataclass(slots=True)
class _Seen:
    """What a comparison has come upon."""

    count: int = 0
    seq: int = 0
    at: datetime | None = None
    bad: int | None = None
    noted_at: datetime | None = None
    marks: dict[int, str] = field(default_factory=dict)

    def keep(self, note: Note) -> None:
        """Keep the marks from the first difference on, as far as they are looked at."""
        assert self.bad is not None
        for number, mark in enumerate(note.marks, note.after + 1):
            if self.bad <= number < self.bad + 2 * LOOK:
                self.marks.setdefault(number, mark)

    def run(self, start: int) -> Iterator[str]:
        """The marks noted from ``start`` on, without a gap."""
        while start in self.marks:
            yield self.marks[start]
            start += 1


def _follows(run: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two runs begin alike: as far as both go, at least one entry and at most eight."""
    length = min(len(run), len(other), 8)
    return length > 0 and run[:length] == other[:length]


def _mark(row: Any) -> str:
    content = orjson.dumps([row.at, row.kind, row.actor, row.subject, row.detail, row.key])
    return hashlib.sha256(content).digest()[:MARK].hex()


def notes_in(lines: Iterable[str], spoilt: list[str] | None = None) -> Iterator[Note]:
    """The notes in lines of text, whatever else stands in them. What is a note no more is added to ``spoilt``."""
    for line in lines:
        try:
            note = Note.parse(line)
        except ValueError:
            if spoilt is not None:
                spoilt.append(line[:200])
            continue
        if note is not None:
            yield note
