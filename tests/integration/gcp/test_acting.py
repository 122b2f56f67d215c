"""Containment on the emulated Google Cloud: observe, act, undo, and every way it may not go ahead."""

from __future__ import annotations

from typing import Any

import pytest

from providers.errors import Conflict, Denied, Gone, ProviderError, Refused, Throttled
from providers.gcp.provider import GcpProvider
from providers.provider import Action
from providers.resource import ANY, ResourceRef, Scope
from providers.sandbox.faults import Fault, FaultKind
from providers.sandbox.gcp import GcpEmulator

DEV = Scope("gcp", "harbour-dev", ANY, ANY)


def ref_of(provider: GcpProvider, type_: str, **want: Any) -> ResourceRef:
    """The one resource of a type whose data has these values, or whose name ends so."""
    found = [
        r.ref
        for r in provider.read(Scope("gcp", "harbour-dev", ANY, type_))
        if all(r.document["resource"]["data"].get(k) == v for k, v in want.items())
    ]
    assert found, f"no {type_} with {want}"
    return min(found, key=lambda ref: ref.uid)


CASES = [
    (
        "gcp.disable_service_account_key",
        "iam.googleapis.com/ServiceAccountKey",
        {"keyType": "USER_MANAGED"},
        {},
        {"disabled": False},
        {"disabled": True},
    ),
    (
        "gcp.disable_service_account",
        "iam.googleapis.com/ServiceAccount",
        {"displayName": "ci-deployer"},
        {},
        {"disabled": False},
        {"disabled": True},
    ),
    (
        "gcp.enforce_bucket_public_access_prevention",
        "storage.googleapis.com/Bucket",
        {"name": "harbour-dev-exports"},
        {},
        {"publicAccessPrevention": "inherited"},
        {"publicAccessPrevention": "enforced"},
    ),
    (
        "gcp.disable_firewall",
        "compute.googleapis.com/Firewall",
        {"name": "allow-ssh-world"},
        {},
        {"disabled": False},
        {"disabled": True},
    ),
    (
        "gcp.set_labels",
        "compute.googleapis.com/Instance",
        {"name": "scratch"},
        {"labels": {"quarantine": "yes"}},
        {"labels": {"service": "scratch"}},
        {"labels": {"service": "scratch", "quarantine": "yes"}},
    ),
]


@pytest.mark.parametrize(("kind", "type_", "want", "parameters", "before", "after"), CASES)
def test_observe_act_act_again_undo(
    kind: str,
    type_: str,
    want: dict[str, Any],
    parameters: dict[str, Any],
    before: dict[str, Any],
    after: dict[str, Any],
    emulator: GcpEmulator,
    connect,
) -> None:
    provider = connect(emulator)
    target = ref_of(provider, type_, **want)
    was = provider.reread(target)
    action = Action(kind=kind, target=target, parameters=parameters)
    assert provider.observe(action) == before
    receipt = provider.act(action)
    assert (receipt.changed, receipt.before, receipt.after) == (True, before, after)
    assert provider.observe(action) == after
    # The write shows in Cloud Asset and in the re-read alike.
    listed = next(r for r in provider.read(DEV) if r.uid == target.uid)
    assert listed == provider.reread(target)
    assert listed != was

    writes = len([method for method, _ in emulator.calls if method != "GET"])
    again = provider.act(action)
    assert (again.changed, again.before) == (False, after)
    assert len([method for method, _ in emulator.calls if method != "GET"]) == writes

    undone = provider.undo(receipt)
    assert (undone.changed, undone.after) == (True, before)
    assert provider.reread(target) == was
    assert not provider.undo(receipt).changed


def test_every_action_is_tried_above(still: GcpEmulator, connect) -> None:
    kinds = connect(still).action_kinds()
    assert {case[0] for case in CASES} == set(kinds)
    for kind, type_, *_ in CASES:
        declared = kinds[kind]
        assert type_ in declared.target_types
        assert declared.permissions
        assert declared.undo


def test_an_undo_refuses_when_the_target_has_moved_on(emulator: GcpEmulator, connect) -> None:
    provider = connect(emulator)
    target = ref_of(provider, "compute.googleapis.com/Instance", name="scratch")
    receipt = provider.act(Action(kind="gcp.set_labels", target=target, parameters={"labels": {"a": "1"}}))
    emulator.store.change(target.uid, lambda data: data["labels"].update(b="2"))
    with pytest.raises(Conflict, match="not undone"):
        provider.undo(receipt)
    assert emulator.store.data(target.uid)["labels"]["b"] == "2"


