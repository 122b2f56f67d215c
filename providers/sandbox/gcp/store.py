"""What the emulated Google Cloud holds: assets with their whole history, in memory.

One store serves Cloud Asset and the services' own APIs, so that a write through Compute shows in Cloud Asset, and in
its history.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

Json = dict[str, Any]


class GcpError(Exception):
    """An error answer in Google's words."""

    def __init__(self, status: str, message: str, *, reason: str | None = None, **metadata: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.reason = reason
        self.metadata = metadata


@dataclass(frozen=True, slots=True)
class Version:
    """One state of an asset from ``at`` on; ``data`` None: deleted."""

    at: datetime
    data: Mapping[str, Any] | None
    policy: Mapping[str, Any] | None
    parts: Mapping[str, Any] = field(default_factory=dict)
    """What else is listed of it: ``orgPolicy``, ``accessLevel``, ``osInventory``, …"""


@dataclass(slots=True)
class Asset:
    """An asset and all its versions, oldest first."""

    name: str
    type: str
    location: str
    parent: str
    ancestors: tuple[str, ...]
    versions: list[Version] = field(default_factory=list)

    def at(self, moment: datetime) -> Version | None:
        """The version in force, or None before the first."""
        found = None
        for version in self.versions:
            if version.at <= moment:
                found = version
        return found


class AssetStore:
    """All assets by full name. Safe to use from any thread."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self._assets: dict[str, Asset] = {}
        self._lock = threading.RLock()
        self._counter = 1000
        self.written: Callable[[Asset, Version | None, Version], None] | None = None
        """Told of every write: the asset, its version before (None: there was none) and after."""

    def add(
        self, asset: Asset, data: Json, policy: Json | None = None, *, at: datetime | None = None
    ) -> None:
        """Create an asset. Raises GcpError (409) if it exists."""
        with self._lock:
            known = self._assets.get(asset.name)
            if known is not None and known.versions[-1].data is not None:
                raise GcpError("ALREADY_EXISTS", f"The resource '{asset.name}' already exists")
            kept = self._assets.setdefault(asset.name, asset)
            self._append(kept, Version(at or self.clock(), self._stamped(data), policy))

    def asset(self, name: str) -> Asset:
        """A living asset. Raises GcpError (404)."""
        with self._lock:
            found = self._assets.get(name)
            if found is None or found.versions[-1].data is None:
                raise GcpError("NOT_FOUND", f"The resource '{name}' was not found")
            return found

    def data(self, name: str) -> Json:
        """A copy of an asset's present data. Raises GcpError (404)."""
        with self._lock:
            data = self.asset(name).versions[-1].data
            assert data is not None
            return copy.deepcopy(dict(data))

    def policy(self, name: str) -> Json:
        """A copy of an asset's present IAM policy, empty when it has none. Raises GcpError (404)."""
        with self._lock:
            return copy.deepcopy(dict(self.asset(name).versions[-1].policy or {}))

    def change(self, name: str, change: Callable[[Json], None]) -> Json:
        """Change an asset's data in one step; returns it as it is then. Raises GcpError."""
        with self._lock:
            asset = self.asset(name)
            data = self.data(name)
            change(data)
            data = self._stamped(data)
            self._append(asset, replace(asset.versions[-1], at=self.clock(), data=data))
            return copy.deepcopy(data)

    def set_policy(self, name: str, policy: Json | None) -> None:
        """Replace an asset's IAM policy. Raises GcpError (404)."""
        with self._lock:
            asset = self.asset(name)
            self._append(asset, replace(asset.versions[-1], at=self.clock(), policy=copy.deepcopy(policy)))

    def set_part(self, name: str, key: str, value: Any, *, at: datetime | None = None) -> None:
        """Replace one further part of an asset, or with None take it away. Raises GcpError (404)."""
        with self._lock:
            asset = self.asset(name)
            now = asset.versions[-1]
            parts = {k: v for k, v in now.parts.items() if k != key}
            if value is not None:
                parts[key] = copy.deepcopy(value)
            self._append(asset, replace(now, at=at or self.clock(), parts=parts))

    def part(self, name: str, key: str) -> Any:
        """A copy of one further part of an asset, None when it has none. Raises GcpError (404)."""
        with self._lock:
            return copy.deepcopy(self.asset(name).versions[-1].parts.get(key))

    def delete(self, name: str) -> None:
        """Delete an asset. Raises GcpError (404)."""
        with self._lock:
            self._append(self.asset(name), Version(self.clock(), None, None))

    def under(self, parent: str) -> list[Asset]:
        """Every asset at or below a project, folder or organisation, dead ones too. Raises GcpError (404)."""
        with self._lock:
            number = self.ancestor(parent)
            return [a for a in self._assets.values() if number in a.ancestors]

    def find(self, name: str) -> Asset | None:
        """An asset by name, dead or alive."""
        with self._lock:
            return self._assets.get(name)

    def living(self, prefix: str) -> Iterator[tuple[str, Json]]:
        """(name, data) of every living asset whose name starts so, in name order."""
        with self._lock:
            names = sorted(n for n, a in self._assets.items() if n.startswith(prefix) and a.versions[-1].data)
            return iter([(name, self.data(name)) for name in names])

    def projects(self) -> dict[str, str]:
        """Project id -> number."""
        return {
            data["projectId"]: data["projectNumber"]
            for _, data in self.living("//cloudresourcemanager.googleapis.com/projects/")
        }

    def ancestor(self, parent: str) -> str:
        """A parent as ancestors name it: projects by number. Raises GcpError (404)."""
        kind, _, name = parent.partition("/")
        number = self.projects().get(name, name) if kind == "projects" else name
        with self._lock:
            if f"//cloudresourcemanager.googleapis.com/{kind}/{number}" not in self._assets:
                raise GcpError("NOT_FOUND", f"Requested entity '{parent}' was not found.")
        return f"{kind}/{number}"

    def types(self) -> set[str]:
        """Every asset type there ever was one of."""
        with self._lock:
            return {a.type for a in self._assets.values()}

    def _append(self, asset: Asset, version: Version) -> None:
        before = asset.versions[-1] if asset.versions else None
        asset.versions.append(version)
        if self.written is not None:
            self.written(asset, before, version)

    def _stamped(self, data: Mapping[str, Any]) -> Json:
        """A copy with the counters and etags a real service renews on each write."""
        self._counter += 1
        out = copy.deepcopy(dict(data))
        tag = f"Etag{self._counter}="
        if out.get("kind") == "storage#bucket":
            out["metageneration"] = str(int(out.get("metageneration", "0")) + 1)
            out["updated"] = self.clock().isoformat().replace("+00:00", "Z")
            out["etag"] = tag
        elif str(out.get("kind", "")).startswith("compute#"):
            if "labels" in out or "labelFingerprint" in out:
                out["labelFingerprint"] = tag
            out["fingerprint"] = tag
        elif "etag" in out:
            out["etag"] = tag
        return out
