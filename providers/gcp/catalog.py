"""The asset types we can read again from their own service, one frozen value each.

Cloud Asset lists every type there is without a line here. A type is declared so that it can be re-read by a strongly
consistent GET in the *same* form as Cloud Asset gives it; where the two differ (an empty ``logging: {}`` against no
``logging``, a number against a string) both are brought to one form, or each re-read would look like drift.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from providers.gcp import names

Data = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class IamCall:
    """How a service tells a resource's IAM policy, or its organisation policies."""

    method: str
    path: str
    permission: str
    query: tuple[tuple[str, str], ...] = ()
    body: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetType:
    """One type: where it is read again and how its two forms are brought to one."""

    type: str
    service: str
    """The REST API: ``compute`` is at ``compute.googleapis.com``."""
    get: str
    """The URL path of its GET; ``{path}`` is the full name without its host."""
    permission: str
    """What the GET needs."""
    iam: IamCall | None = None
    """None: the type has no IAM policy of its own."""
    constraints: IamCall | None = None
    """How its organisation policies are listed; None: it has none."""
    volatile: frozenset[str] = frozenset()
    """Keys, at any depth, that change without anyone changing the resource."""
    texts: frozenset[str] = frozenset()
    """64-bit numbers: the REST API writes them as text, Cloud Asset sometimes as numbers; text here."""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """Dotted path -> what the service means when it says nothing."""
    location: Callable[[str, Mapping[str, Any]], str] = lambda name, _: names.location_in(name)
    """Full name and data -> region."""
    uid: Callable[[str, Mapping[str, Any]], str] = lambda name, _: name
    """Full name asked for and data answered -> the full name Cloud Asset uses."""


def _v3_get(path: str, permission: str) -> IamCall:
    return IamCall(
        method="GET", path=path, permission=permission, query=(("options.requestedPolicyVersion", "3"),)
    )


def _compute_uid(name: str, data: Mapping[str, Any]) -> str:
    link = data.get("selfLink")
    return names.from_link(link) if isinstance(link, str) else name


def _compute(type_: str, collection: str, *, iam: bool = False, **more: Any) -> AssetType:
    return AssetType(
        type=f"compute.googleapis.com/{type_}",
        service="compute",
        get="/compute/v1/{path}",
        permission=f"compute.{collection}.get",
        iam=IamCall(
            method="GET",
            path="/compute/v1/{path}/getIamPolicy",
            permission=f"compute.{collection}.getIamPolicy",
            query=(("optionsRequestedPolicyVersion", "3"),),
        )
        if iam
        else None,
        uid=_compute_uid,
        **more,
    )


def _account_uid(name: str, data: Mapping[str, Any]) -> str:
    """Cloud Asset names service accounts by their unique id, everyone else by their e-mail address."""
    unique = data.get("uniqueId")
    return (
        f"{name.rpartition('/')[0]}/{unique}" if isinstance(unique, str) and "@" in names.last(name) else name
    )