def test_a_write_carries_its_precondition(emulator: GcpEmulator, connect) -> None:
    provider = connect(emulator)
    target = ref_of(provider, "storage.googleapis.com/Bucket", name="harbour-dev-exports")
    provider.act(Action(kind="gcp.enforce_bucket_public_access_prevention", target=target))
    patches = [path for method, path in emulator.calls if method == "PATCH"]
    assert patches == ["/storage/v1/b/harbour-dev-exports?ifMetagenerationMatch=1"]


def test_a_change_between_look_and_write_is_a_conflict(emulator: GcpEmulator, connect) -> None:
    """The slow answer to the look leaves time for somebody else's write."""
    provider = connect(emulator)
    target = ref_of(provider, "storage.googleapis.com/Bucket", name="harbour-dev-exports")
    url = "/storage/v1/b/harbour-dev-exports"
    with pytest.raises(Conflict) as caught:
        provider._session.rest(
            "PATCH", "storage", url, query={"ifMetagenerationMatch": "99"}, body={"labels": {"x": "y"}}
        )
    assert caught.value.code == "FAILED_PRECONDITION"
    with pytest.raises(Conflict):
        provider._session.rest(
            "POST",
            "compute",
            "/compute/v1/projects/harbour-dev/zones/us-central1-a/instances/scratch/setLabels",
            body={"labels": {}, "labelFingerprint": "stale"},
        )
    assert emulator.store.data(target.uid).get("labels") is None


@pytest.mark.parametrize(("kind", "error"), [(FaultKind.DENIED, Denied), (FaultKind.THROTTLED, Throttled)])
def test_a_write_that_fails_changes_nothing_and_is_not_repeated(
    kind: FaultKind, error: type[ProviderError], emulator: GcpEmulator, connect
) -> None:
    provider = connect(emulator)
    target = ref_of(provider, "iam.googleapis.com/ServiceAccountKey", keyType="USER_MANAGED")
    emulator.faults.add(Fault(kind=kind, service="iam", operation="POST"))
    with pytest.raises(error):
        provider.act(Action(kind="gcp.disable_service_account_key", target=target))
    assert len([path for _, path in emulator.calls if path.endswith(":disable")]) == 1
    assert not emulator.store.data(target.uid).get("disabled")


def test_what_is_refused(emulator: GcpEmulator, connect) -> None:
    provider = connect(emulator)
    bucket = ref_of(provider, "storage.googleapis.com/Bucket")
    with pytest.raises(Refused, match=r"no action 'gcp\.delete_bucket'"):
        provider.act(Action(kind="gcp.delete_bucket", target=bucket))
    with pytest.raises(Refused, match="not for storage"):
        provider.act(Action(kind="gcp.disable_service_account", target=bucket))
    instance = ref_of(provider, "compute.googleapis.com/Instance")
    with pytest.raises(Refused, match="labels"):
        provider.act(Action(kind="gcp.set_labels", target=instance))
    system = ref_of(provider, "iam.googleapis.com/ServiceAccountKey", keyType="SYSTEM_MANAGED")
    with pytest.raises(Conflict, match="System managed"):
        provider.act(Action(kind="gcp.disable_service_account_key", target=system))
    aws = ResourceRef(provider="aws", account="1", region="r", type="aws.s3_bucket", uid="arn:aws:s3:::b")
    with pytest.raises(Refused):
        provider.reread(aws)


def test_a_target_that_is_gone(emulator: GcpEmulator, connect) -> None:
    provider = connect(emulator)
    target = ref_of(provider, "storage.googleapis.com/Bucket")
    emulator.store.delete(target.uid)
    with pytest.raises(Gone):
        provider.observe(Action(kind="gcp.enforce_bucket_public_access_prevention", target=target))


def test_a_key_named_by_e_mail_is_the_key_the_inventory_knows(emulator: GcpEmulator, connect) -> None:
    """Findings and logs name accounts by address, Cloud Asset by unique id: both act on and re-read as one."""
    provider = connect(emulator)
    known = ref_of(provider, "iam.googleapis.com/ServiceAccountKey", keyType="USER_MANAGED")
    name = provider.reread(known).document["resource"]["data"]["name"]
    by_address = ResourceRef(
        provider="gcp",
        account="harbour-dev",
        region="global",
        type=known.type,
        uid=f"//iam.googleapis.com/{name}",
    )
    assert "@" in by_address.uid
    assert provider.reread(by_address).ref == known
    assert provider.act(Action(kind="gcp.disable_service_account_key", target=by_address)).changed
    assert emulator.store.data(known.uid)["disabled"]
