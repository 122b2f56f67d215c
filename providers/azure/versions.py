"""Which api-version to ask ARM with, per type.

Resource Graph tells the version it reads a type with; asking ARM with the same one gives the same document, so that an
early re-read is no false drift. For a type it has not told of, the resource provider's own list is asked once: its
default version, else its newest that is not a preview.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Final

from providers.azure.details import ABOVE, DETAILS
from providers.azure.names import GROUP, SUBSCRIPTION, ResourceId, above
from providers.azure.session import Session
from providers.errors import Unavailable

FIXED: Final = {
    SUBSCRIPTION: "2022-12-01",
    GROUP: "2025-04-01",
    **{detail.type: detail.version for detail in DETAILS.values()},
}
"""The containers, whose versions are those of the clients we were built with, and the details, which are listed with the
version they declare."""


class Versions:
    """Type -> api-version, learned while reading. Safe in threads."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._known: dict[str, str] = dict(FIXED)

    def learn(self, of_type: str, version: object) -> None:
        """Take the version Resource Graph told."""
        if isinstance(version, str) and version and of_type not in FIXED:
            with self._lock:
                self._known[of_type] = version

    def forget(self, of_type: str) -> None:
        """The version has been refused: ask anew."""
        if of_type not in FIXED:
            with self._lock:
                self._known.pop(of_type, None)

    def of(self, identity: ResourceId) -> str:
        """The api-version for a resource's type. Raises ProviderError, Unavailable where no provider knows the type."""
        if above(identity.account) and identity.type in ABOVE:
            return ABOVE[identity.type].version
        with self._lock:
            known = self._known.get(identity.type)
        if known is not None:
            return known
        assert identity.namespace is not None
        namespace = identity.namespace
        client = self._session.resources(identity.account)
        provider = self._session.call(
            identity.account,
            "arm",
            f"The versions of {namespace}",
            lambda: client.providers.get(namespace).as_dict(),
        )
        for entry in provider.get("resourceTypes") or ():
            version = _pick(entry)
            if version is not None:
                with self._lock:
                    self._known.setdefault(f"{namespace}/{str(entry.get('resourceType')).lower()}", version)
        with self._lock:
            found = self._known.get(identity.type)
        if found is None:
            raise Unavailable(f"No api-version is known of {identity.type}.", code="UnknownType")
        return found


def _pick(entry: Mapping[str, Any]) -> str | None:
    default = entry.get("defaultApiVersion")
    if isinstance(default, str) and default:
        return default
    versions = sorted((str(v) for v in entry.get("apiVersions") or ()), reverse=True)
    return next((v for v in versions if "preview" not in v.lower()), versions[0] if versions else None)
