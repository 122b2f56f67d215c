"""A storage queue as a source of events: Event Grid puts each event there as one message.

A message that was taken is hidden for the configured visibility and comes again if it was not acknowledged by then. There
is no waiting at the service, so an empty queue is asked again in growing intervals until the wait is over.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from azure.core.credentials import AzureNamedKeyCredential, TokenCredential
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.transport import RequestsTransport
from azure.storage.queue import QueueClient

from config.clouds import AzureSettings
from providers.azure.errors import answers, storage_code
from providers.azure.rights import QUEUE_ACTION, QUEUE_ROLE
from providers.budget import CallBudgets
from providers.errors import Denied, Refused
from providers.provider import Message

MOST: Final = 32
"""The most messages the service gives at once."""
PAUSES: Final = (0.5, 1.0, 2.0)
"""Seconds between two looks into an empty queue; the last one again and again."""
SANDBOX_KEY: Final = base64.b64encode(b"watchstander-sandbox").decode()
"""What signs for the sandbox, where a token must not go: it looks only whether a call is signed."""
_TAKEN_BY_NOW: Final = frozenset({"messagenotfound", "popreceiptmismatch"})
"""Codes (lower case) that say the visibility was over and the message is another's, or gone."""


class StorageQueue:
    """One queue. ``settings.events.queue_url`` must be given; raises Refused for one that cannot be a queue's.

    ``tenant`` is named where several are watched, whose queues may be called the same.
    """

    def __init__(
        self,
        settings: AzureSettings,
        credential: TokenCredential,
        *,
        budgets: CallBudgets,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None],
        tenant: str | None = None,
    ) -> None:
        url = settings.events.queue_url
        if url is None:
            raise ValueError("a storage queue needs `events.queue_url`")
        parts = urlsplit(url)
        self._account = (parts.hostname or "").partition(".")[0]
        name = parts.path.rpartition("/")[2]
        self.name = f"queue:{tenant}/{name}" if tenant else f"queue:{name}"
        sandbox = settings.credential == "static"
        if not name or parts.scheme != ("http" if sandbox else "https") or parts.query:
            raise Refused(
                f"azure.events.queue_url: {url.partition('?')[0]} is not the address of a storage queue.",
                hint="It is https://ACCOUNT.queue.core.windows.net/QUEUE; a signature (`?sv=…`) does not belong into it.",
            )
        self._settings = settings
        self._budgets = budgets
        self._clock = clock
        self._sleep = sleep
        timeout = settings.budget.call_timeout.total_seconds()
        self._client = QueueClient.from_queue_url(
            url,
            credential=AzureNamedKeyCredential("watchstander", SANDBOX_KEY) if sandbox else credential,
            transport=RequestsTransport(connection_timeout=min(10.0, timeout), read_timeout=timeout),
            retry_total=0,  # whoever polls comes again by itself, after a pause of its own
        )

    def receive(self, wait_seconds: float) -> list[Message]:
        """Up to 32 messages; each is hidden from others for the configured visibility. Raises ProviderError."""
        waited = 0.0
        looks = 0
        while True:
            found = self._look()
            if found or waited >= wait_seconds:
                return found
            pause = min(PAUSES[min(looks, len(PAUSES) - 1)], wait_seconds - waited)
            looks += 1
            waited += pause
            self._sleep(pause)

    def acknowledge(self, message: Message) -> None:
        """Delete the message. One that another has taken meanwhile is left to it. Raises ProviderError."""

        def delete() -> None:
            try:
                self._client.delete_message(message.id, message.receipt)
            except HttpResponseError as error:
                if storage_code(error).lower() not in _TAKEN_BY_NOW:
                    raise

        self._call("Deleting a message", delete)

    def close(self) -> None:
        """Let go of connections."""
        self._client.close()

    def _look(self) -> list[Message]:
        visibility = max(1, round(self._settings.events.visibility.total_seconds()))

        def take() -> list[Any]:
            pages = self._client.receive_messages(
                messages_per_page=MOST, visibility_timeout=visibility
            ).by_page()
            # One page: a further one would be another call, for messages that can as well wait.
            return list(next(pages, ()))

        return [
            Message(id=str(m.id), body=text_of(m.content), receipt=str(m.pop_receipt), source=self.name)
            for m in self._call("Taking messages", take)
        ]

    def _call(self, what: str, function: Callable[[], Any]) -> Any:
        self._budgets.of(self._account, "queue").acquire()
        try:
            with answers(f"{what} from {self.name}", self._clock):
                return function()
        except Denied as error:
            raise Denied(
                error.message,
                code=error.code,
                permission=QUEUE_ACTION,
                hint=f"Assign *{QUEUE_ROLE}* at the queue.",
            ) from error


def text_of(content: object) -> str:
    """A message's text: Event Grid writes base64, others plain. What is neither stays as it came."""
    text = str(content)
    if text.lstrip()[:1] in ("{", "["):
        return text
    try:
        return base64.b64decode(text, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return text
