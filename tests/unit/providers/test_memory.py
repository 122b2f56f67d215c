"""The in-memory twin keeps the promises of a provider."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from providers.errors import Conflict, Denied, Gone, Refused, Throttled, TimedOut
from providers.memory.documents import TYPES
from providers.memory.estate import Estate
from providers.memory.provider import SET_FIELD, MemoryProvider
from providers.memory.queue import message
from providers.normalise import canonical, encode
from providers.provider import Action, Event, EventKind, Provider, Selection
from providers.resource import Coverage, CoverageStatus, Resource, Scope


@pytest.fixture
def provider() -> MemoryProvider:
    """A hundred resources in twenty scopes, which are two accounts."""
    return MemoryProvider(Estate(resources=100, scopes=20))


def read(provider: MemoryProvider, scope: Scope) -> tuple[list[Resource], Coverage]:
    reading = provider.read(scope)
    return list(reading), reading.coverage


def test_it_is_a_provider(provider: MemoryProvider) -> None:
    assert isinstance(provider, Provider)


def test_each_resource_is_in_one_scope_and_the_same_every_time(provider: MemoryProvider) -> None:
    scopes = provider.discover(Selection()).scopes
    assert len({s.account for s in scopes}) == 2
    seen = [r for scope in scopes for r in read(provider, scope)[0]]
    assert len({r.uid for r in seen}) == len(seen) == 100
    assert seen == [r for scope in scopes for r in read(provider, scope)[0]]
    for resource in seen:
        assert canonical(resource.document) == resource.document
        assert 2_800 < len(encode(resource.document)) < 3_800
        assert provider.reread(resource.ref) == resource


def test_selection_narrows(provider: MemoryProvider) -> None:
    def chosen(**facets: frozenset[str]) -> int:
        return len(provider.discover(Selection(**facets)).scopes)

    assert chosen(types=frozenset({"memory.m*"})) == 4
    assert chosen(types=frozenset({TYPES[0]}), regions=frozenset({"north-1"})) == 2
    assert chosen(accounts=frozenset({"100000000001"})) == 10
    assert chosen(providers=frozenset({"aws"})) == 0


def test_an_estate_can_be_changed(provider: MemoryProvider) -> None:
    estate = provider.estate
    uid, ref = estate.uid(0), estate.generated(0).ref
    estate.change(uid, {"Encrypted": "x", "Tags": [{"Key": "Team", "Value": "red"}]})
    assert provider.reread(ref).document["Encrypted"] == "x"
    assert provider.reread(ref).tags == {"Team": "red"}
    estate.delete(uid)
    with pytest.raises(Gone):
        provider.reread(ref)
    estate.restore(uid)
    estate.unread(uid, {"Logging": "denied"})
    assert "Logging" not in provider.reread(ref).document
    assert provider.reread(ref).unread == {"Logging": "denied"}
    added = estate.add(Scope("memory", "3", "moon", "memory.bucket"), "b", {"Size": 1})
    assert added.uid in {r.uid for s in provider.discover(Selection()).scopes for r in read(provider, s)[0]}
    assert provider.reread(added.ref).document["Size"] == 1


@pytest.mark.parametrize(
    ("error", "after", "status"),
    [
        (Denied("no", permission="x"), 0, CoverageStatus.DENIED),
        (Throttled("slow"), 0, CoverageStatus.THROTTLED),
        (TimedOut("late"), 3, CoverageStatus.PARTIAL),
        (TimedOut("late"), 0, CoverageStatus.TIMED_OUT),
    ],
)
def test_faults_end_a_reading_and_are_its_coverage(
    provider: MemoryProvider, error: Denied, after: int, status: CoverageStatus
) -> None:
    scope = provider.estate.scope(0)
    provider.estate.fail(scope, error, after=after)
    resources, coverage = read(provider, scope)
    assert (len(resources), coverage.status, coverage.cause) == (after, status, error.message)
    assert coverage.permission == error.permission
    with pytest.raises(type(error)):
        provider.reread(provider.estate.generated(0).ref)
    provider.estate.mend()
    assert read(provider, scope)[1].complete


def test_a_refused_account_keeps_no_other_from_being_read(provider: MemoryProvider) -> None:
    provider.estate.refuse_account("100000000000", Denied("no role"))
    found = provider.discover(Selection())
    assert len(found.scopes) == 10
    assert [c.scope for c in found.unread] == [Scope("memory", "100000000000", "*", "*")]


def test_acts_are_done_once_and_undone(provider: MemoryProvider) -> None:
    ref = provider.estate.generated(0).ref
    action = Action(kind=SET_FIELD, target=ref, parameters={"field": "Public", "value": "shut"})
    receipt = provider.act(action)
    assert (receipt.changed, receipt.before["value"], receipt.request_id) == (True, True, "mem-1")
    assert provider.act(action).changed is False
    assert len(provider.acts) == 1
    assert provider.undo(receipt).changed
    assert provider.observe(action)["value"] is True
    with pytest.raises(Conflict):
        provider.undo(receipt)
    with pytest.raises(Refused):
        provider.act(Action(kind="other", target=ref))


def test_messages_come_until_they_are_acknowledged(provider: MemoryProvider) -> None:
    event = Event(
        id="e1",
        kind=EventKind.CHANGE,
        provider="memory",
        type="Changed",
        title="t",
        account="100000000000",
        region="north-1",
        occurred_at=datetime(2026, 1, 1, tzinfo=UTC),
        refs=(provider.estate.generated(0).ref,),
    )
    provider.queue.put(message(event))
    (source,) = provider.event_sources()
    (first,) = source.receive(0)
    (second,) = source.receive(0)
    assert first == second
    assert provider.parse_event(json.loads(first.body)) == event
    source.acknowledge(first)
    assert source.receive(0) == []
    assert provider.parse_event({"source": "aws.guardduty"}) is None
    with pytest.raises(ValueError, match="memory event"):
        provider.parse_event({"source": "watchstander.memory", "id": "x"})


def test_the_terraform_view(provider: MemoryProvider) -> None:
    resource = provider.estate.generated(0)
    view = provider.terraform(resource)
    assert view is not None
    assert view.type in provider.terraform_types()
    assert view.attributes["name"] == resource.name
    provider.estate.unread(resource.uid, {"Logging": "denied"})
    unread = provider.terraform(provider.reread(resource.ref))
    assert unread is not None
    assert unread.unread == {"logging": "denied"}
