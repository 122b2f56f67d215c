"""The REST APIs of the emulated Google Cloud: Storage, Compute, IAM, Resource Manager, KMS, Cloud SQL, Cloud Asset.

A path is turned into the full name of an asset, then read or written in the store. Preconditions are those of the real
services: a bucket's metageneration, Compute's fingerprints, a policy's etag.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import orjson

from providers.sandbox.faults import Call, Fault
from providers.sandbox.gcp.asset_rest import AssetRest
from providers.sandbox.gcp.auditing import tell
from providers.sandbox.gcp.logging import AuditLog
from providers.sandbox.gcp.pubsub import PubSub
from providers.sandbox.gcp.store import Asset, AssetStore, GcpError

Json = dict[str, Any]
COMPUTE_TYPES: Final = {
    "instances": ("Instance", "instance"),
    "disks": ("Disk", "disk"),
    "firewalls": ("Firewall", "firewall"),
    "networks": ("Network", "network"),
    "subnetworks": ("Subnetwork", "subnetwork"),
    "images": ("Image", "image"),
    "snapshots": ("Snapshot", "snapshot"),
}
LINK: Final = "https://www.googleapis.com/compute/v1/"


API_CALLER: Final = "watchstander@sandbox.iam.gserviceaccount.com"
"""Who a call is of that names nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP call."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    body: Any
    base: str
    caller: str = API_CALLER
    """Who the call is recorded as."""

    def one(self, key: str, default: str = "") -> str:
        """A query parameter's last value."""
        return self.query.get(key, [default])[-1]

    def object(self) -> Json:
        """The body as a JSON object. Raises GcpError."""
        if self.body is None:
            return {}
        if not isinstance(self.body, dict):
            raise GcpError("INVALID_ARGUMENT", "The request body must be a JSON object.")
        return self.body


@dataclass(frozen=True, slots=True)
class _Route:
    pattern: re.Pattern[str]
    service: str
    serve: Callable[[Request, re.Match[str]], Any]


_ASSETS = re.compile(
    r"/v1/(?P<parent>(?:projects|folders|organizations)/[^/:]+)(?P<verb>/assets|:batchGetAssetsHistory|:searchAllResources)"
)
_PROJECT = r"/v1/projects/(?P<project>[^/:]+)"
_PLACE = r"/compute/v1/(?P<place>projects/(?P<project>[^/]+)/(?:global|(?:zones|regions)/[^/]+))"
_ACCOUNTS = _PROJECT + (
    r"/serviceAccounts(?:/(?P<account>[^/:]+))?(?P<keys>/keys(?:/(?P<key>[^/:]+))?)?(?::(?P<verb>[A-Za-z]+))?"
)


