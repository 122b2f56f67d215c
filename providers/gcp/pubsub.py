"""A Pub/Sub subscription as a queue of events, by REST.

A pull waits at the service until there is a message or we hang up. A message that was handed out to a caller who had
hung up comes again after its acknowledgement deadline: delivery is at least once in any case.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import orjson

from providers.errors import TimedOut
from providers.gcp.session import Session
from providers.provider import Message

MOST: Final = 50
"""Messages taken at once."""


class Subscription:
    """One subscription, ``projects/p/subscriptions/s``."""

    def __init__(self, session: Session, name: str) -> None:
        self.name = name
        self._session = session

    def receive(self, wait_seconds: float) -> list[Message]:
        """Take what is there, waiting at most ``wait_seconds`` for a first message. Raises ProviderError."""
        deadline = self._session.deadline(timedelta(seconds=max(wait_seconds, 1.0)))
        try:
            answer = self._session.rest(
                "POST", "pubsub", f"/v1/{self.name}:pull", body={"maxMessages": MOST}, deadline=deadline
            )
        except TimedOut:
            return []
        return [
            Message(
                id=str(received.get("message", {}).get("messageId", "")),
                body=orjson.dumps(received.get("message", {})).decode(),
                receipt=str(received.get("ackId", "")),
                source=self.name,
            )
            for received in answer.get("receivedMessages") or ()
        ]

    def acknowledge(self, message: Message) -> None:
        """Say that ``message`` has been dealt with for good. Raises ProviderError."""
        self._session.rest(
            "POST", "pubsub", f"/v1/{self.name}:acknowledge", body={"ackIds": [message.receipt]}
        )
