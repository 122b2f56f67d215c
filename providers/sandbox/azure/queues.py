"""The emulated Azure's storage queue: taking, hiding and deleting messages, in the service's own XML.

Every change in Resource Manager is put there as Event Grid would, base64 around JSON. The path is
``/queues/NAME/messages``; a call must be signed, by whom is not looked at.
"""

from __future__ import annotations

import base64
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any, Final, NoReturn
from xml.sax.saxutils import escape

import orjson

from providers.sandbox.faults import FaultKind

NAME: Final = "watchstander"
MOST: Final = 32
LIFETIME: Final = timedelta(days=7)


class QueueError(Exception):
    """A refusal in the storage service's words."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def document(self) -> bytes:
        """The body of the answer."""
        inner = f"<Code>{self.code}</Code><Message>{escape(self.message)}</Message>"
        return f'<?xml version="1.0" encoding="utf-8"?><Error>{inner}</Error>'.encode()


@dataclass(slots=True)
class _Message:
    id: str
    text: str
    at: datetime
    visible_at: datetime
    receipt: str = ""
    taken: int = 0


class Queue:
    """One queue. Safe to use from several threads."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._messages: list[_Message] = []

    def put(self, text: str) -> str:
        """Add a message as it is; returns its id."""
        now = self._clock()
        message = _Message(str(uuid.uuid4()), text, now, now)
        with self._lock:
            self._messages.append(message)
        return message.id

    def tell(self, change: Mapping[str, Any]) -> None:
        """Put a change of Resource Manager as Event Grid tells it."""
        target, how = change["properties"]["targetResourceId"], change["properties"]["changeAttributes"]
        deleted = change["properties"]["changeType"] == "Delete"
        event = {
            "id": str(uuid.uuid4()),
            "subject": target,
            "topic": f"/subscriptions/{change['subscriptionId']}",
            "eventType": f"Microsoft.Resources.Resource{'Delete' if deleted else 'Write'}Success",
            "eventTime": how["timestamp"],
            "data": {
                "resourceUri": target,
                "operationName": how["operation"],
                "correlationId": how["correlationId"],
                "claims": {"name": how["changedBy"]},
                "status": "Succeeded",
            },
            "dataVersion": "2",
            "metadataVersion": "1",
        }
        self.put(base64.b64encode(orjson.dumps(event)).decode())

    def waiting(self) -> int:
        """How many messages there are, hidden ones too."""
        with self._lock:
            return len(self._messages)

    def answer(self, method: str, path: str, query: Mapping[str, str], *, signed: bool) -> tuple[int, bytes]:
        """The status and the body of one call. Raises QueueError."""
        _, _, name, *rest = path.split("/")
        if not signed:
            raise QueueError(403, "AuthenticationFailed", "Server failed to authenticate the request.")
        if name != NAME:
            raise QueueError(404, "QueueNotFound", "The specified queue does not exist.")
        if method == "GET" and rest == ["messages"]:
            return 200, self.take(query)
        if method == "DELETE" and rest[:1] == ["messages"] and len(rest) == 2:
            self.delete(rest[1], query.get("popreceipt", ""))
            return 204, b""
        raise QueueError(405, "UnsupportedHttpVerb", "The resource does not support this verb.")

    def take(self, query: Mapping[str, str]) -> bytes:
        """Up to ``numofmessages`` visible messages, each hidden for ``visibilitytimeout`` seconds. Raises QueueError."""
        most, hidden = (
            _number(query, "numofmessages", 1, MOST),
            _number(query, "visibilitytimeout", 30, 604800),
        )
        now = self._clock()
        out: list[str] = []
        with self._lock:
            self._messages = [m for m in self._messages if now - m.at < LIFETIME]
            for message in sorted(self._messages, key=lambda m: m.visible_at):
                if message.visible_at <= now and len(out) < most:
                    message.visible_at = now + timedelta(seconds=hidden)
                    message.receipt = uuid.uuid4().hex
                    message.taken += 1
                    out.append(_xml(message))
        body = "".join(out)
        return f'<?xml version="1.0" encoding="utf-8"?><QueueMessagesList>{body}</QueueMessagesList>'.encode()

    def delete(self, message_id: str, receipt: str) -> None:
        """Delete a message that was taken. Raises QueueError."""
        with self._lock:
            found = next((m for m in self._messages if m.id == message_id), None)
            if found is None:
                raise QueueError(404, "MessageNotFound", "The specified message does not exist.")
            if found.receipt != receipt:
                raise QueueError(400, "PopReceiptMismatch", "The specified pop receipt did not match.")
            self._messages.remove(found)


def broken(kind: FaultKind) -> NoReturn:
    """Refuse as a fault says. Raises QueueError."""
    if kind is FaultKind.DENIED:
        raise QueueError(403, "AuthorizationPermissionMismatch", "This request is not authorized.")
    if kind is FaultKind.SKEWED:
        raise QueueError(403, "AuthenticationFailed", "Server failed to authenticate the request.")
    if kind is FaultKind.EXPIRED:
        raise QueueError(401, "InvalidAuthenticationInfo", "The token has expired.")
    if kind is FaultKind.THROTTLED:
        raise QueueError(503, "ServerBusy", "Operations per second is over the account limit.")
    raise QueueError(500, "InternalError", "The server encountered an internal error.")


def _number(query: Mapping[str, str], name: str, default: int, most: int) -> int:
    try:
        value = int(query.get(name, default))
    except ValueError:
        value = 0
    if not 1 <= value <= most:
        raise QueueError(400, "OutOfRangeQueryParameterValue", f"{name} must be between 1 and {most}.")
    return value


def _xml(message: _Message) -> str:
    fields = {
        "MessageId": message.id,
        "InsertionTime": format_datetime(message.at, usegmt=True),
        "ExpirationTime": format_datetime(message.at + LIFETIME, usegmt=True),
        "PopReceipt": message.receipt,
        "TimeNextVisible": format_datetime(message.visible_at, usegmt=True),
        "DequeueCount": str(message.taken),
        "MessageText": escape(message.text),
    }
    return f"<QueueMessage>{''.join(f'<{k}>{v}</{k}>' for k, v in fields.items())}</QueueMessage>"
