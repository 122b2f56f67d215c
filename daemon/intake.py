"""From a queue to what it asks for: each message is understood, taken once, and acknowledged only when dealt with.

    receive -> parse -> (unreadable: dead letter) -> each event: watched? -> taken before? -> change: re-read what it names
                                                                                         -> finding: ask the hooks
                     -> acknowledge

Queues deliver at least once and in any order, and this process may die between any two of these: whatever is done with
a message is idempotent by the event's own id, and the message is acknowledged last. A message that fails for a passing
reason (a locked database, a throttled cloud) is left on the queue and comes back.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

import orjson
import structlog

from config.errors import WatchstanderError
from daemon.defects import Defect, sound
from daemon.metrics import Metrics
from providers.provider import Batch, Event, EventKind, EventSource, Ignored, Message, Provider
from storage.deadletters import DeadLetters
from storage.events import Events

BODY_LIMIT = 1_048_576
"""Bytes; no cloud's event is near this. A larger message is a dead letter, unparsed."""
DEPTH_LIMIT = 100
"""A message nested deeper than this is a dead letter."""
WAIT_SECONDS = 5.0
"""How long one poll of a queue waits for a first message."""
BACK_OFF_SECONDS = 15.0
"""How long a queue that failed is left alone."""

log = structlog.get_logger("watchstander.intake")


class Result(StrEnum):
    """What became of a message, or of one of the events that it tells."""

    ACTED = "acted"
    """A finding: at least one hook was asked."""
    RECORDED = "recorded"
    """A change: the resources it names were read again; or a finding no hook cares for."""
    REPEATED = "repeated"
    """An event taken before; what it asked for is not asked for again."""
    IGNORED = "ignored"
    """A message its cloud knows and that asks for nothing."""
    UNWATCHED = "unwatched"
    """Of an account that is not watched: refused, and nothing of it is kept or acted upon."""
    DEAD = "dead"
    """Unreadable or of an unknown kind: kept as a dead letter."""
    FAILED = "failed"
    """For a passing reason; it stays on the queue."""


class EventStore(Protocol):
    """Remembers which events were taken and keeps unreadable messages (:mod:`storage.events`, ``deadletters``)."""

    def taken(self, event_id: str) -> bool:
        """Whether the event has been dealt with before."""

    def take(self, event: Event, at: datetime) -> None:
        """Remember that it has been dealt with. Raises StorageError."""

    def bury(self, message: Message, cause: str, at: datetime) -> None:
        """Keep an unreadable message. Raises StorageError."""


