"""Changing Azure: read before written, verified after, undone only if nobody else has moved."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from providers.azure.names import parse, ref_of
from providers.azure.provider import AzureProvider
from providers.errors import Conflict, Denied, Gone, Refused, TimedOut, Unavailable
from providers.provider import Action, Remembered
from providers.sandbox.azure import AzureEmulator
from providers.sandbox.azure.estate import PRODUCTION
from providers.sandbox.faults import Fault, FaultKind

Make = Callable[..., AzureProvider]
DATA = f"/subscriptions/{PRODUCTION}/resourceGroups/rg-prod-data/providers"
PUBLIC = f"{DATA}/Microsoft.Storage/storageAccounts/stprodpublic"
VAULT = f"{DATA}/Microsoft.KeyVault/vaults/kv-prod-good"


def action(kind: str, target: str = PUBLIC, **parameters: Any) -> Action:
    return Action(kind=f"azure.{kind}", target=ref_of(parse(target)), parameters=parameters)


CLOSE = action("disable_storage_public_access")
TAG = action("apply_tag", name="Quarantine", value="2025-06-01")


def writes(emulator: AzureEmulator) -> list[str]:
    return [
        method
        for method, path in emulator.calls
        if method not in ("GET", "HEAD") and "ResourceGraph" not in path
    ]


def public(emulator: AzureEmulator) -> Any:
    return emulator.store.get(PUBLIC)["properties"].get("allowBlobPublicAccess")


def test_an_account_is_closed_and_opened_again(provider: AzureProvider, emulator: AzureEmulator) -> None:
    assert provider.observe(CLOSE) == {"allowBlobPublicAccess": True}
    receipt = provider.act(CLOSE)
    assert (receipt.changed, receipt.before, receipt.after) == (
        True,
        {"allowBlobPublicAccess": True},
        {"allowBlobPublicAccess": False},
    )
    assert receipt.request_id
    assert public(emulator) is False
    undone = provider.undo(receipt)
    assert undone.changed
    assert public(emulator) is True


def test_only_what_is_named_is_changed(provider: AzureProvider, emulator: AzureEmulator) -> None:
    before = emulator.store.get(PUBLIC)
    provider.act(CLOSE)
    after = emulator.store.get(PUBLIC)
    assert after.pop("properties") | {"allowBlobPublicAccess": True} == before.pop("properties")
    assert after == before


def test_what_is_already_so_is_not_written(provider: AzureProvider, emulator: AzureEmulator) -> None:
    provider.act(CLOSE)
    emulator.calls.clear()
    assert not provider.act(CLOSE).changed
    assert writes(emulator) == []


def test_an_old_account_without_the_property_is_open(
    provider: AzureProvider, emulator: AzureEmulator
) -> None:
    document = emulator.store.get(PUBLIC)
    del document["properties"]["allowBlobPublicAccess"]
    emulator.store.put(PUBLIC, document)
    assert provider.observe(CLOSE) == {"allowBlobPublicAccess": True}
    receipt = provider.act(CLOSE)
    assert provider.undo(receipt).after == {"allowBlobPublicAccess": True}


@pytest.mark.parametrize(
    "target", [PUBLIC, VAULT, f"/subscriptions/{PRODUCTION}/resourceGroups/rg-prod-data"]
)
def test_a_tag_is_set_beside_the_others_and_taken_away(
    provider: AzureProvider, emulator: AzureEmulator, target: str
) -> None:
    tag = action("apply_tag", target, name="Quarantine", value="yes")
    before = emulator.store.get(target)["tags"]
    receipt = provider.act(tag)
    assert emulator.store.get(target)["tags"] == {**before, "Quarantine": "yes"}
    assert provider.undo(receipt).changed
    assert emulator.store.get(target)["tags"] == before


def test_a_tag_that_was_there_gets_its_value_back(provider: AzureProvider, emulator: AzureEmulator) -> None:
    receipt = provider.act(action("apply_tag", name="OWNER", value="security"))
    assert receipt.before == {"name": "OWNER", "value": "platform"}
    assert emulator.store.get(PUBLIC)["tags"]["owner"] == "security"
    provider.undo(receipt)
    assert emulator.store.get(PUBLIC)["tags"] == {"environment": "prod", "owner": "platform"}


def test_undo_refuses_when_the_target_has_moved_on(provider: AzureProvider, emulator: AzureEmulator) -> None:
    receipt = provider.act(TAG)
    emulator.store.patch(PUBLIC, {"tags": {"Quarantine": "someone else's"}})
    with pytest.raises(Conflict, match="moved on"):
        provider.undo(receipt)
    assert emulator.store.get(PUBLIC)["tags"] == {"Quarantine": "someone else's"}


def test_undo_twice_is_undo_once(provider: AzureProvider, emulator: AzureEmulator) -> None:
    receipt = provider.act(CLOSE)
    provider.undo(receipt)
    emulator.calls.clear()
    assert not provider.undo(receipt).changed
    assert writes(emulator) == []


@pytest.mark.parametrize(
    "wrong",
    [
        action("delete_everything"),
        action("disable_storage_public_access", VAULT),
        action("disable_storage_public_access", PUBLIC, force=True),
        action("apply_tag"),
        action("apply_tag", name="", value="x"),
        action("apply_tag", name="a<b", value="x"),
        action("apply_tag", name="a", value="x" * 257),
        action("apply_tag", name="a", value=None),
    ],
)
def test_what_makes_no_sense_is_refused_before_any_call(
    provider: AzureProvider, emulator: AzureEmulator, wrong: Action
) -> None:
    for attempt in (provider.observe, provider.act):
        with pytest.raises(Refused):
            attempt(wrong)
    assert not emulator.calls


def test_what_is_gone_is_gone(provider: AzureProvider, emulator: AzureEmulator) -> None:
    emulator.store.delete(PUBLIC)
    with pytest.raises(Gone):
        provider.act(CLOSE)


def test_a_denied_write_names_the_permission_and_changes_nothing(
    provider: AzureProvider, emulator: AzureEmulator
) -> None:
    emulator.faults.add(Fault(kind=FaultKind.DENIED, operation="PATCH"))
    with pytest.raises(Denied) as caught:
        provider.act(CLOSE)
    assert caught.value.permission == "Microsoft.Storage/storageAccounts/write".lower()
    assert public(emulator) is True


@pytest.mark.parametrize(
    ("kind", "error"),
    [(FaultKind.RESET, Unavailable), (FaultKind.TIMEOUT, TimedOut), (FaultKind.ERROR, Unavailable)],
)
def test_a_write_whose_answer_is_lost_is_not_sent_twice(
    make: Make, emulator: AzureEmulator, kind: FaultKind, error: type[Exception]
) -> None:
    # What it reads before it writes must be answered in time.
    provider = make(budget={"call_timeout": "1.5s"} if kind is FaultKind.TIMEOUT else {})
    emulator.faults.add(Fault(kind=kind, operation="PATCH", delay=3))
    with pytest.raises(error):
        provider.act(CLOSE)
    assert writes(emulator) == ["PATCH"]


def test_a_throttled_write_has_not_been_done_and_is_sent_again(
    provider: AzureProvider, emulator: AzureEmulator
) -> None:
    emulator.faults.add(Fault(kind=FaultKind.THROTTLED, operation="PATCH", times=1))
    assert provider.act(CLOSE).changed
    assert writes(emulator) == ["PATCH", "PATCH"]


def test_the_past_tells_each_state_and_who_left_it(
    provider: AzureProvider, emulator: AzureEmulator, clock: Any
) -> None:
    start = clock.now
    for _ in range(2):
        clock.advance(timedelta(hours=1))
        receipt = provider.act(CLOSE)
        clock.advance(timedelta(hours=1))
        provider.undo(receipt)
    [told_of] = provider.past([CLOSE.target], start - timedelta(days=60))
    versions = told_of.versions
    told = [
        (v.at, v.resource.document["properties"]["allowBlobPublicAccess"], v.actor)
        for v in versions
        if v.resource
    ]
    window = clock.now - timedelta(days=14)
    assert told == [
        (window, True, None),
        (start + timedelta(hours=1), False, "watchstander"),
        (start + timedelta(hours=2), True, "watchstander"),
        (start + timedelta(hours=3), False, "watchstander"),
        (start + timedelta(hours=4), True, "watchstander"),
    ]
    assert versions[-1].resource == provider.reread(CLOSE.target)


def test_the_past_begins_where_it_is_asked_to_and_ends_with_a_deletion(
    provider: AzureProvider, emulator: AzureEmulator, clock: Any
) -> None:
    clock.advance(timedelta(hours=1))
    provider.act(CLOSE)
    clock.advance(timedelta(hours=1))
    since = clock.now
    clock.advance(timedelta(hours=1))
    emulator.store.delete(PUBLIC)
    [told] = provider.past([CLOSE.target], since)
    assert [(v.at, v.resource, v.actor) for v in told.versions] == [(clock.now, None, "System")]
    clock.advance(timedelta(days=15))
    assert list(provider.past([CLOSE.target], since)) == [Remembered(ref=CLOSE.target)]


def test_a_resource_without_changes_has_no_past(provider: AzureProvider, clock: Any) -> None:
    vault = ref_of(parse(VAULT))
    assert list(provider.past([vault], clock.now - timedelta(days=3))) == [Remembered(ref=vault)]


def test_a_past_that_cannot_be_read_is_an_error(
    provider: AzureProvider, emulator: AzureEmulator, clock: Any
) -> None:
    emulator.faults.add(Fault(kind=FaultKind.DENIED, service="resourcegraph"))
    [told] = provider.past([CLOSE.target], clock.now - timedelta(days=3))
    assert isinstance(told.error, Denied)


def test_every_action_declares_what_it_needs(provider: AzureProvider) -> None:
    kinds = provider.action_kinds()
    assert set(kinds) == {"azure.apply_tag", "azure.disable_storage_public_access"}
    granted = provider.permissions(contain=True)["Actions"]
    for kind, declared in kinds.items():
        assert declared.kind == kind
        assert declared.undo
        assert all(p in granted or p.endswith("/read") for p in declared.permissions)