class Api:
    """Every REST call there is here."""

    def __init__(self, store: AssetStore, pubsub: PubSub, audit_log: AuditLog | None = None) -> None:
        self._audit_log = audit_log or AuditLog()
        self._store = store
        self.clock = store.clock
        self._pubsub = pubsub
        self._assets = AssetRest(store)
        table: tuple[tuple[str, str, Callable[[Request, re.Match[str]], Any]], ...] = (
            (r"/storage/v1/b", "storage", self._buckets),
            (r"/storage/v1/b/(?P<name>[^/]+)", "storage", self._bucket),
            (r"/storage/v1/b/(?P<name>[^/]+)/iam", "storage", self._bucket_iam),
            (
                _PLACE + r"/operations/(?P<name>[^/]+)",
                "compute",
                lambda request, m: self._operation(request, m["place"], m["name"]),
            ),
            (
                _PLACE + r"/(?P<collection>[a-z]+)(?:/(?P<name>[^/]+))?(?:/(?P<verb>[A-Za-z]+))?",
                "compute",
                self._compute,
            ),
            (
                _ACCOUNTS,
                "iam",
                self._iam,
            ),
            (
                _PROJECT + r"/(?P<path>locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/:]+)(?::(?P<verb>\w+))?",
                "cloudkms",
                lambda request, m: self._plain(
                    request, f"//cloudkms.googleapis.com/projects/{m['project']}/{m['path']}", m["verb"]
                ),
            ),
            (
                _PROJECT + r"/instances/(?P<name>[^/:]+)",
                "sqladmin",
                lambda request, m: self._plain(
                    request, f"//cloudsql.googleapis.com/projects/{m['project']}/instances/{m['name']}", None
                ),
            ),
            (_PROJECT + r"/subscriptions/(?P<name>[^/:]+):(?P<verb>\w+)", "pubsub", self._subscription),
            (r"/v2/entries:list", "logging", lambda request, _: self._audit_log.list(request.object())),
            (r"/v1/projects", "cloudresourcemanager", self._projects),
            (_PROJECT + r"(?::(?P<verb>\w+))?", "cloudresourcemanager", self._project),
            (
                r"/v3/(?P<path>(?:folders|organizations)/[^/:]+):(?P<verb>[gs]etIamPolicy)",
                "cloudresourcemanager",
                lambda request, m: self._plain(
                    request, f"//cloudresourcemanager.googleapis.com/{m['path']}", m["verb"]
                ),
            ),
        )
        self._routes = tuple(_Route(re.compile(pattern), service, serve) for pattern, service, serve in table)

    def route(self, request: Request) -> tuple[Call, Callable[[Fault | None], Any]]:
        """What a request is, for the fault plan, and how to answer it. Raises GcpError for a path nobody serves."""
        asked = _ASSETS.fullmatch(request.path)
        if asked is not None:
            verbs = {"/assets": "ListAssets", ":searchAllResources": "SearchAllResources"}
            operation = verbs.get(asked["verb"], "BatchGetAssetsHistory")
            return self._assets.route(operation, asked["parent"], request.query)
        for route in self._routes:
            found = route.pattern.fullmatch(request.path)
            if found is None:
                continue
            parts = found.groupdict()
            call = Call(
                account=parts.get("project") or self._project_of(parts),
                service=route.service,
                operation=request.method,
                resource=parts.get("key") or parts.get("name") or parts.get("account") or "",
            )
            return call, partial(_served, route.serve, request, found)
        raise GcpError("NOT_FOUND", f"The requested URL {request.path} was not found on this server.")

    def _project_of(self, parts: Mapping[str, Any]) -> str:
        """A bucket's project: its path does not say it."""
        bucket = self._store.find(f"//storage.googleapis.com/{parts.get('name')}")
        number = bucket.ancestors[0].removeprefix("projects/") if bucket else ""
        return next((id_ for id_, n in self._store.projects().items() if n == number), "")

    # -- Storage -----------------------------------------------------------------------------------------------

    def _buckets(self, request: Request, _: re.Match[str]) -> Json:
        number = self._store.projects().get(request.one("project"))
        buckets = [
            data
            for _, data in self._store.living("//storage.googleapis.com/")
            if data["projectNumber"] == number
        ]
        return {"kind": "storage#buckets", "items": buckets}

    def _bucket(self, request: Request, found: re.Match[str]) -> Json:
        name = f"//storage.googleapis.com/{found['name']}"
        if request.method == "GET":
            return self._store.data(name)
        if request.method != "PATCH":
            raise _not_allowed(request)
        wanted = request.one("ifMetagenerationMatch")
        body = request.object()

        def change(data: Json) -> None:
            if wanted and wanted != data["metageneration"]:
                raise GcpError(
                    "FAILED_PRECONDITION",
                    "At least one of the pre-conditions you specified did not hold.",
                    reason="conditionNotMet",
                )
            merge(data, body)

        changed = self._store.change(name, change)
        self._tell(request, name, "PATCH")
        return changed

    def _bucket_iam(self, request: Request, found: re.Match[str]) -> Json:
        name = f"//storage.googleapis.com/{found['name']}"
        self._store.asset(name)
        policy = self._policy(request, name, "PUT", "")
        return {"kind": "storage#policy", "resourceId": f"projects/_/buckets/{found['name']}", **policy}

    # -- Compute -----------------------------------------------------------------------------------------------

    def _compute(self, request: Request, found: re.Match[str]) -> Json:
        collection, name, verb = found["collection"], found["name"], found["verb"]
        if collection not in COMPUTE_TYPES:
            raise GcpError("NOT_FOUND", f"The resource {request.path} was not found")
        prefix = f"//compute.googleapis.com/{found['place']}/{collection}/"
        if name is None:
            if request.method == "POST":
                return self._insert(request, found)
            items = [data for full, data in self._store.living(prefix) if "/" not in full[len(prefix) :]]
            return {"kind": f"compute#{COMPUTE_TYPES[collection][1]}List", "items": items}
        full = prefix + name
        if verb in ("getIamPolicy", "setIamPolicy"):
            self._store.asset(full)
            return self._policy(request, full, "POST", verb)
        if verb == "setLabels":
            return self._set_labels(request, full, found["place"])
        if verb is not None:
            raise _not_allowed(request)
        if request.method == "GET":
            return self._store.data(full)
        if request.method == "DELETE":
            self._store.delete(full)
        elif request.method == "PATCH":
            body = request.object()
            self._store.change(full, lambda data: merge(data, body))
        else:
            raise _not_allowed(request)
        answer = self._operation(request, found["place"], f"operation-{name}")
        self._tell(
            request, full, request.method, operation={"id": answer["name"], "first": True, "last": True}
        )
        return answer

    def _tell(self, request: Request, full: str, verb: str, **more: Any) -> None:
        """Write a change that was made into the audit log."""
        tell(self._audit_log, self._store, full, verb, request.caller, **more)

    def _insert(self, request: Request, found: re.Match[str]) -> Json:
        body, collection = request.object(), found["collection"]
        name = body.get("name")
        if not isinstance(name, str) or not re.fullmatch(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", name):
            raise GcpError("INVALID_ARGUMENT", "Invalid value for field 'resource.name'.")
        number = self._store.projects().get(found["project"])
        project = f"//cloudresourcemanager.googleapis.com/projects/{number}"
        type_, kind = COMPUTE_TYPES[collection]
        path = f"{found['place']}/{collection}/{name}"
        place = re.search(r"/(?:zones|regions)/([^/]+)$", found["place"])
        data = {**body, "kind": f"compute#{kind}", "selfLink": LINK + path, "id": _number(path)}
        data.setdefault("creationTimestamp", self._store.clock().isoformat())
        if collection == "firewalls":
            data = {
                "direction": "INGRESS",
                "priority": 1000,
                "disabled": False,
                "logConfig": {"enable": False},
            } | data
        if collection == "instances":
            data.setdefault("status", "RUNNING")
        asset = Asset(
            name=f"//compute.googleapis.com/{path}",
            type=f"compute.googleapis.com/{type_}",
            location=place[1] if place else "global",
            parent=project,
            ancestors=self._store.asset(project).ancestors,
        )
        self._store.add(asset, data)
        self._tell(request, asset.name, "POST")
        return self._operation(request, found["place"], f"operation-{name}")

    def _set_labels(self, request: Request, full: str, place: str) -> Json:
        body = request.object()

        def change(data: Json) -> None:
            if body.get("labelFingerprint", "") != data.get("labelFingerprint", ""):
                raise GcpError(
                    "FAILED_PRECONDITION",
                    "Labels fingerprint either invalid or resource labels have changed",
                    reason="conditionNotMet",
                )
            data["labels"] = body.get("labels", {})

        self._store.change(full, change)
        self._tell(request, full, "setLabels")
        return self._operation(request, place, "operation-labels")

    @staticmethod
    def _operation(request: Request, place: str, name: str) -> Json:
        del request
        return {
            "kind": "compute#operation",
            "name": name,
            "status": "DONE",
            "progress": 100,
            "selfLink": f"{LINK}{place}/operations/{name}",
        }

    # -- IAM ---------------------------------------------------------------------------------------------------

    def _iam(self, request: Request, found: re.Match[str]) -> Json:
        prefix = f"//iam.googleapis.com/projects/{found['project']}/serviceAccounts/"
        if found["account"] is None:
            accounts = [d for full, d in self._store.living(prefix) if "/keys/" not in full]
            return {"accounts": accounts}
        full = self._account(found["project"], found["account"])
        if found["keys"]:
            if found["key"] is None:
                return {"keys": [data for _, data in self._store.living(f"{full}/keys/")]}
            full = f"{full}/keys/{found['key']}"
        verb = found["verb"]
        if verb in ("disable", "enable") and request.method == "POST":
            if self._store.data(full).get("keyType") == "SYSTEM_MANAGED":
                raise GcpError("FAILED_PRECONDITION", "System managed keys cannot be disabled.")
            self._store.change(full, lambda data: data.update(disabled=verb == "disable"))
            self._tell(request, full, verb)
            return {}
        return self._plain(request, full, verb)

    def _account(self, project: str, account: str) -> str:
        """A service account by unique id or e-mail address, in its project or in any (``-``)."""
        for full, data in self._store.living("//iam.googleapis.com/projects/"):
            owner = data.get("projectId")
            if account in (data.get("uniqueId"), data.get("email")) and project in ("-", owner):
                return full
        raise GcpError("NOT_FOUND", f"Unknown service account {account}")

    # -- Resource Manager, KMS, SQL ----------------------------------------------------------------------------

    def _subscription(self, request: Request, found: re.Match[str]) -> Json:
        if request.method != "POST":
            raise _not_allowed(request)
        name = f"projects/{found['project']}/subscriptions/{found['name']}"
        if found["verb"] == "publish":  # ours: a topic of the same name is not modelled
            return {"messageIds": [self._pubsub.publish(name, request.object())]}
        return self._pubsub.serve(name, found["verb"], request.object())

    def _projects(self, _: Request, __: re.Match[str]) -> Json:
        found = self._store.living("//cloudresourcemanager.googleapis.com/projects/")
        return {"projects": [data for _, data in found]}

    def _project(self, request: Request, found: re.Match[str]) -> Json:
        number = self._store.projects().get(found["project"], found["project"])
        return self._plain(request, f"//cloudresourcemanager.googleapis.com/projects/{number}", found["verb"])

    def _plain(self, request: Request, full: str, verb: str | None) -> Json:
        self._store.asset(full)
        if verb in ("getIamPolicy", "setIamPolicy"):
            return self._policy(request, full, "POST", verb)
        if verb == "listOrgPolicies" and request.method == "POST":
            return {"policies": self._store.part(full, "orgPolicy") or []}
        if verb is None and request.method == "GET":
            return self._store.data(full)
        if verb is None and request.method == "PATCH":
            body = request.object()
            changed = self._store.change(full, lambda data: merge(data, body))
            self._tell(request, full, "PATCH")
            return changed
        raise _not_allowed(request)

    def _policy(self, request: Request, full: str, writes: str, verb: str) -> Json:
        now = self._store.policy(full)
        if request.method == writes and verb in ("", "setIamPolicy"):
            body = request.object()
            policy = body.get("policy", body)
            if policy.get("etag") not in (None, _etag(now)):
                raise GcpError("ABORTED", "There were concurrent policy changes.")
            now = {key: policy[key] for key in ("bindings", "auditConfigs") if policy.get(key)}
            self._store.set_policy(full, now or None)
            self._tell(request, full, "setIamPolicy")
        return {"version": 1, "etag": _etag(now), **now}


def _served(
    serve: Callable[[Request, re.Match[str]], Any], request: Request, found: re.Match[str], _: Fault | None
) -> Any:
    return serve(request, found)


def merge(data: Json, patch: Mapping[str, Any]) -> None:
    """JSON merge patch, in place: null removes, objects merge, all else replaces."""
    for key, value in patch.items():
        if value is None:
            data.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(data.get(key), dict):
            merge(data[key], value)
        else:
            data[key] = value


def _not_allowed(request: Request) -> GcpError:
    return GcpError("UNIMPLEMENTED", f"{request.method} {request.path} is not served by this emulator.")


def _number(text: str) -> str:
    return str(int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "big"))


def _etag(policy: Mapping[str, Any]) -> str:
    return hashlib.sha256(orjson.dumps(policy, option=orjson.OPT_SORT_KEYS)).hexdigest()[:12]
