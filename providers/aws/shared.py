"""Answers that two types need: the access keys of every user are a detail of users and a type of their own.

What one type has asked in the last seconds, another type may have for nothing, once. A type never gets its own answer again, so
no reading shows less than its own calls would have shown, and whoever reads afresh or changes something first forgets the
account's answers (docs/decisions/0104).
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, Final

TTL: Final = 20.0
"""Seconds an answer waits for the other type."""
MOST: Final = 4096
"""Answers that wait at most."""


@dataclass(slots=True)
class _Entry:
    by: str
    until: float
    done: threading.Event = field(default_factory=threading.Event)
    answer: Any = None
    failed: bool = False


class SharedAnswers:
    """Safe to use from any thread."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._entries: OrderedDict[tuple[str, Hashable], _Entry] = OrderedDict()

    def get(self, account: str, call: Hashable, by: str, ask: Callable[[], Any]) -> Any:
        """The answer to ``call`` for the type ``by``: another type's, if one has asked just now or is asking, else
        ``ask``'s. Raises what ``ask`` raises."""
        key = (account, call)
        with self._lock:
            entry = self._entries.pop(key, None)
            theirs = entry is not None and entry.by != by and entry.until > self._monotonic()
            if not theirs:
                entry = self._entries[key] = _Entry(by, self._monotonic() + TTL)
                while len(self._entries) > MOST:
                    self._entries.popitem(last=False)
        assert entry is not None
        if theirs:
            entry.done.wait()
            return ask() if entry.failed else entry.answer
        entry.failed = True
        try:
            entry.answer = ask()
            entry.failed = False
        finally:
            entry.done.set()
            if entry.failed:
                self._drop(key, entry)
        return entry.answer

    def forget(self, account: str) -> None:
        """Let nobody have an older answer of this account."""
        with self._lock:
            for key in [key for key in self._entries if key[0] == account]:
                del self._entries[key]

    def _drop(self, key: tuple[str, Hashable], entry: _Entry) -> None:
        with self._lock:
            if self._entries.get(key) is entry:
                del self._entries[key]
