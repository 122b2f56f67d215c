"""Cloud Asset's view of one asset as a canonical document.

The shape is Cloud Asset's own, in its camelCase, with what describes the answer rather than the resource left out::

    {"name": "//storage.googleapis.com/b",
     "assetType": "storage.googleapis.com/Bucket",
     "resource": {"location": "europe-west1", "data": {...}},      # data: the service's REST representation
     "iamPolicy": {"bindings": [...], "auditConfigs": [...]},      # absent: the resource has no policy of its own
     "orgPolicy": [{"constraint": "constraints/…", "booleanPolicy": {"enforced": true}}]}    # see :mod:`.contents`

Each field comes from a listing of its own, so it can be unread alone. ``ancestors`` and
``resource.parent`` are left out: moving a project would otherwise change every resource in it; the project's own
document says where it stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from providers.gcp import names
from providers.gcp.catalog import TYPES, AssetType
from providers.normalise import NO_RULES, Rules, canonical
from providers.resource import GLOBAL, Resource, ResourceRef

PROVIDER: Final = "gcp"

VOLATILE: Final = frozenset(
    {
        "etag",
        "fingerprint",
        "labelFingerprint",
        "updateTime",
        "lastModifiedTime",
        "lastUpdateTime",
        "lastTransitionTime",
        "lastHeartbeatTime",
        "lastProbeTime",
        "observedGeneration",
        "resourceVersion",
        "managedFields",
        "selfLinkWithId",
    }
)
"""Keys that change by themselves, in every type and at any depth (but not among labels and the like)."""

_FREE_FORM: Final = frozenset({"labels", "annotations", "resourceLabels", "userLabels", "env", "tagValues"})
"""Maps whose keys are the user's: nothing in them is volatile, whatever it is called."""

_TABLE = frozenset(
    {"numBytes", "numRows", "numLongTermBytes", "numActiveLogicalBytes", "numTotalLogicalBytes"}
)
_COUNTERS: Final[Mapping[str, frozenset[str]]] = {
    "bigquery.googleapis.com/Table": _TABLE,
    "k8s.io/Node": frozenset({"status"}),
    "k8s.io/Pod": frozenset({"status"}),
}
"""Types of no declaration whose documents carry counters."""

_RULES: Final[Mapping[str, Rules]] = {
    "cloudbuild.googleapis.com/BuildTrigger": Rules(ordered=frozenset({"resource.data.build.steps"})),
    "cloudbuild.googleapis.com/Build": Rules(ordered=frozenset({"resource.data.steps"})),
    "dataproc.googleapis.com/Cluster": Rules(
        ordered=frozenset({"resource.data.config.initializationActions"})
    ),
}
"""Types with a list whose order means something; only they pay for looking."""
_POLICY_KEYS = ("bindings", "auditConfigs")


def document(
    *,
    name: str,
    asset_type: str,
    data: Mapping[str, Any] | None,
    location: str | None,
    policy: Mapping[str, Any] | None,
    parts: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The canonical document; ``parts`` are further fields (see :mod:`.contents`). ``data`` None: nothing but these is known.
    Raises :class:`~providers.normalise.DocumentTooDeep`."""
    out: dict[str, Any] = {"name": name, "assetType": asset_type}
    declared = TYPES.get(asset_type)
    if data is not None:
        volatile = VOLATILE | (declared.volatile if declared else _COUNTERS.get(asset_type, frozenset()))
        cleaned = _clean(data, volatile, declared)
        if declared:
            for path, default in declared.defaults.items():
                _default(cleaned, path.split("."), default)
        out["resource"] = {"location": region(asset_type, name, data, location), "data": cleaned}
    kept = {key: policy[key] for key in _POLICY_KEYS if policy.get(key)} if policy else {}
    if kept:
        out["iamPolicy"] = kept
    for key, value in (parts or {}).items():
        out[key] = _part(key, value)
    return canonical(out, _RULES.get(asset_type, NO_RULES))


def _part(key: str, value: Any) -> Any:
    """One further field, without what changes by itself. An organisation policy loses the version of its own format, which
    not every source tells; a boolean constraint that is not enforced is written in two ways, and told in one."""
    cleaned = _value(value, VOLATILE, None)
    if key == "orgPolicy":
        for one in cleaned:
            one.pop("version", None)
            if isinstance(one.get("booleanPolicy"), dict):
                one["booleanPolicy"].setdefault("enforced", False)
    return cleaned


def region(asset_type: str, name: str, data: Mapping[str, Any], location: str | None) -> str:
    """The resource's region, lower case. Declared types derive it, so that listing and re-read agree."""
    declared = TYPES.get(asset_type)
    if declared:
        return declared.location(name, data)
    return location.lower() if location else names.location_in(name)


def resource(
    *, account: str, document: Mapping[str, Any], unread: Mapping[str, str] | None = None
) -> Resource:
    """A document as a resource of ``account``."""
    body = document.get("resource") or {}
    data = body.get("data") or {}
    name = document["name"]
    return Resource(
        ref=ResourceRef(
            provider=PROVIDER,
            account=account,
            region=body.get("location") or GLOBAL,
            type=document["assetType"],
            uid=name,
        ),
        name=names.display_name(name, data),
        document=document,
        tags=names.labels_of(data),
        unread=unread or {},
    )


def _clean(data: Mapping[str, Any], volatile: frozenset[str], declared: AssetType | None) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in data.items():
        if key in volatile or (declared and key == "kind"):
            continue
        if key in _FREE_FORM:
            kept = value
        else:
            kept = _value(value, volatile, declared)
            if declared and key in declared.texts and isinstance(kept, int | float):
                kept = str(int(kept))
        # Cloud Asset fills a declared type's absent messages and lists with empty ones, the REST API leaves them out.
        # Elsewhere an empty message may mean something (a network policy's podSelector), so it stays.
        if declared and (kept is None or kept in ({}, [], "")):
            continue
        out[key] = kept
    return out


def _value(value: Any, volatile: frozenset[str], declared: AssetType | None) -> Any:
    # Both come from JSON or a Struct: dict and list, whose check is much cheaper than an abstract class's.
    if isinstance(value, dict):
        return _clean(value, volatile, declared)
    if isinstance(value, list):
        return [_value(item, volatile, declared) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value


def _default(data: dict[str, Any], path: list[str], value: Any) -> None:
    for key in path[:-1]:
        inner = data.setdefault(key, {})
        if not isinstance(inner, dict):
            return
        data = inner
    data.setdefault(path[-1], value)
