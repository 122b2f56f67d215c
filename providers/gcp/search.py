"""Cloud Asset's search index as a source of events: what has changed since it was last asked.

One call for a whole organisation tells which resources have changed, where a full reading takes thousands: changes are seen
minutes after they were made, without a feed, between two readings. The index knows no deletions, no changes of policies,
and no time of change for some types; those are left to the next reading, and nothing is concluded from what it does not show.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson

from providers.gcp.session import Session
from providers.provider import Message

PAGE: Final = 500
"""Results a page: the most the service gives."""
LAG: Final = timedelta(minutes=10)
"""How far the index may be behind: so much is asked for again each time."""
MOST: Final = 5000
"""Results taken at once. More have changed than can be re-read one by one; the next full reading has them."""


class SearchSource:
    """The changes below one parent. Not for several threads at once, as every source is polled by one."""

    def __init__(
        self,
        session: Session,
        parent: str,
        *,
        every: timedelta,
        clock: Callable[[], datetime],
    ) -> None:
        self.name = f"search:{parent}"
        self._session = session
        self._parent = parent
        self._every = every
        self._clock = clock
        self._asked_at: datetime | None = None
        self._since = clock()
        self._dealt: dict[str, datetime] = {}
        """Message id -> its time of change, for those dealt with and still in what is asked for."""

    def receive(self, wait_seconds: float) -> list[Message]:
        """What has changed and was not dealt with yet, if it is time to ask; else nothing, after a wait. Raises
        ProviderError."""
        now = self._clock()
        if self._asked_at is not None and now < self._asked_at + self._every:
            left = (self._asked_at + self._every - now).total_seconds()
            self._session.wait(min(wait_seconds, left))
            return []
        self._asked_at = now
        start = self._since - LAG
        found = [m for m in self._changed(start) if m.id not in self._dealt]
        self._since = now
        self._dealt = {i: at for i, at in self._dealt.items() if at >= start}
        return found

    def acknowledge(self, message: Message) -> None:
        """Remember it as dealt with; one that was not is told again the next time."""
        self._dealt[message.id] = datetime.fromisoformat(message.receipt)

    def _changed(self, start: datetime) -> list[Message]:
        request: dict[str, Any] = {
            "scope": self._parent,
            "query": f"updateTime>={int(start.timestamp())}",
            "page_size": PAGE,
            "order_by": "updateTime",
        }
        deadline = self._session.deadline()
        out: list[Message] = []
        while True:
            page = self._session.search_page(
                request, deadline=deadline, what=f"asking what has changed below {self._parent}"
            )
            for result in page.results:
                at = result.update_time.ToDatetime(tzinfo=UTC)
                if at >= start:
                    out.append(self._message(result, at))
            if not page.next_page_token or len(out) >= MOST:
                return out[:MOST]
            request["page_token"] = page.next_page_token

    def _message(self, result: Any, at: datetime) -> Message:
        told: Mapping[str, Any] = {
            "name": result.name,
            "assetType": result.asset_type,
            "project": result.project,
            "location": result.location,
            "updateTime": at.isoformat().replace("+00:00", "Z"),
        }
        return Message(
            id=f"{result.name}@{at.isoformat()}",
            body=orjson.dumps({"searchResult": told}).decode(),
            receipt=at.isoformat(),
            source=self.name,
        )
