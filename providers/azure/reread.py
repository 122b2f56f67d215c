"""One resource as it is now, from Azure Resource Manager itself: strongly consistent, where Resource Graph lags.

The answer is told in the same canonical form as a row of Resource Graph, by the api-version Resource Graph uses.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.azure.document import resource_of
from providers.azure.errors import STALE_VERSION
from providers.azure.names import GROUP, SUBSCRIPTION, ResourceId, parse, tenant_of
from providers.azure.session import Session
from providers.azure.versions import Versions
from providers.errors import Refused, Unavailable
from providers.resource import Resource, ResourceRef


def identity_of(ref: ResourceRef) -> ResourceId:
    """The id a reference names. Raises Refused for one that is not Azure's."""
    if ref.provider != "azure":
        raise Refused(f"{ref.uid} is not a resource of Azure.")
    try:
        return parse(ref.uid, tenant_of(ref.account))
    except ValueError as error:
        raise Refused(f"{error}.") from error


def fetch(session: Session, versions: Versions, identity: ResourceId) -> Mapping[str, Any]:
    """ARM's own answer for one resource, as it came. Raises Gone when ARM says it does not exist, or ProviderError."""
    if identity.type == SUBSCRIPTION:
        client = session.subscriptions()
        what = f"Subscription {identity.account}"
        found = session.call(
            identity.account,
            "arm",
            what,
            lambda: client.subscriptions.get(identity.account).as_dict(),
        )
        # ARM calls it by its id alone; the type and the name it has elsewhere are added here.
        return {**found, "type": SUBSCRIPTION, "name": found.get("displayName")}
    resources = session.resources(identity.account)
    if identity.type == GROUP:
        group = str(identity.group)
        what = f"Resource group {group}"
        answer = session.call(
            identity.account, "arm", what, lambda: resources.resource_groups.get(group).as_dict()
        )
        return dict(answer)
    try:
        return _by_id(session, versions, identity)
    except Unavailable as error:
        if (error.code or "").lower() not in STALE_VERSION:
            raise
        versions.forget(identity.type)
        return _by_id(session, versions, identity)


def _by_id(session: Session, versions: Versions, identity: ResourceId) -> Mapping[str, Any]:
    version = versions.of(identity)
    resources = session.resources(identity.account)
    # The body itself: the SDK's model would only be taken apart again.
    answer = session.call(
        identity.account,
        identity.namespace or "arm",
        f"GET {identity.uid}",
        lambda: resources.resources.get_by_id(
            identity.uid.lstrip("/"),
            api_version=version,
            cls=lambda pipeline, _model, _headers: pipeline.http_response.json(),
        ),
    )
    if not isinstance(answer, Mapping):
        raise Unavailable(f"GET {identity.uid}: the answer is not an object.", code="UnreadableAnswer")
    return answer


def reread(session: Session, versions: Versions, ref: ResourceRef) -> Resource:
    """The resource as it is now. Raises Gone when it is proved not to exist, another ProviderError otherwise."""
    answer = fetch(session, versions, identity_of(ref))
    try:
        resource = resource_of(answer, tenant_of(ref.account))
    except ValueError as error:
        raise Unavailable(f"GET {ref.uid}: {error}.", code="UnreadableAnswer") from error
    if resource.uid != ref.uid:
        raise Unavailable(f"GET {ref.uid} answered with {resource.uid}.", code="UnreadableAnswer")
    return resource
