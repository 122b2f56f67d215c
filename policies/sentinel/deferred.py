"""Maps of a file too large to stand in memory decoded: kept as compressed JSON until a policy asks for what is in them.

A policy that filters a plan's resources by ``type`` looks into a few of them only. What the others hold stays compressed.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

from policies.sentinel.run import Run
from policies.sentinel.values import Fault, Key, Value

WORTH: Final = 256
"""Bytes of JSON from which keeping it costs less than the values would."""
_TIMES: Final = 4
"""Bytes of memory that decoded values take for each of their JSON."""


class Deferred:
    """A map of the host, as compressed JSON. ``path`` is the file it is from."""

    __slots__ = ("_packed", "path", "size")

    def __init__(self, text: bytes, path: Path) -> None:
        self._packed = zlib.compress(text, 1)
        self.size = len(text)
        """Bytes of JSON."""
        self.path = path

    @classmethod
    def of(cls, value: Any, path: Path) -> Any:
        """A value of a file, deferred where it is a map that is large enough; else as it is."""
        if not isinstance(value, Mapping) or not value:
            return value
        text = json.dumps(value).encode()
        return cls(text, path) if len(text) >= WORTH else value

    def value(self) -> Any:
        """The map, decoded anew."""
        return json.loads(zlib.decompress(self._packed))

    def charge(self, run: Run) -> None:
        """Account for the values this becomes. Raises Fault where a policy has asked for too much of a file."""
        try:
            run.allocate(self.size * _TIMES)
        except Fault as fault:
            raise Fault(
                f"the policy asks for more of {self.path} than fits into {run.budget.memory} bytes of values: look at `type` "
                "before `change`, `values` or `config`, or judge resource by resource with `watchstander check`",
                kind=fault.kind,
            ) from None


class DeferredMap(dict[Key, Value]):
    """The same as a map of the language: whatever is asked of it, it is made first."""

    __slots__ = ("_make",)
    sentinel_kind: ClassVar = "map"

    def __init__(self, make: Callable[[], Mapping[Key, Value]]) -> None:
        super().__init__()
        self._make: Callable[[], Mapping[Key, Value]] | None = make

    def _made(self) -> None:
        if self._make is not None:
            made, self._make = self._make(), None
            super().update(made)

    def __contains__(self, key: object) -> bool:
        self._made()
        return super().__contains__(key)

    def __getitem__(self, key: Key) -> Value:
        self._made()
        return super().__getitem__(key)

    def __setitem__(self, key: Key, value: Value) -> None:
        self._made()
        super().__setitem__(key, value)

    def __delitem__(self, key: Key) -> None:
        self._made()
        super().__delitem__(key)

    def pop(self, key: Key, *default: Any) -> Any:
        """As a dict's."""
        self._made()
        return super().pop(key, *default)

    def get(self, key: Key, default: Any = None, /) -> Any:
        """As a dict's."""
        self._made()
        return super().get(key, default)

    def __len__(self) -> int:
        self._made()
        return super().__len__()

    def __iter__(self) -> Iterator[Key]:
        self._made()
        return super().__iter__()

    def keys(self) -> Any:
        """As a dict's."""
        self._made()
        return super().keys()

    def values(self) -> Any:
        """As a dict's."""
        self._made()
        return super().values()

    def items(self) -> Any:
        """As a dict's."""
        self._made()
        return super().items()
