"""Pub/Sub, as much as an asset feed needs: one subscription that every write is published to, and anything else you like.

A message stays until it is acknowledged; one that was handed out is hidden for the acknowledgement deadline.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from google.protobuf import json_format

from providers.sandbox.gcp import assets
from providers.sandbox.gcp.store import Asset, GcpError, Version

ACK_DEADLINE: Final = timedelta(seconds=10)
HOLD: Final = 0.5
"""Seconds a pull waits for a first message; the real one waits longer, and a caller asks again either way. Less than the second
that a caller waits at least: a pull whose caller has gone would take the next message for nobody."""


@dataclass(slots=True)
class _Held:
    data: str
    id: str
    published: datetime
    hidden_until: datetime | None = None


@dataclass(slots=True)
class _Queue:
    messages: dict[str, _Held] = field(default_factory=dict)


class PubSub:
    """Subscriptions by name, made when first named. Safe to use from any thread."""

    def __init__(self, clock: Callable[[], datetime], closing: threading.Event) -> None:
        self._clock = clock
        self._closing = closing
        self._queues: dict[str, _Queue] = {}
        self._changed = threading.Condition()
        self._count = 0

    def publish(self, subscription: str, body: Any) -> str:
        """Put a message (JSON values, or text as it is) into a subscription; returns its id."""
        raw = body.encode() if isinstance(body, str) else orjson.dumps(body)
        with self._changed:
            self._count += 1
            message = _Held(base64.b64encode(raw).decode(), str(self._count), self._clock())
            self._queues.setdefault(subscription, _Queue()).messages[message.id] = message
            self._changed.notify_all()
        return message.id

    def feed(self, subscription: str) -> Callable[[Asset, Version | None, Version], None]:
        """What publishes each write as an asset feed would: one message for the resource, one for the policy."""

        def written(asset: Asset, before: Version | None, after: Version) -> None:
            for content in (assets.RESOURCE, assets.IAM_POLICY):
                same = before is not None and (
                    before.data == after.data
                    if content == assets.RESOURCE
                    else before.policy == after.policy or after.data is None
                )
                if not same and (content == assets.RESOURCE or after.policy or (before and before.policy)):
                    self.publish(subscription, _temporal(asset, before, after, content))

        return written

    def serve(self, subscription: str, verb: str, body: dict[str, Any]) -> dict[str, Any]:
        """``pull``, ``acknowledge`` or ``modifyAckDeadline``. Raises GcpError."""
        if verb == "pull":
            return self._pull(subscription, int(body.get("maxMessages", 0)))
        ids = body.get("ackIds")
        if verb not in ("acknowledge", "modifyAckDeadline") or not isinstance(ids, list):
            raise GcpError("INVALID_ARGUMENT", f"{verb} is not served by this emulator, or has no ackIds.")
        with self._changed:
            messages = self._queues.setdefault(subscription, _Queue()).messages
            for ack_id in ids:
                if verb == "acknowledge":
                    messages.pop(str(ack_id), None)
                elif ack_id in messages:
                    seconds = int(body.get("ackDeadlineSeconds", 0))
                    messages[ack_id].hidden_until = self._clock() + timedelta(seconds=seconds)
        return {}

    def _pull(self, subscription: str, most: int) -> dict[str, Any]:
        if most < 1:
            raise GcpError("INVALID_ARGUMENT", "maxMessages must be positive.")
        with self._changed:
            taken = self._take(subscription, most)
            if not taken and not self._closing.is_set():
                self._changed.wait(HOLD)
                taken = self._take(subscription, most)
        return {"receivedMessages": taken} if taken else {}

    def _take(self, subscription: str, most: int) -> list[dict[str, Any]]:
        now = self._clock()
        out: list[dict[str, Any]] = []
        for message in self._queues.setdefault(subscription, _Queue()).messages.values():
            if len(out) < most and (message.hidden_until is None or message.hidden_until <= now):
                message.hidden_until = now + ACK_DEADLINE
                inner = {
                    "data": message.data,
                    "messageId": message.id,
                    "publishTime": message.published.isoformat().replace("+00:00", "Z"),
                }
                out.append({"ackId": message.id, "message": inner})
        return out

    def wake(self) -> None:
        """Let waiting pulls go."""
        with self._changed:
            self._changed.notify_all()


def _temporal(asset: Asset, before: Version | None, after: Version, content: int) -> dict[str, Any]:
    shown = after if after.data is not None else Version(after.at, None, None)
    out: dict[str, Any] = {
        "asset": json_format.MessageToDict(assets.message(asset, shown, content)),
        "window": {"startTime": after.at.isoformat().replace("+00:00", "Z")},
        "priorAssetState": "DOES_NOT_EXIST",
    }
    if after.data is None:
        out["deleted"] = True
    if before is not None:
        out["priorAssetState"] = "DELETED" if before.data is None else "PRESENT"
        if before.data is not None:
            out["priorAsset"] = json_format.MessageToDict(assets.message(asset, before, content))
    return out
