"""Azure's resource ids: taking them apart, comparing them, naming what they name.

An id is ``/subscriptions/S[/resourceGroups/G][/providers/NS/type/name[/type/name…]]…`` and compares without case; a
resource's ``uid`` is its id in lower case. A resource may be an *extension* of another (a lock, a role assignment): then
the last ``/providers/`` names it and what stands before names the other.

Above the subscriptions are management groups and the tenant. What is attached to a group begins with
``/providers/Microsoft.Management/managementGroups/G`` and has ``managementgroups/g`` for its account. What is assigned at the
root of a tenant begins with ``/providers/`` alone and does not say whose it is; its account is ``tenants/T``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from providers.resource import ANY, GLOBAL, ResourceRef

PROVIDER = "azure"
SUBSCRIPTION = "microsoft.resources/subscriptions"
GROUP = "microsoft.resources/subscriptions/resourcegroups"
ROLE_ASSIGNMENT = "microsoft.authorization/roleassignments"
MANAGEMENT_GROUP = "microsoft.management/managementgroups"
_GROUPS = "managementgroups/"
_TENANTS = "tenants/"


def group_account(group: str) -> str:
    """The account of what is attached to a management group, and of the group itself."""
    return _GROUPS + group.lower()


def tenant_account(tenant: str) -> str:
    """The account of what is assigned at the root of a tenant."""
    return _TENANTS + tenant.lower()


def above(account: str) -> bool:
    """Whether an account is a management group or a tenant, above the subscriptions."""
    return account.startswith((_GROUPS, _TENANTS))


def group_of(account: str) -> str | None:
    """The management group an account is."""
    return account.removeprefix(_GROUPS) if account.startswith(_GROUPS) else None


def tenant_of(account: str) -> str | None:
    """The tenant an account is."""
    return account.removeprefix(_TENANTS) if account.startswith(_TENANTS) else None


@dataclass(frozen=True, slots=True)
class ResourceId:
    """An id's parts, lower-cased. ``types`` and ``names`` are as long as each other; both empty for a container."""

    account: str
    """The subscription's id, or the :func:`group_account` or :func:`tenant_account` of what is above them."""
    group: str | None
    scope: str
    """What stands before the last ``/providers/``; the id itself for a subscription or a resource group."""
    namespace: str | None
    types: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def type(self) -> str:
        """``microsoft.sql/servers/databases``."""
        if self.namespace is None:
            return GROUP if self.group else SUBSCRIPTION
        return "/".join([self.namespace, *self.types])

    @property
    def uid(self) -> str:
        """The id in lower case."""
        if self.namespace is None:
            return self.scope
        pairs = "/".join(f"{t}/{n}" for t, n in zip(self.types, self.names, strict=True))
        return f"{self.scope}/providers/{self.namespace}/{pairs}"

    @property
    def extension(self) -> bool:
        """Whether it is attached to another resource, as a lock is."""
        return "/providers/" in self.scope

    def chain(self) -> Iterator[ResourceId]:
        """Itself, its parent, its parent's parent …, as far as its own namespace reaches."""
        if self.namespace is None:
            yield self
        for length in range(len(self.types), 0, -1):
            yield ResourceId(
                self.account,
                self.group,
                self.scope,
                self.namespace,
                self.types[:length],
                self.names[:length],
            )


def parse(resource_id: str, tenant: str | None = None) -> ResourceId:
    """Take an id apart; ``tenant`` is whose it is where that can be told, for ids that do not say so themselves. Raises
    ValueError if it is not one of a subscription, a management group or that tenant."""
    text = resource_id.strip().rstrip("/").lower()
    parts = text.split("/")
    if len(parts) < 3 or parts[0] or not all(parts[1:]) or parts[1] not in ("subscriptions", "providers"):
        raise ValueError(f"{resource_id[:200]!r} is not the id of an Azure resource")
    group = parts[4] if len(parts) > 4 and parts[3] == "resourcegroups" else None
    account = parts[2] if parts[1] == "subscriptions" else _account_above(parts, tenant)
    scope, marker, tail = text.rpartition("/providers/")
    if not marker:
        if len(parts) != (5 if group else 3):
            raise ValueError(f"{resource_id[:200]!r} is not the id of an Azure resource")
        return ResourceId(account, group, text, None, (), ())
    namespace, *rest = tail.split("/")
    if not rest or len(rest) % 2:
        raise ValueError(f"{resource_id[:200]!r} names no resource: a type without a name")
    return ResourceId(account, group, scope, namespace, tuple(rest[0::2]), tuple(rest[1::2]))


def _account_above(parts: list[str], tenant: str | None) -> str:
    if "/".join(parts[2:4]) == MANAGEMENT_GROUP and len(parts) > 4:
        return group_account(parts[4])
    if not tenant:
        raise ValueError(f"{'/'.join(parts)[:200]!r} is of a tenant's root, and it is not told of whose")
    return tenant_account(tenant)


def ref_of(identity: ResourceId, region: str = ANY) -> ResourceRef:
    """The reference to a resource; its region is :data:`~providers.resource.ANY` where only its id is known."""
    return ResourceRef(
        provider=PROVIDER,
        account=identity.account,
        region=region,
        type=identity.type,
        uid=identity.uid,
    )


def region_of(location: object) -> str:
    """``westeurope`` from ``West Europe``; ``global`` where there is none."""
    text = str(location or "").lower().replace(" ", "")
    return text or GLOBAL
