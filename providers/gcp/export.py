"""An estate from files: Cloud Asset exports, one asset a line (NDJSON) or in an array, plain or gzipped, in the bucket's
snake_case or the API's camelCase.

An export holds one content type, so resources and policies lie in different files; give them together. Where no file
holds any policy, every resource's ``iamPolicy`` is unread, not absent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from config.errors import UsageError
from providers.gcp import names
from providers.gcp.contents import IAM_POLICY, unasked
from providers.gcp.document import document, resource
from providers.gcp.join import IAM_UNREAD, RESOURCE_UNREAD, Parts
from providers.gcp.projects import Project, Projects
from providers.jsonstream import documents
from providers.normalise import DocumentTooDeep
from providers.resource import Resource

_PROJECT: Final = "cloudresourcemanager.googleapis.com/Project"
_LOG_TYPES: Final[Mapping[Any, str]] = {1: "ADMIN_READ", 2: "DATA_WRITE", 3: "DATA_READ"}


def read_export(paths: Sequence[Path], gaps: list[str] | None = None) -> Iterator[Resource]:
    """Every asset of the files, in the order of the lines, each with its policy. ``gaps`` gets what of them is left out:
    assets of another content type (organisation policies, access policies, …).

    The files are read twice and never held in memory. Raises UsageError, with file and line, for what is not an export.
    """
    policies, projects, some, others = Parts(), Projects(), False, 0
    try:
        for path in paths:
            for asset, where in _lines(path):
                # Also where it is neither a resource nor a policy: another export's line must not be passed over.
                name, type_ = _name(asset, where), _type(asset, where)
                policy = _policy(asset)
                if policy:
                    try:
                        policies.put(IAM_POLICY.name, [(name, type_, policy)])
                    except TypeError as error:
                        raise UsageError(f"{where}: the IAM policy is not valid Unicode: {error}") from error
                    some = True
                elif policy is None and not isinstance(asset.get("resource"), dict):
                    others += 1
                _learn(asset, projects)
        if others and gaps is not None:
            gaps.append(
                f"{others} {'asset' if others == 1 else 'assets'} with neither a resource nor an IAM policy"
            )
        unread = {} if some else {IAM_UNREAD: "the export holds no IAM policies"}
        for path in paths:
            for asset, where in _lines(path):
                if isinstance(asset.get("resource"), dict):
                    name = _name(asset, where)
                    yield _resource(asset, where, policies.take(name).get(IAM_POLICY.name), projects, unread)
        for name, type_, policy in policies.rest(IAM_POLICY.name):
            found = document(name=name, asset_type=type_, data=None, location=None, policy=policy)
            account = _account({"name": name}, projects)
            yield resource(
                account=account,
                document=found,
                unread={RESOURCE_UNREAD: "the export holds its IAM policy only"},
            )
    finally:
        policies.close()


def _lines(path: Path) -> Iterator[tuple[dict[str, Any], str]]:
    for piece in documents(path):
        if not isinstance(piece.value, dict):
            raise UsageError(
                f"{piece.where}: not a JSON object",
                hint="An export has one asset a line, or an array of them.",
            )
        yield piece.value, piece.where


def _resource(
    asset: Mapping[str, Any],
    where: str,
    policy: Mapping[str, Any] | None,
    projects: Projects,
    unread: Mapping[str, str],
) -> Resource:
    body = asset["resource"]
    data, location = body.get("data"), body.get("location")
    if not isinstance(data, dict):
        raise UsageError(f"{where}: `resource` has no `data`", hint="Export with the content type RESOURCE.")
    try:
        found = document(
            name=_name(asset, where),
            asset_type=_type(asset, where),
            data=data,
            location=location if isinstance(location, str) else None,
            policy=policy,
        )
    except DocumentTooDeep as error:
        raise UsageError(f"{where}: {error}") from error
    missing = {**unread, **unasked(found["assetType"], "the export is of resources and IAM policies")}
    return resource(account=_account(asset, projects), document=found, unread=missing)


def _name(asset: Mapping[str, Any], where: str) -> str:
    name = asset.get("name")
    if not isinstance(name, str) or not name.startswith("//"):
        raise UsageError(f"{where}: an asset without a full resource `name`")
    if not name.isascii() and any("\ud800" <= c <= "\udfff" for c in name):
        raise UsageError(f"{where}: a `name` that is not valid Unicode")
    return name


def _type(asset: Mapping[str, Any], where: str) -> str:
    found = asset.get("asset_type", asset.get("assetType"))
    if not isinstance(found, str) or "/" not in found:
        raise UsageError(f"{where}: an asset without an `asset_type`")
    return found


def _policy(asset: Mapping[str, Any]) -> dict[str, Any] | None:
    """A policy in the API's words, whichever way it was written."""
    found = asset.get("iam_policy", asset.get("iamPolicy"))
    if not isinstance(found, dict):
        return None
    out = {key: found[key] for key in ("bindings",) if found.get(key)}
    audits = found.get("audit_configs", found.get("auditConfigs"))
    if isinstance(audits, list):
        out["auditConfigs"] = [_audit(entry) for entry in audits if isinstance(entry, dict)]
    return out


def _audit(entry: Mapping[str, Any]) -> dict[str, Any]:
    configs = entry.get("audit_log_configs", entry.get("auditLogConfigs")) or []
    return {
        "service": entry.get("service"),
        "auditLogConfigs": [
            {
                "logType": _LOG_TYPES.get(kind, kind),
                **({"exemptedMembers": exempted} if exempted else {}),
            }
            for config in configs
            if isinstance(config, dict)
            for kind in [config.get("log_type", config.get("logType"))]
            for exempted in [config.get("exempted_members", config.get("exemptedMembers"))]
        ],
    }


def _learn(asset: Mapping[str, Any], projects: Projects) -> None:
    if asset.get("asset_type", asset.get("assetType")) != _PROJECT or not isinstance(
        asset.get("resource"), dict
    ):
        return
    data = asset["resource"].get("data") or {}
    if data.get("projectId") and data.get("projectNumber"):
        id_ = str(data["projectId"])
        projects.learn(Project(id=id_, number=str(data["projectNumber"]), name=str(data.get("name") or id_)))


def _account(asset: Mapping[str, Any], projects: Projects) -> str:
    """The project's id where the export tells it, else its number, else the closest container."""
    body = asset.get("resource") or {}
    parent = str(body.get("parent") or "").removeprefix("//cloudresourcemanager.googleapis.com/")
    ancestors = [a for a in asset.get("ancestors") or () if isinstance(a, str)]
    named = names.project_in(str(asset["name"]))
    for container in (*ancestors[:1], parent):
        if container.startswith("projects/"):
            number = container.removeprefix("projects/")
            return projects.id_of(number) or (named if named and not names.is_number(named) else number)
    if named:
        return projects.id_of(named) or named
    return next(iter(ancestors), parent) or "unknown"
