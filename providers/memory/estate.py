"""What there is in the cloud in memory, how it is changed from outside, and what is made to fail."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from providers.errors import Gone, ProviderError
from providers.memory.documents import TYPES, document_of, resource_of, tags_of
from providers.normalise import canonical
from providers.provider import Deed, PastVersion
from providers.resource import Resource, ResourceRef, Scope

REGIONS: Final = ("north-1", "south-1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """An error that ends a reading after so many resources."""

    error: ProviderError
    after: int


@dataclass
class Estate:
    """What there is. Resource ``i`` of ``resources`` is in scope ``i % scopes``; its document is a function of ``i``.

    ``scopes`` are spread over accounts (five types in two regions each). Safe to change from any thread while it is
    read; a reading sees each resource once, as it is when its turn comes.
    """

    resources: int = 0
    scopes: int = 10
    provider: str = "memory"
    _changed: dict[str, dict[str, Any]] = field(default_factory=dict)
    _deleted: set[str] = field(default_factory=set)
    _added: dict[str, Resource] = field(default_factory=dict)
    _unread: dict[str, dict[str, str]] = field(default_factory=dict)
    _faults: dict[Scope, Fault] = field(default_factory=dict)
    _refused: dict[str, ProviderError] = field(default_factory=dict)
    _past: dict[str, list[PastVersion]] = field(default_factory=dict)
    _deeds: dict[str, list[Deed]] = field(default_factory=dict)
    _forgetful: ProviderError | None = None
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def scope(self, number: int) -> Scope:
        """The scope with that number."""
        account, rest = divmod(number, len(TYPES) * len(REGIONS))
        type_, region = divmod(rest, len(REGIONS))
        return Scope(self.provider, f"{100000000000 + account}", REGIONS[region], TYPES[type_])

    def all_scopes(self) -> tuple[Scope, ...]:
        """Every scope there is, those of added resources included."""
        with self._lock:
            made = [self.scope(n) for n in range(self.scopes)]
            extra = {
                Scope(r.ref.provider, r.ref.account, r.ref.region, r.ref.type) for r in self._added.values()
            }
            return (*made, *sorted(extra - set(made)))

    def uid(self, index: int) -> str:
        """The unique id of generated resource ``index``."""
        scope = self.scope(index % self.scopes)
        return f"mem:{scope.account}:{scope.region}:{scope.type}/r-{index:012x}"

    def generated(self, index: int) -> Resource:
        """Generated resource ``index`` as it was made, before any change."""
        scope = self.scope(index % self.scopes)
        return resource_of(scope, self.uid(index), document_of(index, scope))

    def add(self, scope: Scope, name: str, document: Mapping[str, Any]) -> Resource:
        """Create one resource in ``scope`` (which need not exist yet), or replace it."""
        uid = f"mem:{scope.account}:{scope.region}:{scope.type}/{name}"
        body = {
            "Id": name,
            "Name": name,
            "Encrypted": True,
            "Public": False,
            "Logging": [],
            "Tags": [],
            **document,
        }
        resource = resource_of(scope, uid, body)
        with self._lock:
            self._added[uid] = resource
            self._deleted.discard(uid)
        return resource

    def change(self, uid: str, fields: Mapping[str, Any]) -> None:
        """Set top-level document fields of a resource."""
        with self._lock:
            self._changed.setdefault(uid, {}).update(fields)

    def delete(self, uid: str) -> None:
        """Take a resource away."""
        with self._lock:
            self._deleted.add(uid)

    def restore(self, uid: str) -> None:
        """Bring a deleted resource back under the same id."""
        with self._lock:
            self._deleted.discard(uid)

    def unread(self, uid: str, fields: Mapping[str, str]) -> None:
        """Make the detail calls behind these fields of a resource fail, with the cause; an empty mapping mends it."""
        with self._lock:
            self._unread[uid] = dict(fields)

    def fail(self, scope: Scope, error: ProviderError, *, after: int = 0) -> None:
        """Make reading ``scope`` end in ``error`` once ``after`` resources have come."""
        with self._lock:
            self._faults[scope] = Fault(error=error, after=after)

    def remember(self, version: PastVersion) -> None:
        """Let this cloud's own history tell of a version."""
        with self._lock:
            self._past.setdefault(version.ref.uid, []).append(version)

    def did(self, uid: str, deed: Deed) -> None:
        """Let this cloud's own record tell of an act upon a resource."""
        with self._lock:
            self._deeds.setdefault(uid, []).append(deed)

    def deeds(self, uid: str, since: datetime, until: datetime) -> list[Deed]:
        """What its record tells of a resource in (since, until]. Raises what :meth:`forget` was given."""
        with self._lock:
            if self._forgetful is not None:
                raise self._forgetful
            found = [deed for deed in self._deeds.get(uid, ()) if since < deed.at <= until]
            return sorted(found, key=lambda deed: deed.at)

    def forget(self, error: ProviderError | None) -> None:
        """Make asking for any past, or for who did what, end in ``error``; None mends it."""
        with self._lock:
            self._forgetful = error

    def past(self, uid: str, since: datetime) -> list[PastVersion]:
        """What its history tells of a resource. Raises what :meth:`forget` was given."""
        with self._lock:
            if self._forgetful is not None:
                raise self._forgetful
            return sorted((v for v in self._past.get(uid, ()) if v.at >= since), key=lambda v: v.at)

    def refuse_account(self, account: str, error: ProviderError) -> None:
        """Make a whole account undiscoverable; ``*`` is the cloud itself."""
        with self._lock:
            self._refused[account] = error

    def mend(self) -> None:
        """Clear all faults."""
        with self._lock:
            self._faults.clear()
            self._refused.clear()
            self._unread.clear()

    def read(self, scope: Scope) -> Iterator[Resource]:
        """The resources of a scope as they are now."""
        numbers = [n for n in range(self.scopes) if self.scope(n) == scope]
        for number in numbers:
            for index in range(number, self.resources, self.scopes):
                resource = self._now(self.uid(index), lambda index=index: self.generated(index))
                if resource is not None:
                    yield resource
        with self._lock:
            added = [r for r in self._added.values() if scope.covers(r.ref)]
        for resource in added:
            now = self._now(resource.uid, lambda resource=resource: resource)
            if now is not None:
                yield now

    def get(self, ref: ResourceRef) -> Resource:
        """One resource as it is now. Raises Gone."""
        with self._lock:
            added = self._added.get(ref.uid)
        resource: Resource | None
        if added is not None:
            resource = self._now(ref.uid, lambda: added)
        else:
            index = self._index(ref.uid)
            resource = None if index is None else self._now(ref.uid, lambda: self.generated(index))
        if resource is None:
            raise Gone(f"{ref.uid} does not exist.", code="NotFound")
        return resource

    def refused(self) -> Mapping[str, ProviderError]:
        """Accounts that cannot be discovered, and why."""
        with self._lock:
            return dict(self._refused)

    def fault(self, scope: Scope) -> Fault | None:
        """The fault in force for ``scope``."""
        with self._lock:
            return self._faults.get(scope)

    def _index(self, uid: str) -> int | None:
        tail = uid.rpartition("/r-")[2]
        try:
            index = int(tail, 16)
        except ValueError:
            return None
        return index if index < self.resources and self.uid(index) == uid else None

    def _now(self, uid: str, made: Any) -> Resource | None:
        with self._lock:
            if uid in self._deleted:
                return None
            changes, unread = self._changed.get(uid), self._unread.get(uid)
        resource: Resource = made()
        if not changes and not unread:
            return resource
        document = {**resource.document, **(changes or {})}
        for name in unread or {}:
            document.pop(name, None)
        return Resource(
            ref=resource.ref,
            name=resource.name,
            document=canonical(document),
            tags=tags_of(document),
            unread=dict(unread or {}),
        )
