"""Who did it, by the audit logs, through Cloud Logging's REST interface."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from providers.errors import Denied
from providers.gcp.provider import GcpProvider
from providers.provider import Event, Selection
from providers.sandbox.faults import Fault, FaultKind
from providers.sandbox.gcp import GcpEmulator

MINUTE = timedelta(minutes=1)
LOG = 'log_id("cloudaudit.googleapis.com/activity")'


def test_the_audit_log_names_who_and_from_where(
    emulator: GcpEmulator, connect: Callable[..., GcpProvider], clock: Any
) -> None:
    provider = connect(emulator, types=("storage.googleapis.com/Bucket",))
    bucket = next(r for s in provider.discover(Selection()).scopes for r in provider.read(s))
    name, project = bucket.uid.rpartition("/")[2], bucket.ref.account
    since = clock.now - 20 * MINUTE
    until = clock.now

    def record(who: str | None, at: Any, named: str = name, **more: Any) -> None:
        emulator.audit_log.record(
            f"projects/{project}",
            at,
            {
                "serviceName": "storage.googleapis.com",
                "methodName": "storage.setIamPermissions",
                "resourceName": f"projects/_/buckets/{named}",
                "authenticationInfo": {"principalEmail": who} if who else {},
            },
            resource={"type": "gcs_bucket", "labels": {"project_id": project, "bucket_name": named}},
            **more,
        )

    record("eve@example.org", since + 3 * MINUTE, operation={"id": "operation-7"})
    record("early@example.org", since)
    record("late@example.org", until + MINUTE)
    record("other@example.org", since + 4 * MINUTE, f"{name}-too")
    (deed,) = provider.deeds(bucket.ref, since, until)
    assert (deed.actor, deed.operation) == ("eve@example.org", "storage.setIamPermissions")
    assert deed.at == since + 3 * MINUTE
    assert (deed.request_id, deed.source_ip, deed.user_agent) == ("operation-7", "198.51.100.7", "gcloud/500")
    for n in range(1_100):
        record(f"u{n}@example.org", since + 5 * MINUTE + timedelta(milliseconds=n))
    assert len(list(provider.deeds(bucket.ref, since, until))) == 1_101
    emulator.faults.add(Fault(kind=FaultKind.DENIED, service="logging"))
    with pytest.raises(Denied):
        list(provider.deeds(bucket.ref, since, until))


def test_whatever_the_sandbox_changes_it_says_who_did(
    emulator: GcpEmulator, connect: Callable[..., GcpProvider], clock: Any
) -> None:
    """A change through each service's own REST API is a deed upon the resource as the inventory names it."""
    provider = connect(emulator, parents=("projects/harbour-dev",))
    inventory = {r.uid: r.ref for s in provider.discover(Selection()).scopes for r in provider.read(s)}
    since = emulator.store.clock() - MINUTE

    def first(part: str) -> str:
        return next(uid for uid in sorted(inventory) if part in uid and uid.count("/") >= 3)

    bucket = "//storage.googleapis.com/harbour-dev-exports"
    account = next(u for u in sorted(inventory) if "/serviceAccounts/" in u and "/keys/" not in u)
    key = next(
        u
        for u in sorted(inventory)
        if "/keys/" in u and emulator.store.data(u).get("keyType") == "USER_MANAGED"
    )
    crypto, database = first("/cryptoKeys/"), first("cloudsql.googleapis.com")
    firewall = first("/firewalls/")
    calls = {
        bucket: ("PATCH", "storage", "/storage/v1/b/harbour-dev-exports", "storage.buckets.update"),
        account: ("POST", "iam", f"{_path(account)}:disable", "google.iam.admin.v1.DisableServiceAccount"),
        key: ("POST", "iam", f"{_path(key)}:disable", "google.iam.admin.v1.DisableServiceAccountKey"),
        crypto: ("PATCH", "cloudkms", _path(crypto), "UpdateCryptoKey"),
        database: ("PATCH", "sqladmin", _path(database), "cloudsql.instances.update"),
        firewall: ("PATCH", "compute", f"/compute{_path(firewall)}", "v1.compute.firewalls.patch"),
    }
    for method, service, path, _ in calls.values():
        provider._session.rest(method, service, path, body={"labels": {"seen": "later"}})
    until = emulator.store.clock() + MINUTE
    told = {uid: [d.operation for d in provider.deeds(inventory[uid], since, until)] for uid in calls}
    assert told == {uid: [operation] for uid, (*_, operation) in calls.items()}
    policy = {"policy": {"bindings": [{"role": "roles/viewer", "members": ["user:a@example.org"]}]}}
    provider._session.rest("PUT", "storage", "/storage/v1/b/harbour-dev-exports/iam", body=policy)
    assert [d.operation for d in provider.deeds(inventory[bucket], since, until)] == [
        "storage.buckets.update",
        "storage.setIamPermissions",
    ]


@pytest.mark.parametrize("between", [False, True], ids=["the folder is a parent", "the folder lies in one"])
def test_a_change_of_a_project_or_what_is_above_meets_the_inventorys_resource(
    emulator: GcpEmulator, connect: Callable[..., GcpProvider], between: bool
) -> None:
    """An entry names a project by its id, its asset by its number; a folder's entry is in the folder's own log."""
    organization, folder = "organizations/500500500500", "folders/600600600600"
    kinds = [f"cloudresourcemanager.googleapis.com/{kind}" for kind in ("Project", "Folder", "Organization")]
    parents = (organization,) if between else (organization, folder)
    provider = connect(emulator, parents=parents, types=tuple(kinds))
    inventory = {r.uid: r.ref for s in provider.discover(Selection()).scopes for r in provider.read(s)}
    since = emulator.store.clock() - MINUTE
    policy = {"policy": {"bindings": [{"role": "roles/viewer", "members": ["user:a@example.org"]}]}}
    for path, named in (
        ("/v1/projects/harbour-dev", "projects/700200200200"),
        (f"/v3/{folder}", folder),
        (f"/v3/{organization}", organization),
    ):
        ref = inventory[f"//cloudresourcemanager.googleapis.com/{named}"]
        provider._session.rest("POST", "cloudresourcemanager", f"{path}:setIamPolicy", body=policy)
        (deed,) = connect(emulator, parents=parents).deeds(ref, since, emulator.store.clock() + MINUTE)
        assert deed.operation == "SetIamPolicy"
        (entry,) = emulator.audit_log.list({"resourceNames": [path[4:]], "filter": LOG})["entries"]
        event = connect(emulator, parents=parents).parse_event(entry)
        assert isinstance(event, Event)
        assert event.actor == deed.actor
        assert event.refs == (ref,)
        assert provider.reread(ref).ref == ref


def _path(uid: str) -> str:
    """Where the REST API of a resource is."""
    return f"/v1/{uid.removeprefix('//').partition('/')[2]}"
