"""Windows: from when to when a resource was in a state, made of its versions and what is said of each. No database here.

A window begins when its state was first *seen*; the change itself happened after the reading before that one. What began at
the first contact with a scope, or as the oldest that the cloud's own history tells (``at_least``), may have lasted long
before. A time over which a field that the expression reads was unread is a window of its own (``certain`` false): unread is
neither true nor false.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from providers.resource import ResourceRef
from storage.documents import Record, speaks_of_tags
from storage.query import Filter
from storage.rows import ref_of
from storage.times import from_us
from storage.values import Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """From when to when a resource was in a state. ``end`` is None while it lasts (at the end of what was asked for).

    ``at_least``: it was so in the oldest that is known of it, so it began then or before. ``certain`` false: what decides it was unread.
    ``what``: the expression, or the policy's id.
    """

    ref: ResourceRef
    what: str
    start: datetime
    end: datetime | None
    at_least: bool = False
    certain: bool = True

    def seconds(self, until: datetime) -> float:
        """How long it lasted, or has lasted at ``until``."""
        return ((self.end or until) - self.start).total_seconds()


class Judged(NamedTuple):
    """A version with whether the expression holds of it, and whether that is certain."""

    row: Any
    record: Record
    holds: bool
    certain: bool


def windows(judged: Iterable[Judged], what: str, end: int) -> Iterator[Window]:
    """Versions that hold, or may, joined where one follows the other without a gap. One that could not be decided is a
    window of its own. What has not ended at ``end`` lasts. Versions must come by resource, and in order."""
    window: tuple[Judged, Judged] | None = None  # its first version and its newest
    for one in judged:
        belongs = one.holds or not one.certain
        if window is not None and not (belongs and _follows(window[1], one)):
            yield _window(*window, what, end)
            window = None
        if belongs:
            window = (one if window is None else window[0], one)
    if window is not None:
        yield _window(*window, what, end)


def _follows(before: Judged, after: Judged) -> bool:
    return (
        before.row.resource_id == after.row.resource_id
        and before.row.valid_to == after.row.valid_from
        and before.certain == after.certain
    )


def _window(first: Judged, newest: Judged, what: str, end: int) -> Window:
    begun, ends = first.row.valid_from, newest.row.valid_to
    return Window(
        ref=ref_of(newest.row, newest.record),
        what=what,
        start=from_us(begun),
        end=from_us(ends) if ends <= end else None,
        # The oldest that is known, whether we saw it or were told.
        at_least=first.row.origin == Origin.BASELINE or begun == first.row.past_from,
        certain=newest.certain,
    )


def unread(wanted: Filter, reads: frozenset[str], unknown: Sequence[str]) -> bool:
    """Whether the answer hangs on a field that was never read by then."""
    if not unknown:
        return False
    if not reads.isdisjoint(unknown) or "*" in reads:
        return True
    return (bool(wanted.tags) or "tags" in reads) and any(speaks_of_tags(name) for name in unknown)


def fields_read(expression: str) -> frozenset[str]:
    """Every name a JMESPath expression could mean as a top-level field of the document: more rather than fewer, and ``*``
    where it reads the document as a whole."""
    without_literals = re.sub(r"`(?:[^`\\]|\\.)*`|'(?:[^'\\]|\\.)*'", " ", expression)
    quoted = re.findall(r'"((?:[^"\\]|\\.)*)"', without_literals)
    bare = re.findall(r"[A-Za-z_][A-Za-z0-9_]*", re.sub(r'"(?:[^"\\]|\\.)*"', " ", without_literals))
    whole = re.search(r"\bdocument\b(?!\s*\.\s*[A-Za-z_\"])", without_literals) is not None or not bare
    return frozenset([*quoted, *bare, *(["*"] if whole and expression else [])])