class StoredEvents:
    """The same, in the database."""

    def __init__(self, events: Events, dead_letters: DeadLetters) -> None:
        self._events = events
        self._dead_letters = dead_letters

    def taken(self, event_id: str) -> bool:
        """Whether the event has been dealt with before."""
        return self._events.known(event_id)

    def take(self, event: Event, at: datetime) -> None:
        """Remember that it has been dealt with. Raises StorageError."""
        self._events.first_time(event, at)

    def bury(self, message: Message, cause: str, at: datetime) -> None:
        """Keep an unreadable message. Raises StorageError."""
        self._dead_letters.add(message, cause, at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handlers:
    """What a message leads to."""

    change: Callable[[Event], None]
    """Read what the event names again, and judge it."""
    finding: Callable[[Event], int]
    """Ask the hooks; returns how many were asked."""


class Intake:
    """Takes messages off the queues of all clouds."""

    def __init__(
        self,
        providers: Mapping[str, Provider],
        store: EventStore,
        handlers: Handlers,
        clock: Callable[[], datetime],
        metrics: Metrics,
        *,
        back_off: float = BACK_OFF_SECONDS,
    ) -> None:
        self._providers = providers
        self._store = store
        self._handlers = handlers
        self._clock = clock
        self._metrics = metrics
        self._back_off = back_off

    def poll(self, source: EventSource, wait_seconds: float = WAIT_SECONDS) -> int:
        """Take what ``source`` has now; returns how many messages were dealt with. Raises ProviderError where the
        queue itself cannot be read."""
        messages = source.receive(wait_seconds)
        dealt = 0
        for message in messages:
            results = self.handle(message)
            for result in results:
                self._metrics.events.labels(source.name, str(result)).inc()
            if Result.FAILED not in results:
                source.acknowledge(message)
                dealt += 1
        return dealt

    def run(self, source: EventSource, stop: threading.Event) -> None:
        """Poll until told to stop. A queue that fails is told, counted and tried again later."""
        while not stop.is_set():
            try:
                sound(f"the reading of {source.name}", lambda: self.poll(source))
            except WatchstanderError as error:
                self._metrics.errors.labels(f"queue:{source.name}").inc()
                log.error(
                    f"The queue {source.name} cannot be read: {error}",
                    key="queue-unreadable",
                    source=source.name,
                )
                stop.wait(self._back_off)

    def handle(self, message: Message) -> tuple[Result, ...]:
        """Deal with one message: what became of each event that it tells, or of itself. One event that fails leaves the
        message on the queue, and does not keep the others from being taken."""
        try:
            told = self._told(message)
        except WatchstanderError as error:
            return (self._failed(message, error),)
        if isinstance(told, Result):
            return (told,)
        return tuple(self._dealt(message, event) for event in told)

    def _dealt(self, message: Message, event: Event) -> Result:
        try:
            return self._taken(message, event)
        except WatchstanderError as error:
            return self._failed(message, error)

    def _failed(self, message: Message, error: WatchstanderError) -> Result:
        self._metrics.errors.labels("intake").inc()
        log.error(
            f"A message of {message.source} could not be dealt with and stays on the queue: {error}",
            key="message-failed",
            source=message.source,
            message_id=message.id,
        )
        return Result.FAILED

    def _told(self, message: Message) -> tuple[Event, ...] | Result:
        """The events of a message; what became of one that has none."""
        try:
            body = read_body(message.body)
            told = sound("the reading of a message", lambda: self._understand(body), passing=(ValueError,))
        except (ValueError, Defect) as error:
            self._store.bury(message, str(error), self._clock())
            log.warning(
                f"A message of {message.source} could not be understood and is kept as a dead letter: {error}",
                key="dead-letter",
                source=message.source,
                message_id=message.id,
            )
            return Result.DEAD
        if isinstance(told, Ignored):
            return Result.IGNORED
        return told.events if isinstance(told, Batch) else (told,)

    def _taken(self, message: Message, event: Event) -> Result:
        provider = self._providers[event.provider]
        ours = sound("finding out whose a message is", lambda: provider.watched(event))
        if ours is None:
            log.info(
                f"A message of {message.source} tells of {event.account or 'no account'}, which is not watched, and is"
                " refused.",
                key="event-unwatched",
                source=message.source,
                message_id=message.id,
                account=event.account,
            )
            return Result.UNWATCHED
        if self._store.taken(ours.id):
            return Result.REPEATED
        result = sound(f"what {ours.title!r} asks for", lambda: self._dispatch(ours))
        self._store.take(ours, self._clock())
        return result

    def _understand(self, body: Mapping[str, Any]) -> Event | Batch | Ignored:
        """What it tells. Raises ValueError where no configured cloud knows the message, or one knows it and it is broken."""
        for provider in self._providers.values():
            event = provider.parse_event(body)
            if event is not None:
                return event
        fields = ", ".join(sorted(map(str, body))[:12]) or "none"
        raise ValueError(f"no configured cloud knows its kind (its fields: {fields})")

    def _dispatch(self, event: Event) -> Result:
        log.info(
            f"{event.provider} tells of {event.title} in {event.account}.",
            key="event",
            event_id=event.id,
            event_type=event.type,
            severity=str(event.severity),
        )
        if event.kind is EventKind.CHANGE:
            self._handlers.change(event)
            return Result.RECORDED
        return Result.ACTED if self._handlers.finding(event) else Result.RECORDED


def read_body(body: str) -> Mapping[str, Any]:
    """The message as a JSON object. Raises ValueError that says what is wrong with it."""
    if len(body) > BODY_LIMIT:
        raise ValueError(f"it is {len(body):,} characters long, more than {BODY_LIMIT:,}")
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"it is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ValueError(f"it is a JSON {type(value).__name__}, not an object")
    if _deeper_than(value, DEPTH_LIMIT):
        raise ValueError(f"it nests deeper than {DEPTH_LIMIT} levels")
    return value


def _deeper_than(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [
            inner
            for outer in level
            for inner in (
                outer.values() if isinstance(outer, dict) else outer if isinstance(outer, list) else ()
            )
        ]
        if not level:
            return False
    return True
