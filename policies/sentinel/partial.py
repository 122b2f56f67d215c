"""Maps of which not all is known: a resource's attributes, where some could not be read and our view of the type lacks others.

A policy is free to ask for what is missing, and the language has answers (``else``, ``is defined``, a loop that does not turn)
that would take it for absent. So what is asked for is noted, and an evaluation that asked for something unread decides nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, ClassVar

from policies.sentinel.run import Run
from policies.sentinel.values import Key, Value, text_of


class Partial(dict[str, Any]):
    """Data of the host of which not all is known. ``unread`` is why, by name; ``others`` what to say of a name that is neither
    held, nor unread, nor among ``absent`` (empty: it is absent too)."""

    def __init__(
        self,
        held: Mapping[str, Any],
        *,
        unread: Mapping[str, str],
        others: str = "",
        absent: Collection[str] = (),
    ) -> None:
        super().__init__(held)
        self.unread = unread
        self.others = others
        self.absent = frozenset(absent)


class PartialMap(dict[Key, Value]):
    """The same as a map of the language: what is asked of it is noted in the run."""

    __slots__ = ("_of", "_run")
    sentinel_kind: ClassVar = "map"

    def __init__(self, held: Mapping[Key, Value], of: Partial, run: Run) -> None:
        super().__init__(held)
        self._of = of
        self._run = run

    def known(self) -> dict[Key, Value]:
        """What is held, for showing it: nothing is asked by that."""
        return dict(list(dict.items(self)))

    def _asked(self, key: object) -> None:
        name, of = text_of(key) if isinstance(key, bytes) else "", self._of
        if name in of.unread:
            self._run.unread = self._run.unread or f"`{name}` was not read: {of.unread[name]}"
        elif of.others and name not in of.absent and not dict.__contains__(self, key):
            self._run.unread = self._run.unread or f"{of.others} `{name}`"

    def _asked_for_all(self) -> None:
        if self._of.unread:
            self._asked(min(self._of.unread).encode())

    def __contains__(self, key: object) -> bool:
        self._asked(key)
        return super().__contains__(key)

    def __getitem__(self, key: Key) -> Value:
        self._asked(key)
        return super().__getitem__(key)

    def get(self, key: Key, default: Any = None, /) -> Any:
        """As a dict's."""
        self._asked(key)
        return super().get(key, default)

    def __len__(self) -> int:
        self._asked_for_all()
        return super().__len__()

    def __iter__(self) -> Iterator[Key]:
        self._asked_for_all()
        return super().__iter__()

    def keys(self) -> Any:
        """As a dict's."""
        self._asked_for_all()
        return super().keys()

    def values(self) -> Any:
        """As a dict's."""
        self._asked_for_all()
        return super().values()

    def items(self) -> Any:
        """As a dict's."""
        self._asked_for_all()
        return super().items()
