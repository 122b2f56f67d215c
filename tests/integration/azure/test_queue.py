"""The storage queue by its real client: taken, hidden, acknowledged, and dealt with once by the intake."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.clouds import AzureSettings
from daemon.intake import Handlers, Intake, Result
from daemon.metrics import Metrics
from providers.azure.permissions import as_role
from providers.azure.provider import AzureProvider
from providers.azure.queue import StorageQueue, text_of
from providers.budget import CallBudgets
from providers.errors import Denied, Expired, ProviderError, Refused, Throttled, Unavailable
from providers.provider import Event, EventKind, EventSource, Message
from providers.sandbox.azure import AzureEmulator
from providers.sandbox.azure.estate import PRODUCTION
from providers.sandbox.faults import Fault, FaultKind

Make = Callable[..., AzureProvider]
ACCOUNT = f"/subscriptions/{PRODUCTION}/resourcegroups/rg-prod-data/providers/microsoft.storage/storageaccounts/stprodgood"


@pytest.fixture
def provider(make: Make, emulator: AzureEmulator) -> AzureProvider:
    return make(events={"queue_url": emulator.queue_url, "visibility": "2m"})


@pytest.fixture
def source(provider: AzureProvider) -> EventSource:
    [found] = provider.event_sources()
    return found


def test_without_a_queue_there_is_no_source(make: Make) -> None:
    assert make().event_sources() == ()


def test_a_change_arrives_and_names_what_to_reread(
    provider: AzureProvider, source: EventSource, emulator: AzureEmulator
) -> None:
    emulator.store.patch(ACCOUNT, {"properties": {"allowBlobPublicAccess": True}})
    [message] = source.receive(0)
    assert (message.source, source.name) == ("queue:watchstander", "queue:watchstander")
    event = provider.parse_event(json.loads(message.body))
    assert isinstance(event, Event)
    assert (event.kind, [ref.uid for ref in event.refs]) == (EventKind.CHANGE, [ACCOUNT])
    assert provider.event_sources() == (source,)  # one client for all polls


def test_a_message_is_hidden_until_it_is_acknowledged_or_its_time_is_over(
    source: EventSource, emulator: AzureEmulator, clock: Any
) -> None:
    emulator.queue.put("{}")
    [first] = source.receive(0)
    assert source.receive(0) == []
    clock.advance(timedelta(seconds=121))
    [again] = source.receive(0)
    assert (again.id, again.receipt == first.receipt) == (first.id, False)
    # Who took it first is too late: it stays with who has it now, and is no error.
    source.acknowledge(first)
    assert emulator.queue.waiting() == 1
    source.acknowledge(again)
    assert emulator.queue.waiting() == 0
    source.acknowledge(again)


def test_an_empty_queue_is_asked_again_until_the_wait_is_over(
    source: EventSource, emulator: AzureEmulator, naps: list[float]
) -> None:
    assert source.receive(5) == []
    assert naps == [0.5, 1.0, 2.0, 1.5]
    emulator.queue.put("{}")
    naps.clear()
    assert len(source.receive(5)) == 1
    assert naps == []


def test_more_than_a_page_comes_in_pages(source: EventSource, emulator: AzureEmulator) -> None:
    for number in range(40):
        emulator.queue.put(json.dumps({"n": number}))
    assert [len(source.receive(0)) for _ in range(3)] == [32, 8, 0]


@pytest.mark.parametrize(
    ("kind", "error", "code"),
    [
        (FaultKind.DENIED, Denied, "AuthorizationPermissionMismatch"),
        (FaultKind.EXPIRED, Expired, "InvalidAuthenticationInfo"),
        (FaultKind.SKEWED, Expired, "AuthenticationFailed"),
        (FaultKind.THROTTLED, (Throttled, Unavailable), "ServerBusy"),
        (FaultKind.ERROR, Unavailable, "InternalError"),
    ],
)
def test_what_the_queue_refuses_is_told(
    source: EventSource, emulator: AzureEmulator, kind: FaultKind, error: type[ProviderError], code: str
) -> None:
    emulator.faults.add(Fault(kind=kind, service="queue"))
    with pytest.raises(error) as caught:
        source.receive(0)
    assert caught.value.code == code
    assert "Taking messages from queue:watchstander" in caught.value.message
    assert ("clock is 3:00:00 behind Azure's" in caught.value.message) is (kind is FaultKind.SKEWED)
    if kind is FaultKind.DENIED:
        assert str(caught.value.permission).endswith("messages/process/action")


def test_a_queue_that_is_not_there_is_told(make: Make, emulator: AzureEmulator) -> None:
    [source] = make(events={"queue_url": f"{emulator.endpoint}/queues/other"}).event_sources()
    with pytest.raises(Unavailable, match="QueueNotFound"):
        source.receive(0)


@pytest.mark.parametrize(
    "url",
    [
        "http://account.queue.core.windows.net/events",
        "https://account.queue.core.windows.net",
        "https://account.queue.core.windows.net/",
        "https://account.queue.core.windows.net/events?sv=1&sig=secret",
        "events",
    ],
)
def test_what_is_no_queues_address_is_refused(url: str, clock: Any) -> None:
    settings = AzureSettings.model_validate({"events": {"queue_url": url}})
    with pytest.raises(Refused, match="not the address of a storage queue") as caught:
        StorageQueue(
            settings,
            object(),  # type: ignore[arg-type]
            budgets=CallBudgets(settings.budget),
            clock=clock,
            sleep=lambda _s: None,
        )
    assert "secret" not in str(caught.value)


@given(st.text(min_size=1, max_size=60))
def test_text_comes_as_it_was_put(text: str) -> None:
    body = json.dumps({"text": text}, ensure_ascii=False)
    assert text_of(base64.b64encode(body.encode()).decode()) == body
    assert text_of(body) == body


@pytest.mark.parametrize("text", ["", "not json", "a===", base64.b64encode(b"\xff\xfe").decode()])
def test_what_is_neither_stays_as_it_came(text: str) -> None:
    assert text_of(text) == text


class Remembered:
    """The events taken, in memory."""

    def __init__(self) -> None:
        self.ids: set[str] = set()
        self.buried: list[str] = []

    def taken(self, event_id: str) -> bool:
        return event_id in self.ids

    def take(self, event: Event, at: datetime) -> None:
        assert at.tzinfo
        self.ids.add(event.id)

    def bury(self, message: Message, cause: str, at: datetime) -> None:
        assert at.tzinfo
        assert cause
        self.buried.append(message.body)


def test_the_intake_deals_with_each_event_once_and_with_poison_too(
    provider: AzureProvider, source: EventSource, emulator: AzureEmulator, clock: Any
) -> None:
    store, seen, failing = Remembered(), [], [True]

    def change(event: Event) -> None:
        if failing[0]:
            raise Throttled("not now")
        seen.append(event)

    def finding(_event: Event) -> int:
        return 0

    handlers = Handlers(change=change, finding=finding)
    providers: Mapping[str, Any] = {"azure": provider}
    intake = Intake(providers, store, handlers, clock, Metrics())
    emulator.store.patch(ACCOUNT, {"tags": {"a": "b"}})
    emulator.queue.put("poison")
    emulator.queue.put(base64.b64encode(b"[]").decode())
    # The change fails for a passing reason and stays; what nobody can read is kept aside and taken off the queue.
    assert intake.poll(source, 0) == 2
    assert (store.buried, emulator.queue.waiting()) == (["poison", "[]"], 1)
    failing[0] = False
    assert intake.poll(source, 0) == 0  # hidden
    clock.advance(timedelta(minutes=3))
    again = source.receive(0)  # taken by somebody who dies
    clock.advance(timedelta(minutes=3))
    assert intake.poll(source, 0) == 1
    assert (len(seen), emulator.queue.waiting()) == (1, 0)
    assert intake.handle(again[0]) == (Result.REPEATED,)
    assert len(seen) == 1


def test_what_takes_messages_is_a_role_of_its_own() -> None:
    """Azure refuses a custom role with data actions at a management group."""
    with_queue = AzureSettings.model_validate({"events": {"queue_url": "https://a.queue.core.windows.net/q"}})
    assert as_role(with_queue, contain=False).documents[0]["DataActions"] == []
    told = as_role(with_queue, contain=False).notes[-1]
    assert "Storage Queue Data Message Processor" in told
    assert "https://a.queue.core.windows.net/q" in told
    assert not any("queue" in note for note in as_role(AzureSettings(), contain=False).notes)
    assert not any("queue" in note for note in as_role(with_queue, contain=True).notes)
