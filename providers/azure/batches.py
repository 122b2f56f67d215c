"""Small subscriptions listed together: as many rows in far fewer queries.

Resource Graph gives a principal 15 queries in 5 seconds over all subscriptions, so a thousand subscriptions asked one by
one take half an hour whatever they hold. Subscriptions that together hold a few thousand rows are asked for at once; each
scope then takes its own rows, and is judged complete or not by itself. Nothing is concluded from a batch that failed: its
subscriptions are then asked for one by one, so that a failure is told to its own.

Rows wait only for seconds, and not at all once we have read or changed something of their subscription ourselves: an older
answer must not bring back what was.
"""

from __future__ import annotations

import copy
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

import orjson

from providers.errors import Expired, ProviderError, Throttled, Unavailable
from providers.resource import ANY, Scope

MOST_SUBSCRIPTIONS: Final = 200
"""Subscriptions in a batch; a query takes a thousand, but a batch waits for its slowest page."""
MOST_ROWS: Final = 5000
"""Rows of a batch, by Resource Graph's own count; a subscription with more is read alone, as it streams."""
MOST_HELD: Final = 4 * MOST_ROWS
"""Rows a batch may really turn out to have before it is given up; the bound on memory."""
FRESH: Final = 120.0
"""Seconds that rows may wait for their scope."""
COUNTED_AT_ONCE: Final = 1000
"""Subscriptions counted by one query: as many as it takes, and as its one page has rows."""

Listing = Callable[[Sequence[str]], Iterable[Mapping[str, Any]]]
"""All rows of some subscriptions; raises ProviderError."""
Counting = Callable[[Sequence[str]], Mapping[str, int]]
"""How many rows each of some subscriptions has; raises ProviderError."""


class _Batch:
    """Some subscriptions' rows, fetched by the first scope that wants its own."""

    def __init__(self, subscriptions: Iterable[str], clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting = set(subscriptions)
        self._stale: set[str] = set()
        self._asked = False
        self._rows: dict[str, list[bytes]] = {}
        self._listed_at = 0.0
        self._error: ProviderError | None = None

    def take(self, account: str, listing: Listing) -> list[bytes] | None:
        with self._lock:
            if not self._asked:
                self._asked = True
                self._fetch(listing)
            if self._error is not None:
                raise copy.copy(self._error) from self._error
            rows = self._rows.pop(account, [])
            old = account in self._stale or self._clock() - self._listed_at > FRESH
            if account not in self._waiting or old:
                return None
            self._waiting.discard(account)
            return rows

    def forget(self, account: str) -> None:
        # Without the lock: what acts must not wait for a listing under way.
        self._stale.add(account)

    def _fetch(self, listing: Listing) -> None:
        self._listed_at = self._clock()
        rows: dict[str, list[bytes]] = defaultdict(list)
        held = 0
        try:
            for row in listing(sorted(self._waiting)):
                held += 1
                if held > MOST_HELD:
                    raise Unavailable("a batch of subscriptions turned out too large")
                rows[str(row.get("subscriptionId") or "").lower()].append(orjson.dumps(row))
        except (Throttled, Expired) as error:
            self._error = error  # asking one by one would ask even more
        except ProviderError:
            self._waiting.clear()
        else:
            self._rows = rows


class Batches:
    """The batches of one plan. Safe in threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._batch_of: dict[Scope, _Batch] = {}
        self._all: tuple[_Batch, ...] = ()

    def plan(
        self, scopes: Iterable[Scope], counting: Callable[[Scope, Sequence[str]], Mapping[str, int]]
    ) -> None:
        """Put scopes that differ only in their subscription together, small ones with small ones. A count that fails
        leaves them to be read alone. What an earlier plan still held is let go of."""
        alike: dict[Scope, list[str]] = defaultdict(list)
        for scope in scopes:
            alike[Scope(scope.provider, ANY, scope.region, scope.type)].append(scope.account)
        planned: dict[Scope, _Batch] = {}
        batches: list[_Batch] = []
        for kind, accounts in alike.items():
            for together in packed(accounts, partial(counting, kind)):
                batch = _Batch(together, self._clock)
                batches.append(batch)
                planned |= {Scope(kind.provider, a, kind.region, kind.type): batch for a in together}
        with self._lock:
            self._batch_of, self._all = planned, tuple(batches)

    def take(self, scope: Scope, listing: Listing) -> Iterator[Mapping[str, Any]] | None:
        """The rows of a scope, listed with others; None where it is to be read alone. Raises ProviderError where asking
        again would not help."""
        with self._lock:
            batch = self._batch_of.pop(scope, None)
        rows = None if batch is None else batch.take(scope.account, listing)
        return None if rows is None else map(orjson.loads, rows)

    def forget(self, account: str) -> None:
        """Let go of rows of an account that still wait: something newer is known of it."""
        with self._lock:
            batches = self._all
        for batch in batches:
            batch.forget(account)


def packed(accounts: Sequence[str], counting: Counting) -> list[list[str]]:
    """Accounts in groups of at most :data:`MOST_ROWS` rows, in their order; those that are to be read alone are in none."""
    if len(accounts) < 2:
        return []
    sizes: dict[str, int] = {}
    for start in range(0, len(accounts), COUNTED_AT_ONCE):
        some = accounts[start : start + COUNTED_AT_ONCE]
        try:
            found = counting(some)
        except ProviderError:
            continue
        sizes |= {account: found.get(account, 0) for account in some}
    groups: list[list[str]] = [[]]
    rows = 0
    for account in accounts:
        size = sizes.get(account, MOST_ROWS)
        if size >= MOST_ROWS:
            continue
        if groups[-1] and (rows + size > MOST_ROWS or len(groups[-1]) == MOST_SUBSCRIPTIONS):
            groups.append([])
            rows = 0
        groups[-1].append(account)
        rows += size
    return [group for group in groups if len(group) > 1]
