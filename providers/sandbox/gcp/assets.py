"""Cloud Asset over the store: ListAssets, BatchGetAssetsHistory and a plain SearchAllResources, as protobuf messages.

Serves gRPC and REST alike. It answers as the real one does where that matters to a reader: pages in an order of its own
for each content type, one snapshot per read time, only assets that *have* a policy under IAM_POLICY, and bucket data in
the form its indexer keeps (empty messages for absent ones, numbers for text).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson
from google.cloud import asset_v1
from google.protobuf import json_format

from providers.sandbox.gcp.store import Asset, AssetStore, GcpError, Version

KEPT: Final = timedelta(days=35)
POLICY_ONLY: Final = frozenset({"iap.googleapis.com/Web", "iap.googleapis.com/Tunnel"})
"""Types that Cloud Asset lists under IAM_POLICY and nowhere else."""
RESOURCE, IAM_POLICY, ORG_POLICY, ACCESS_POLICY, OS_INVENTORY = 1, 2, 4, 5, 6
CONTENT: Final = {
    0: "CONTENT_TYPE_UNSPECIFIED",
    RESOURCE: "RESOURCE",
    IAM_POLICY: "IAM_POLICY",
    ORG_POLICY: "ORG_POLICY",
    ACCESS_POLICY: "ACCESS_POLICY",
    OS_INVENTORY: "OS_INVENTORY",
}
_PARTS: Final = {
    ORG_POLICY: ("orgPolicy",),
    ACCESS_POLICY: ("accessPolicy", "accessLevel", "servicePerimeter"),
    OS_INVENTORY: ("osInventory",),
}
"""Content -> the parts of an asset it shows."""

ListRequest = asset_v1.ListAssetsRequest.pb()
ListResponse = asset_v1.ListAssetsResponse.pb()
HistoryRequest = asset_v1.BatchGetAssetsHistoryRequest.pb()
HistoryResponse = asset_v1.BatchGetAssetsHistoryResponse.pb()
SearchRequest = asset_v1.SearchAllResourcesRequest.pb()
SearchResponse = asset_v1.SearchAllResourcesResponse.pb()
AssetMessage = asset_v1.Asset.pb()

_EMPTIES: Final = (
    "acl",
    "billing",
    "cors",
    "defaultObjectAcl",
    "encryption",
    "labels",
    "logging",
    "owner",
    "retentionPolicy",
)


class AssetService:
    """The three calls. Raises GcpError for what a caller asks wrongly."""

    def __init__(self, store: AssetStore) -> None:
        self._store = store

    def list_assets(self, request: Any, *, half: bool = False) -> Any:
        """One page; ``half`` gives only its first half, with a token for the rest."""
        token = _token(request.page_token)
        now = self._store.clock()
        read_time = datetime.fromisoformat(token["at"]) if token else now
        if request.HasField("read_time") and not token:
            read_time = request.read_time.ToDatetime(tzinfo=UTC)
        if not now - KEPT <= read_time <= now:
            raise GcpError("INVALID_ARGUMENT", "read_time must be within the last 35 days.")
        size = _page_size(request.page_size, 100, 1000)
        content = request.content_type
        if content == ACCESS_POLICY and not request.parent.startswith("organizations/"):
            raise GcpError("INVALID_ARGUMENT", "ACCESS_POLICY is listed of an organization only.")
        found = [
            (asset, version)
            for asset in self._select(request.parent, list(request.asset_types))
            if (version := asset.at(read_time)) is not None and version.data is not None
            if _shows(asset, version, content)
        ]
        found.sort(key=lambda pair: hashlib.sha256(f"{content}{pair[0].name}".encode()).digest())
        start = token["next"] if token else 0
        page = found[start : start + size]
        if half:
            page = page[: (len(page) + 1) // 2]
        response = ListResponse(assets=[message(asset, version, content) for asset, version in page])
        response.read_time.FromDatetime(read_time)
        if half or start + size < len(found):
            response.next_page_token = _tokened(start + len(page), read_time)
        return response

    def history(self, request: Any) -> Any:
        """Every window of the named assets that touches the asked one."""
        if not 1 <= len(request.asset_names) <= 100:
            raise GcpError("INVALID_ARGUMENT", "Between 1 and 100 asset_names are required.")
        self._store.ancestor(request.parent)
        window = request.read_time_window
        now = self._store.clock()
        start = window.start_time.ToDatetime(tzinfo=UTC)
        end = window.end_time.ToDatetime(tzinfo=UTC) if window.HasField("end_time") else now
        if start < now - KEPT:
            raise GcpError("INVALID_ARGUMENT", "start_time must be within the last 35 days.")
        response = HistoryResponse()
        for name in request.asset_names:
            asset = self._store.find(name)
            if asset is None:
                raise GcpError("INVALID_ARGUMENT", f"The asset {name} does not exist.")
            self._windows(asset, request.content_type, start, end, response)
        return response

    def search(self, request: Any) -> Any:
        """Names, types and places of what is there now. A query is ``updateTime>=SECONDS``, or plain text to be in the name."""
        size = _page_size(request.page_size, 100, 500)
        token = _token(request.page_token)
        start = token["next"] if token else 0
        now = self._store.clock()
        since = re.fullmatch(r"updateTime>=(\d+)", request.query)
        found = []
        for asset in self._select(request.scope, list(request.asset_types)):
            version = asset.at(now)
            if version is None or version.data is None:
                continue
            if version.at.timestamp() >= int(since[1]) if since else request.query in asset.name:
                found.append((asset, version))
        if request.order_by == "updateTime":
            found.sort(key=lambda pair: pair[1].at)
        response = SearchResponse()
        for asset, version in found[start : start + size]:
            assert version.data is not None
            result = response.results.add(
                name=asset.name,
                asset_type=asset.type,
                project=next((a for a in asset.ancestors if a.startswith("projects/")), ""),
                location=asset.location,
                display_name=str(version.data.get("name", "")),
                labels=version.data.get("labels") or {},
            )
            result.update_time.FromDatetime(version.at)
        if start + size < len(found):
            response.next_page_token = _tokened(start + size, now)
        return response

    def _select(self, parent: str, patterns: list[str]) -> list[Asset]:
        assets = self._store.under(parent)
        if not patterns:
            return assets
        try:
            wanted = [re.compile(pattern) for pattern in patterns]
        except re.error as error:
            raise GcpError("INVALID_ARGUMENT", f"asset_types: {error}") from error
        return [a for a in assets if any(w.fullmatch(a.type) for w in wanted)]

    @staticmethod
    def _windows(asset: Asset, content: int, start: datetime, end: datetime, response: Any) -> None:
        kept: list[Version] = []
        for version in asset.versions:
            same = kept and _shown(version, content) == _shown(kept[-1], content)
            if not same:
                kept.append(version)
        for number, version in enumerate(kept):
            until = kept[number + 1].at if number + 1 < len(kept) else None
            if version.at > end or (until is not None and until < start):
                continue
            gone = version.data is None or not _shown(version, content)
            if gone and number == 0:
                continue
            temporal = response.assets.add(deleted=gone)
            temporal.asset.CopyFrom(message(asset, version, content))
            temporal.window.start_time.FromDatetime(version.at)
            if until is not None:
                temporal.window.end_time.FromDatetime(until)


def message(asset: Asset, version: Version, content: int) -> Any:
    """One asset as Cloud Asset sends it."""
    out = AssetMessage(name=asset.name, asset_type=asset.type, ancestors=asset.ancestors)
    out.update_time.FromDatetime(version.at)
    if content == RESOURCE and version.data is not None:
        out.resource.version = "v1"
        out.resource.discovery_name = asset.type.rpartition("/")[2]
        out.resource.parent = asset.parent
        out.resource.location = asset.location
        json_format.ParseDict(indexed(asset.type, version.data), out.resource.data)
    if content == IAM_POLICY and version.policy:
        json_format.ParseDict(dict(version.policy), out.iam_policy)
    for key in _PARTS.get(content, ()):
        if key not in version.parts:
            continue
        if key == "orgPolicy":
            for one in version.parts[key]:
                json_format.ParseDict(one, out.org_policy.add())
        else:
            snake = re.sub(r"([A-Z])", r"_\1", key).lower()
            json_format.ParseDict(version.parts[key], getattr(out, snake))
    return out


def _shown(version: Version, content: int) -> Any:
    """The part of a version that a content is about."""
    if content == IAM_POLICY:
        return version.policy
    if content in _PARTS:
        return {key: version.parts[key] for key in _PARTS[content] if key in version.parts}
    return version.data


def _shows(asset: Asset, version: Version, content: int) -> bool:
    """Whether a listing of a content has the asset at all."""
    if content == IAM_POLICY or content in _PARTS:
        return bool(_shown(version, content))
    return asset.type not in POLICY_ONLY


def indexed(type_: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """REST data in the form Cloud Asset's indexer keeps it."""
    out = dict(data)
    if type_ == "storage.googleapis.com/Bucket":
        for key in _EMPTIES:
            out.setdefault(key, [] if key in ("acl", "cors", "defaultObjectAcl") else {})
        out["metageneration"] = int(out.get("metageneration", "1"))
        out["projectNumber"] = int(out.get("projectNumber", "0"))
        access = dict(out.get("iamConfiguration") or {})
        for key, value in access.items():
            if isinstance(value, dict) and value.get("enabled") is False:
                access[key] = {k: v for k, v in value.items() if k != "enabled"}
        out["iamConfiguration"] = access
    elif type_.startswith("compute."):
        out.pop("kind", None)
    return out


def _page_size(asked: int, default: int, most: int) -> int:
    if not 0 <= asked <= most:
        raise GcpError("INVALID_ARGUMENT", f"page_size must be between 1 and {most}.")
    return asked or default


def _tokened(start: int, at: datetime) -> str:
    return base64.urlsafe_b64encode(orjson.dumps({"next": start, "at": at.isoformat()})).decode()


def _token(text: str) -> dict[str, Any] | None:
    if not text:
        return None
    try:
        found = orjson.loads(base64.urlsafe_b64decode(text))
        return {"next": int(found["next"]), "at": str(found["at"])}
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise GcpError("INVALID_ARGUMENT", "page_token is not valid.") from error
