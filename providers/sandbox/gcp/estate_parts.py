"""How the estate is put into the store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from providers.sandbox.gcp.store import Asset, AssetStore

LINK: Final = "https://www.googleapis.com/compute/v1/"
CREATED: Final = "2024-03-01T08:00:00.000-07:00"


@dataclass(frozen=True, kw_only=True)
class Project:
    """A project being filled."""

    store: AssetStore
    id: str
    number: str
    ancestors: tuple[str, ...]
    created: datetime

    @property
    def name(self) -> str:
        """The project's full name."""
        return f"//cloudresourcemanager.googleapis.com/projects/{self.number}"

    def add(
        self,
        type_: str,
        name: str,
        data: dict[str, Any],
        *,
        location: str = "global",
        policy: dict[str, Any] | None = None,
        parent: str | None = None,
    ) -> str:
        """Put one asset in; returns its full name."""
        asset = Asset(
            name=name,
            type=type_,
            location=location,
            parent=parent or self.name,
            ancestors=(f"projects/{self.number}", *self.ancestors),
        )
        self.store.add(asset, data, policy, at=self.created)
        return name

    def compute(self, place: str, collection: str, kind: str, name: str, data: dict[str, Any]) -> str:
        """Put one Compute resource in; returns its self link. ``place``: ``global``, ``zones/z`` or ``regions/r``."""
        path = f"projects/{self.id}/{place}/{collection}/{name}"
        place_kind, _, location = place.partition("/")
        full = {
            "kind": f"compute#{kind[:1].lower()}{kind[1:]}",
            "id": str(abs(hash_of(path))),
            "name": name,
            "selfLink": LINK + path,
            "creationTimestamp": CREATED,
            "description": "",
            **data,
        }
        if place_kind == "zones":
            full["zone"] = f"{LINK}projects/{self.id}/{place}"
        elif place_kind == "regions":
            full["region"] = f"{LINK}projects/{self.id}/{place}"
        self.add(
            f"compute.googleapis.com/{kind}",
            f"//compute.googleapis.com/{path}",
            full,
            location=location or "global",
        )
        return LINK + path


def hash_of(text: str) -> int:
    """A number that is the same in every process."""
    value = 7
    for character in text:
        value = (value * 131 + ord(character)) % 2**62
    return value
