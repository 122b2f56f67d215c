"""Azure's resource ids: taking them apart, comparing them, naming what they name.

An id is ``/subscriptions/S[/resourceGroups/G][/providers/NS/type/name[/type/name…]]…`` and compares without case; a
resource's ``uid`` is its id in lower case. A resource may be an *extension* of another (a lock, a role assignment): then
the last ``/providers/`` names it and what stands before names the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from providers.resource import ANY, GLOBAL, ResourceRef

PROVIDER = "azure"
SUBSCRIPTION = "microsoft.resources/subscriptions"
GROUP = "microsoft.resources/subscriptions/resourcegroups"
ROLE_ASSIGNMENT = "microsoft.authorization/roleassignments"


@dataclass(frozen=True, slots=True)
class ResourceId:
    """An id's parts, lower-cased. ``types`` and ``names`` are as long as each other; both empty for a container."""

    subscription: str
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
                self.subscription,
                self.group,
                self.scope,
                self.namespace,
                self.types[:length],
                self.names[:length],
            )


def parse(resource_id: str) -> ResourceId:
    """Take an id apart. Raises ValueError if it is not one of a subscription."""
    text = resource_id.strip().rstrip("/").lower()
    parts = text.split("/")
    if len(parts) < 3 or parts[0] or parts[1] != "subscriptions" or not all(parts[1:]):
        raise ValueError(f"{resource_id[:200]!r} is not the id of an Azure resource in a subscription")
    group = parts[4] if len(parts) > 4 and parts[3] == "resourcegroups" else None
    scope, marker, tail = text.rpartition("/providers/")
    if not marker:
        if len(parts) != (5 if group else 3):
            raise ValueError(f"{resource_id[:200]!r} is not the id of an Azure resource")
        return ResourceId(parts[2], group, text, None, (), ())
    namespace, *rest = tail.split("/")
    if not rest or len(rest) % 2:
        raise ValueError(f"{resource_id[:200]!r} names no resource: a type without a name")
    return ResourceId(parts[2], group, scope, namespace, tuple(rest[0::2]), tuple(rest[1::2]))


def ref_of(identity: ResourceId, region: str = ANY) -> ResourceRef:
    """The reference to a resource; its region is :data:`~providers.resource.ANY` where only its id is known."""
    return ResourceRef(
        provider=PROVIDER,
        account=identity.subscription,
        region=region,
        type=identity.type,
        uid=identity.uid,
    )


def region_of(location: object) -> str:
    """``westeurope`` from ``West Europe``; ``global`` where there is none."""
    text = str(location or "").lower().replace(" ", "")
    return text or GLOBAL
