"""Fields that nobody wants to hear of (``history.ignored_fields``): left out of differences where these are told.

Ignoring({"aws.iam_*": ["LastUsed"]}).apply(History(database).diff(yesterday, now))

Nothing is left out where it is recorded, and nothing where it is judged: a baseline that a policy asks for, containment and
recovery see every field. So what is ignored may be another thing tomorrow, and the past answers at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import TypeVar

from storage.history import Difference, TimelineEntry
from storage.query import of_type
from storage.values import Drift, FieldChange

Told = TypeVar("Told", TimelineEntry, Difference, Drift)


class Ignoring:
    """Leaves out the fields that ``paths`` names by type: a trailing ``*`` matches a prefix, every pattern that matches counts.

    A path (``Tags[Backup].Value``, ``BlockDeviceMappings[*].Ebs``) names what is in it as well; ``[*]`` is any item of a list.
    """

    def __init__(self, paths: Mapping[str, Sequence[str]]) -> None:
        self.left_out = 0
        """How many changes of a field :meth:`apply` has left out so far."""
        self._paths = {pattern: named for pattern, named in paths.items() if named}
        self._of_type = cache(self._compiled)

    def __bool__(self) -> bool:
        return bool(self._paths)

    def apply(self, told: Iterable[Told]) -> Iterator[Told]:
        """What is told, without the ignored fields; what was of no other field is left out as a whole."""
        for one in told:
            heard = self.heard(one.ref.type, one.fields)
            self.left_out += len(one.fields) - len(heard)
            if len(heard) == len(one.fields):
                yield one
            elif heard:
                yield replace(one, fields=heard)

    def heard(self, type_: str, changes: tuple[FieldChange, ...]) -> tuple[FieldChange, ...]:
        """The changes of a resource of that type that are of other fields."""
        ignored = self._of_type(type_) if changes and self._paths else None
        return changes if ignored is None else tuple(c for c in changes if not ignored.match(c.path))

    def _compiled(self, type_: str) -> re.Pattern[str] | None:
        named = [
            path for pattern, paths in self._paths.items() if of_type(type_, (pattern,)) for path in paths
        ]
        # A path ends where its own part does: `Last` names `Last.At` and `Last[]`, not `LastUsed`.
        any_of = "|".join(re.escape(path).replace(r"\[\*\]", r"\[.*?\]") for path in named)
        return re.compile(rf"(?:{any_of})(?=[.\[]|\Z)", re.DOTALL) if named else None