_TYPES = (
    AssetType(
        type="storage.googleapis.com/Bucket",
        service="storage",
        get="/storage/v1/b/{path}",
        permission="storage.buckets.get",
        iam=IamCall(
            method="GET",
            path="/storage/v1/b/{path}/iam",
            permission="storage.buckets.getIamPolicy",
            query=(("optionsRequestedPolicyVersion", "3"),),
        ),
        # A bucket's ACL is mirrored by the legacy roles of its IAM policy; Cloud Asset often leaves the lists empty.
        volatile=frozenset(
            {
                "metageneration",
                "generation",
                "updated",
                "acl",
                "defaultObjectAcl",
                "owner",
                "bucketPolicyOnly",
            }
        ),
        texts=frozenset({"projectNumber", "retentionPeriod", "retentionDurationSeconds"}),
        defaults={
            "iamConfiguration.uniformBucketLevelAccess.enabled": False,
            "iamConfiguration.publicAccessPrevention": "inherited",
            "versioning.enabled": False,
        },
        location=lambda _, data: str(data.get("location") or "global").lower(),
    ),
    _compute(
        "Instance",
        "instances",
        iam=True,
        volatile=frozenset(
            {"lastStartTimestamp", "lastStopTimestamp", "lastSuspendedTimestamp", "cpuPlatform"}
        ),
        defaults={"canIpForward": False, "deletionProtection": False},
    ),
    _compute("Disk", "disks", iam=True, volatile=frozenset({"lastAttachTimestamp", "lastDetachTimestamp"})),
    _compute("Firewall", "firewalls", defaults={"disabled": False, "logConfig.enable": False}),
    _compute("Network", "networks"),
    _compute(
        "Subnetwork",
        "subnetworks",
        iam=True,
        defaults={"privateIpGoogleAccess": False},
    ),
    _compute("Image", "images", iam=True),
    _compute("Snapshot", "snapshots", iam=True),
    AssetType(
        type="iam.googleapis.com/ServiceAccount",
        service="iam",
        get="/v1/{path}",
        permission="iam.serviceAccounts.get",
        iam=IamCall(
            method="POST",
            path="/v1/{path}:getIamPolicy",
            permission="iam.serviceAccounts.getIamPolicy",
            query=(("options.requestedPolicyVersion", "3"),),
        ),
        defaults={"disabled": False},
        uid=_account_uid,
    ),
    AssetType(
        type="iam.googleapis.com/ServiceAccountKey",
        service="iam",
        get="/v1/{path}",
        permission="iam.serviceAccountKeys.get",
        defaults={"disabled": False},
        volatile=frozenset({"publicKeyData", "privateKeyData", "privateKeyType"}),
    ),
    AssetType(
        type="cloudkms.googleapis.com/CryptoKey",
        service="cloudkms",
        get="/v1/{path}",
        permission="cloudkms.cryptoKeys.get",
        iam=_v3_get("/v1/{path}:getIamPolicy", "cloudkms.cryptoKeys.getIamPolicy"),
    ),
    AssetType(
        type="sqladmin.googleapis.com/Instance",
        service="sqladmin",
        get="/v1/{path}",
        permission="cloudsql.instances.get",
        volatile=frozenset({"settingsVersion", "currentDiskSize"}),
        defaults={
            "settings.ipConfiguration.ipv4Enabled": False,
            "settings.ipConfiguration.requireSsl": False,
            "settings.backupConfiguration.enabled": False,
        },
        location=lambda _, data: str(data.get("region") or "global").lower(),
    ),
    AssetType(
        type="cloudresourcemanager.googleapis.com/Project",
        service="cloudresourcemanager",
        get="/v1/{path}",
        permission="resourcemanager.projects.get",
        iam=IamCall(
            method="POST",
            path="/v1/{path}:getIamPolicy",
            permission="resourcemanager.projects.getIamPolicy",
            body={"options": {"requestedPolicyVersion": 3}},
        ),
        constraints=IamCall(
            method="POST", path="/v1/{path}:listOrgPolicies", permission="orgpolicy.policy.get"
        ),
        texts=frozenset({"projectNumber"}),
        uid=lambda name, data: (
            f"//cloudresourcemanager.googleapis.com/projects/{data['projectNumber']}"
            if data.get("projectNumber")
            else name
        ),
    ),
)

TYPES: Final[Mapping[str, AssetType]] = MappingProxyType({t.type: t for t in _TYPES})
"""Asset type -> its declaration."""

ORGANIZATION_TYPES: Final = (
    "cloudresourcemanager.googleapis.com/Organization",
    "cloudresourcemanager.googleapis.com/Folder",
    "cloudresourcemanager.googleapis.com/TagKey",
    "cloudresourcemanager.googleapis.com/TagValue",
    "iam.googleapis.com/Role",
    "logging.googleapis.com/LogSink",
    "logging.googleapis.com/LogBucket",
    "accesscontextmanager.googleapis.com/AccessPolicy",
    "accesscontextmanager.googleapis.com/AccessLevel",
    "accesscontextmanager.googleapis.com/ServicePerimeter",
)
"""What lives in an organisation or folder itself rather than in a project; each is a scope of its own."""
