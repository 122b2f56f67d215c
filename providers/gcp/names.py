"""Full resource names, as Cloud Asset writes them: ``//compute.googleapis.com/projects/p/zones/z/instances/i``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from providers.resource import GLOBAL

_PROJECT = re.compile(r"^//[^/]+/projects/([^/]+)")
_PROJECT_ITSELF = re.compile(r"//cloudresourcemanager\.googleapis\.com/projects/([^/]+)")
_CONTAINER = re.compile(r"(?:^|/)((?:organizations|folders)/\d+)(?:/|$)")
_PLACE = re.compile(r"/(?:zones|regions|locations)/([^/]+)")
_NUMBER = re.compile(r"\d+")


def split(name: str) -> tuple[str, str]:
    """The host and the path of a full resource name. Raises ``ValueError`` for anything else."""
    if not name.startswith("//"):
        raise ValueError(f"{name[:200]!r} is not a full resource name (//service.googleapis.com/…)")
    host, _, path = name[2:].partition("/")
    if not host or not path:
        raise ValueError(f"{name[:200]!r} names no resource")
    return host, path


def is_number(text: str) -> bool:
    """Whether a project is named by its number."""
    return _NUMBER.fullmatch(text) is not None


def project_in(name: str) -> str | None:
    """The project id or number that a full name starts with, or None (``//storage.googleapis.com/b`` names none)."""
    found = _PROJECT.match(name)
    return found.group(1) if found and found.group(1) != "_" else None


def as_inventoried(name: str, number_of: Callable[[str], str | None]) -> str:
    """A full name as Cloud Asset writes it: a project's own has its number, where messages may have its id. A project whose
    number is not known keeps its name."""
    found = _PROJECT_ITSELF.fullmatch(name)
    number = number_of(found.group(1)) if found else None
    return f"//cloudresourcemanager.googleapis.com/projects/{number}" if number else name


def container_in(name: str) -> str | None:
    """The organisation or folder in a name (``organizations/5/sources/1`` or a log's or full name), or None."""
    found = _CONTAINER.search(name)
    return found.group(1) if found else None


def location_in(name: str) -> str:
    """The zone, region or location in a name, lower case, or :data:`~providers.resource.GLOBAL`."""
    found = _PLACE.search(name)
    return found.group(1).lower() if found else GLOBAL


def last(name: str) -> str:
    """The last segment of a name or URL."""
    return name.rstrip("/").rpartition("/")[2]


def relative(link: str) -> str:
    """A REST self link as a relative name: ``projects/p/global/networks/n``."""
    path = link.partition("/projects/")
    return f"projects/{path[2]}" if path[1] else link


def from_link(link: str) -> str:
    """A Compute self link as a full name."""
    return f"//compute.googleapis.com/{relative(link)}"


def container_of(ancestors: list[str] | tuple[str, ...]) -> str | None:
    """The closest ancestor (``projects/123``), or None when the answer names none."""
    return ancestors[0] if ancestors else None


def display_name(uid: str, data: Mapping[str, Any]) -> str:
    """What a person calls the resource."""
    for key in ("email", "projectId", "name", "displayName"):
        value = data.get(key)
        if isinstance(value, str) and value:
            return last(value)
    return last(uid)


_COLLECTIONS = {
    ("compute.googleapis.com", "instances"): "compute.googleapis.com/Instance",
    ("compute.googleapis.com", "disks"): "compute.googleapis.com/Disk",
    ("compute.googleapis.com", "firewalls"): "compute.googleapis.com/Firewall",
    ("compute.googleapis.com", "networks"): "compute.googleapis.com/Network",
    ("compute.googleapis.com", "subnetworks"): "compute.googleapis.com/Subnetwork",
    ("compute.googleapis.com", "images"): "compute.googleapis.com/Image",
    ("compute.googleapis.com", "snapshots"): "compute.googleapis.com/Snapshot",
    ("iam.googleapis.com", "serviceAccounts"): "iam.googleapis.com/ServiceAccount",
    ("iam.googleapis.com", "keys"): "iam.googleapis.com/ServiceAccountKey",
    ("cloudkms.googleapis.com", "cryptoKeys"): "cloudkms.googleapis.com/CryptoKey",
    ("cloudsql.googleapis.com", "instances"): "sqladmin.googleapis.com/Instance",
    ("cloudresourcemanager.googleapis.com", "projects"): "cloudresourcemanager.googleapis.com/Project",
    ("cloudresourcemanager.googleapis.com", "folders"): "cloudresourcemanager.googleapis.com/Folder",
    (
        "cloudresourcemanager.googleapis.com",
        "organizations",
    ): "cloudresourcemanager.googleapis.com/Organization",
}


def type_of(name: str) -> str | None:
    """The asset type a full name is of, for the types that events speak of; None for the others."""
    try:
        host, path = split(name)
    except ValueError:
        return None
    if host == "storage.googleapis.com":
        return "storage.googleapis.com/Bucket" if "/" not in path else None
    segments = path.split("/")
    return _COLLECTIONS.get((host, segments[-2])) if len(segments) >= 2 else None


def labels_of(data: Mapping[str, Any]) -> dict[str, str]:
    """The labels, wherever the service keeps them."""
    for key in ("labels", "resourceLabels", "userLabels"):
        found = data.get(key)
        if isinstance(found, Mapping):
            return {str(k): str(v) for k, v in found.items()}
    settings = data.get("settings")
    if isinstance(settings, Mapping) and isinstance(settings.get("userLabels"), Mapping):
        return {str(k): str(v) for k, v in settings["userLabels"].items()}
    return {}
