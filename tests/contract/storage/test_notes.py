"""Notes about the ledger: what they find in one that was rewritten as a whole, with a chain that holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from storage.database import Database
from storage.ledger import Ledger
from storage.notes import WORD, Comparison, Notary, Note, notes_in

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
ENTRIES = [("act", "alice", f"user/{n}", {"n": n}) for n in range(1, 9)]
Content = list[tuple[str, str, str, dict[str, Any]]]


def fill(database: Database, entries: Content) -> None:
    for number, (kind, actor, subject, detail) in enumerate(entries):
        Ledger(database).append(kind, actor, subject, detail, AT + timedelta(minutes=number))


def rewrite(database: Database, entries: Content) -> None:
    """Put another ledger in the place of the old one, as one who owns the database can: its chain and head hold."""
    with database.write() as connection:
        for name in (
            ("ledger_no_update", "ledger_no_delete")
            if database.sqlite
            else ("ledger_no_change ON ledger", "ledger_no_truncate ON ledger")
        ):
            connection.execute(sa.text(f"DROP TRIGGER IF EXISTS {name}"))
        connection.execute(sa.text("DELETE FROM ledger"))
        connection.execute(sa.text("DELETE FROM state WHERE key = 'ledger.head'"))
        fill(database, entries)


@pytest.fixture
def notary(database: Database) -> Notary:
    """Of a ledger of eight entries."""
    fill(database, ENTRIES)
    return Notary(database, "ours")


def compared(database: Database, notary: Notary, notes: list[Note], entries: Content) -> Comparison:
    rewrite(database, entries)
    assert Ledger(database).verify().ok, "the chain alone does not show it"
    return notary.compare(notes)


FORGED = ("act", "mallory", "user/9", {"n": 9})


@pytest.mark.parametrize("most", [1, 3, 1000])
def test_the_first_entry_that_differs_is_named(database: Database, notary: Notary, most: int) -> None:
    notes = list(notary.since(0, AT, most))
    assert notary.compare(notes).ok
    assert notary.compare(reversed(notes)).seq == 8
    for seq in (1, 4, 8):
        said = compared(database, notary, notes, [*ENTRIES[: seq - 1], FORGED, *ENTRIES[seq:]])
        assert (said.ok, said.first_bad, said.fault) == (False, seq, "altered"), said.why
        said = compared(database, notary, notes, ENTRIES[: seq - 1])
        assert (said.first_bad, said.fault) == (seq, "truncated"), said.why
        assert f"ends at entry {seq - 1}" in said.why
    rewrite(database, ENTRIES)
    assert notary.compare(notes).ok, "the same content in the same order has the same hashes"


def test_removed_and_inserted_are_told_where_times_are_kept(database: Database, notary: Notary) -> None:
    notes = list(notary.since(0, AT, 3))
    ledger = Ledger(database)
    kept = list(ledger.entries())
    for seq in (1, 3, 7):
        rewrite(database, [])
        for entry in [*kept[: seq - 1], *kept[seq:]]:
            ledger.append(entry.kind, entry.actor, entry.subject, entry.detail, entry.at)
        said = notary.compare(notes)
        assert (ledger.verify().ok, said.first_bad, said.fault) == (True, seq, "removed"), said.why
        rewrite(database, [])
        for number, entry in enumerate(kept, 1):
            if number == seq:
                ledger.append("act", "mallory", "user/9", {}, entry.at)
            ledger.append(entry.kind, entry.actor, entry.subject, entry.detail, entry.at)
        said = notary.compare(reversed(notes))
        assert (ledger.verify().ok, said.first_bad, said.fault) == (True, seq, "inserted"), said.why


def test_a_head_alone_still_proves_it(database: Database, notary: Notary) -> None:
    (last,) = notary.since(0, AT, 100)
    bare = Note(ledger="ours", after=8, seq=8, hash=last.hash, marks=(), at=AT)
    assert notary.compare([bare]).ok
    said = compared(database, notary, [bare], [FORGED, *ENTRIES[1:]])
    assert (said.ok, said.first_bad) == (False, 8)
    assert "or one before it" in said.why


def test_notes_of_another_ledger_are_passed_over_and_none_is_told(notary: Notary) -> None:
    (other,) = notary.since(0, AT, 100)
    other = Note(ledger="theirs", after=0, seq=other.seq, hash=bytes(32), marks=other.marks, at=AT)
    said = notary.compare([other])
    assert (said.ok, said.notes, said.why) == (True, 0, "There is no note of the ledger ours.")


def test_a_note_follows_on_the_one_before(database: Database, notary: Notary) -> None:
    notes = list(notary.since(0, AT, 3))
    assert [(n.after, n.seq, len(n.marks)) for n in notes] == [(0, 3, 3), (3, 6, 3), (6, 8, 2)]
    assert list(notary.since(8, AT, 3)) == []
    fill(database, [FORGED])
    assert [(n.after, n.seq) for n in notary.since(8, AT, 3)] == [(8, 9)]
    assert all(notary.holds(n) for n in notes)


NOTES = st.builds(
    lambda ledger, after, marks, head, at: Note(
        ledger=ledger, after=after, seq=after + len(marks), hash=head, marks=tuple(marks), at=at
    ),
    st.text(max_size=20),
    st.integers(0, 2**40),
    st.lists(st.binary(min_size=8, max_size=8).map(bytes.hex), max_size=5),
    st.binary(min_size=32, max_size=32),
    st.integers(0, 2**40).map(lambda n: AT + timedelta(microseconds=n)),
)


@given(NOTES, st.text().filter(lambda t: WORD not in t), st.text().filter(lambda t: "}" not in t))
def test_a_line_holds_a_note_whatever_stands_around_it(note: Note, before: str, behind: str) -> None:
    assert Note.parse(before + note.line() + behind) == note
    assert "\n" not in note.line()
    assert note.line().isascii() or not note.ledger.isascii()


@given(st.one_of(st.text(), st.text().map(lambda t: f"{WORD} {{{t}")), st.integers(0, 400))
def test_no_line_is_too_strange(text: str, cut: int) -> None:
    line = Note(ledger="x", after=1, seq=2, hash=bytes(32), marks=("00" * 8,), at=AT).line()
    spoilt: list[str] = []
    found = list(notes_in([text, line[:cut]], spoilt))
    assert len(found) + len(spoilt) <= 2
    assert (line[:cut] == line) == any(n.ledger == "x" for n in found)


def test_a_long_line_of_syslog_stays_within_what_every_receiver_takes(database: Database) -> None:
    fill(database, [("act", "a", "s", {"n": n}) for n in range(64)])
    (note,) = Notary(database, "n" * 64).since(0, AT, 64)
    assert len(note.line()) < 2048 - 300
