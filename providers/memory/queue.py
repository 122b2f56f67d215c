"""The cloud in memory's event source, and an event in the form its messages have."""

from __future__ import annotations

import threading

import orjson

from providers.provider import Event, Message


class MemoryQueue:
    """An at-least-once queue: a message comes again until it is acknowledged."""

    name = "memory"

    def __init__(self) -> None:
        self._waiting: dict[str, Message] = {}
        self._count = 0
        self._filled = threading.Condition()

    def put(self, body: str) -> None:
        """Deliver a message."""
        with self._filled:
            self._count += 1
            number = str(self._count)
            self._waiting[number] = Message(id=number, body=body, receipt=number, source=self.name)
            self._filled.notify_all()

    def receive(self, wait_seconds: float) -> list[Message]:
        """All that is not acknowledged, waiting for a first one."""
        with self._filled:
            self._filled.wait_for(lambda: bool(self._waiting), timeout=wait_seconds)
            return list(self._waiting.values())

    def acknowledge(self, message: Message) -> None:
        """Take it off."""
        with self._filled:
            self._waiting.pop(message.receipt, None)


def message(event: Event) -> str:
    """An event as this cloud's queue carries it."""
    ref = event.refs[0] if event.refs else None
    fields = ("provider", "account", "region", "type", "uid")
    return orjson.dumps(
        {
            "source": "watchstander.memory",
            "id": event.id,
            "kind": event.kind,
            "type": event.type,
            "title": event.title,
            "account": event.account,
            "region": event.region,
            "time": event.occurred_at,
            "severity": event.severity,
            "actor": event.actor,
            "ref": {name: getattr(ref, name) for name in fields} if ref else None,
            "detail": event.detail,
        }
    ).decode()
