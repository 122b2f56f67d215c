"""What each ARM path answers: the emulator's API, apart from how it travels."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from providers.sandbox.azure import catalog
from providers.sandbox.azure.activity import ActivityLog
from providers.sandbox.azure.arm import ArmError, ArmStore, Caller, type_of
from providers.sandbox.azure.graph import Graph
from providers.sandbox.azure.groups import TENANT

READER_PERMISSIONS: tuple[dict[str, Any], ...] = (
    {"actions": ["*"], "notActions": [], "dataActions": [], "notDataActions": []},
)


API_CALLER = Caller(name="watchstander", kind="Application", client="Azure Resource Manager")
"""Who a call is of that names nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One call. ``query`` has lower-cased keys; ``half`` asks for half of the first page (a fault)."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any = None
    half: bool = False
    base: str = ""
    tenant: str | None = None
    """The tenant the token is of; None: a token that is good in all of them."""
    caller: Caller = API_CALLER
    """Who the call is recorded as."""

    @property
    def parts(self) -> list[str]:
        """The path's segments."""
        return [p for p in self.path.split("/") if p]


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Api:
    """Answers calls over a store."""

    def __init__(self, store: ArmStore, clock: Callable[[], datetime]) -> None:
        self.store = store
        self.page_size = 1000
        self._clock = clock
        self._lock = threading.Lock()
        self._narrowed: dict[str, str] = {}
        self.activity = ActivityLog()
        self.graph = Graph(store, clock, self.visible)

    # What the caller may read

    def narrow(self, subscription: str, group: str) -> None:
        """Let the caller read one resource group of a subscription only, as a role assigned there would."""
        with self._lock:
            self._narrowed[subscription.lower()] = group.lower()

    def widen(self) -> None:
        """Let the caller read everything again."""
        with self._lock:
            self._narrowed.clear()

    def visible(self, resource_id: str) -> bool:
        """Whether the caller may read a resource."""
        parts = resource_id.lower().split("/")
        with self._lock:
            group = self._narrowed.get(parts[2] if len(parts) > 2 else "")
        return group is None or (len(parts) > 4 and parts[4] == group)

    def _require_visible(self, request: Request) -> None:
        if not self.visible(request.path):
            raise denied(request)

    # Routes

    def answer(self, request: Request) -> Answer:
        """Answer a call. Raises ArmError for what ARM would refuse."""
        parts = [p.lower() for p in request.parts]
        if "api-version" not in request.query:
            raise ArmError(
                400,
                "MissingApiVersionParameter",
                "The api-version query parameter (?api-version=) is required for all requests.",
            )
        if parts == ["providers", "microsoft.resourcegraph", "resources"]:
            return self._graph(request)
        if parts == ["tenants"]:
            # Whoever calls is known in every tenant that has a subscription here.
            known = sorted({TENANT, *(str(one["tenantId"]) for one in self.store.subscriptions(None))})
            return Answer(200, {"value": [{"id": f"/tenants/{t}", "tenantId": t} for t in known]})
        if parts == ["subscriptions"]:
            return self._page(request, self.store.subscriptions(request.tenant))
        if parts[:1] == ["providers"]:
            return self._above(request, parts)
        if not parts or parts[0] != "subscriptions":
            raise ArmError(404, "InvalidResourceType", f"No such route: {request.path}")
        subscription = self.store.subscription(parts[1])
        self.store.refuse_foreign(subscription, request.tenant)
        rest = parts[2:]
        if not rest:
            return Answer(200, subscription)
        return self._under_subscription(request, rest)

    def _under_subscription(self, request: Request, rest: list[str]) -> Answer:
        prefix = "/" + "/".join(request.parts[:2])
        if rest[-3:] == ["providers", "microsoft.authorization", "permissions"]:
            return self._permissions(request)
        if rest[-4:] == ["providers", "microsoft.resources", "tags", "default"]:
            return self._tags(request)
        if rest == ["providers", "microsoft.insights", "eventtypes", "management", "values"]:
            return self._page(request, self.activity.find(prefix, request.query.get("$filter")))
        if rest == ["locations"]:
            names = [{"id": f"{prefix}/locations/{n}", "name": n} for n in catalog.LOCATIONS]
            return Answer(200, {"value": names})
        if (rest[0] == "providers" and len(rest) <= 2) or rest[2:3] == ["register"]:
            return self._providers(request, rest)
        if rest == ["resourcegroups"]:
            self._require_visible(request)
            groups = [d for d in self.store.items(f"{prefix}/resourcegroups/") if d["id"].count("/") == 4]
            return self._page(request, groups)
        if rest[-1] == "resources" and len(rest) in (1, 3):
            scope = "/" + "/".join(request.parts[:-1])
            wanted = _of_types(request.query.get("$filter"))
            found = [
                d
                for d in self.store.items(f"{scope}/")
                if "/providers/" in d["id"].lower() and (wanted is None or d["type"].lower() in wanted)
            ]
            found = [d for d in found if self.visible(d["id"])]
            return self._page(request, [{k: v for k, v in d.items() if k != "properties"} for d in found])
        return self._resource(request)

    def _above(self, request: Request, parts: list[str]) -> Answer:
        """What belongs to no subscription: management groups, what is attached to one, or to the root of the tenant."""
        foreign = request.tenant is not None and request.tenant not in self.store.groups.tenants
        if foreign and parts == ["providers", "microsoft.management", "managementgroups"]:
            return Answer(200, {"value": []})
        if foreign:
            raise denied(request)
        group = parts[1:3] == ["microsoft.management", "managementgroups"]
        if group and (len(parts) in (3, 4) or parts[4:] == ["descendants"]):
            return self._groups(request, parts[3:])
        if parts[-5:] == ["providers", "microsoft.insights", "eventtypes", "management", "values"]:
            place = "/" + "/".join(request.parts[:-5]) if group else ""
            return self._page(request, self.activity.find(place, request.query.get("$filter")))
        attached = parts[4:] if group else parts
        if attached[:1] != ["providers"] or len(attached) < 3 or not (group or parts[2] == "roleassignments"):
            raise ArmError(404, "InvalidResourceType", f"No such route: {request.path}")
        if group and len(attached) == 3:
            return self._at_group(request, parts[3], "/".join(attached[1:]))
        return self._resource(request)

    def _at_group(self, request: Request, group: str, kind: str) -> Answer:
        condition = request.query.get("$filter")
        try:
            scopes = self.store.groups.scopes(group, condition)
        except LookupError:
            raise ArmError(404, "NotFound", f"Management group '{group}' could not be found.") from None
        except ValueError:
            raise ArmError(400, "InvalidFilterInQueryString", f"Invalid $filter '{condition}'.") from None
        found = [d for s in scopes for d in self.store.items(f"{s}/providers/{kind}/")]
        if kind == "microsoft.insights/diagnosticsettings":
            found = [{**d, "id": d["id"].lstrip("/")} for d in found]  # as the service has it
        return self._page(request, found)

    def _resource(self, request: Request) -> Answer:
        lowered = [p.lower() for p in request.parts]
        if "providers" in lowered:
            tail = request.parts[len(lowered) - lowered[::-1].index("providers") :]
            if lowered[0] == "subscriptions":
                self._require_registered(request.parts[1], tail[0])
            if len(tail) % 2 == 0:
                return self._collection(request, tail)
            self._require_version(request, tail)
        self._require_visible(request)
        path = "/" + "/".join(request.parts)
        if request.method in ("GET", "HEAD"):
            found = self.store.get(path)
            return Answer(
                204 if request.method == "HEAD" else 200, None if request.method == "HEAD" else found
            )
        if request.method == "DELETE":
            deleted = self.store.delete(path, request.caller)
            self._log(request, path, "delete")
            return Answer(200 if deleted else 204)
        if not isinstance(request.body, Mapping):
            raise ArmError(
                400, "InvalidRequestContent", "The request content was invalid and could not be deserialized."
            )
        if request.method == "PUT":
            stored, new = self.store.put(path, request.body, request.caller)
            self._log(request, stored["id"], "write")
            return Answer(201 if new else 200, stored)
        if request.method == "PATCH":
            patched = self.store.patch(path, request.body, request.caller)
            self._log(request, patched["id"], "write")
            return Answer(200, patched)
        raise ArmError(405, "MethodNotAllowed", f"{request.method} is not supported here.")

    def _log(self, request: Request, resource_id: str, verb: str) -> None:
        """Remember a change in the activity log, as Azure Resource Manager does for each."""
        self.activity.record(
            resource_id, f"{type_of(resource_id)}/{verb}", self._clock(), request.caller.name
        )

    def _require_registered(self, subscription: str, namespace: str) -> None:
        if not self.store.registered(subscription, namespace):
            spelled = catalog.namespace(namespace) or namespace
            raise ArmError(
                409,
                "MissingSubscriptionRegistration",
                f"The subscription is not registered to use namespace '{spelled}'. "
                "See https://aka.ms/rps-not-found for how to register subscriptions.",
            )

    def _require_version(self, request: Request, tail: list[str]) -> None:
        kind = "/".join([tail[0], *tail[1::2]])
        known = catalog.versions(kind)
        if not known and catalog.namespace(tail[0]) is None:
            raise ArmError(404, "InvalidResourceNamespace", f"The resource namespace '{tail[0]}' is invalid.")
        asked = request.query["api-version"]
        if asked not in known:
            raise ArmError(
                400,
                "NoRegisteredProviderFound",
                f"No registered resource provider found for location 'westeurope' and API version '{asked}' for type "
                f"'{kind.partition('/')[2]}'. The supported api-versions are '{', '.join(known)}'.",
            )

    def _collection(self, request: Request, tail: list[str]) -> Answer:
        self._require_visible(request)
        if request.method != "GET":
            raise ArmError(405, "MethodNotAllowed", f"{request.method} is not supported on a collection.")
        kind = "/".join([tail[0], *tail[1::2]]).lower()
        scope = "/" + "/".join(request.parts[: -len(tail) - 1])
        if len(tail) > 2:
            scope = "/" + "/".join(request.parts[:-1])
        found = [d for d in self.store.items(f"{scope}/") if type_of(d["id"]).lower() == kind]
        if kind == "microsoft.insights/diagnosticsettings":
            # Those of the resource itself, where a list of locks goes down to everything below.
            own = f"{scope}/providers/{kind}/".lower()
            found = [d for d in found if d["id"].lower().startswith(own)]
        return self._page(request, found)

    def _groups(self, request: Request, rest: list[str]) -> Answer:
        """Management groups: the list, one, or what is below one. All are of one tenant."""
        if not rest:
            return self._page(request, self.store.groups.documents())
        try:
            if len(rest) == 1:
                return Answer(200, self.store.groups.document(rest[0]))
            if rest[1] == "descendants":
                below = self.store.groups.descendants(rest[0], self.store.subscriptions())
                return self._page(request, below)
        except LookupError:
            name = f"/providers/Microsoft.Management/managementGroups/{rest[0]}"
            raise ArmError(404, "NotFound", f"'{name}' could not be found.") from None
        raise ArmError(404, "InvalidResourceType", f"No such route: {request.path}")

    def _page(self, request: Request, items: Iterable[Any]) -> Answer:
        everything = list(items)
        try:
            start = int(request.query.get("$skiptoken", "0"))
            top = max(1, int(request.query.get("$top", self.page_size)))
        except ValueError:
            raise ArmError(400, "InvalidParameter", "The $skiptoken or $top is not valid.") from None
        page = everything[start : start + top]
        if request.half:
            page = page[: max(1, len(page) // 2)]
        body: dict[str, Any] = {"value": page}
        if start + len(page) < len(everything) or request.half:
            version = request.query["api-version"]
            body["nextLink"] = (
                f"{request.base}{request.path}?api-version={version}&$skiptoken={start + len(page)}"
            )
        return Answer(200, body)

    def _providers(self, request: Request, rest: list[str]) -> Answer:
        subscription = request.parts[1]
        if len(rest) == 1:
            value = [
                catalog.provider_document(subscription, n, registered=self.store.registered(subscription, n))
                for n in catalog.NAMESPACES
            ]
            return self._page(request, value)
        name = catalog.namespace(rest[1])
        if name is None:
            raise ArmError(404, "InvalidResourceNamespace", f"The resource namespace '{rest[1]}' is invalid.")
        if rest[2:] == ["register"]:
            if request.method != "POST":
                raise ArmError(405, "MethodNotAllowed", "Registering is a POST.")
            self.store.register(subscription, name)
        registered = self.store.registered(subscription, name)
        return Answer(200, catalog.provider_document(subscription, name, registered=registered))

    def _permissions(self, request: Request) -> Answer:
        visible = self.visible("/" + "/".join(request.parts[:-3]))
        return Answer(200, {"value": list(READER_PERMISSIONS) if visible else []})

    def _tags(self, request: Request) -> Answer:
        scope = "/" + "/".join(request.parts[:-4])
        self._require_visible(request)
        tags: dict[str, str] = dict(self.store.get(scope).get("tags") or {})
        if request.method in ("PUT", "PATCH"):
            if not isinstance(request.body, Mapping):
                raise ArmError(400, "InvalidRequestContent", "The request content was invalid.")
            given: dict[str, str] = dict((request.body.get("properties") or {}).get("tags") or {})
            operation = (
                "Replace" if request.method == "PUT" else str(request.body.get("operation", "Replace"))
            )
            # Tag names compare without case; the casing first given stays.
            lowered = {k.lower(): k for k in tags}
            if operation == "Delete":
                for key in given:
                    tags.pop(lowered.get(key.lower(), key), None)
            else:
                tags = {} if operation == "Replace" else tags
                for key, value in given.items():
                    tags[lowered.get(key.lower(), key) if operation == "Merge" else key] = value
            self.store.patch(scope, {"tags": tags}, request.caller)
            self._log(request, scope, "write")
        elif request.method != "GET":
            raise ArmError(405, "MethodNotAllowed", f"{request.method} is not supported here.")
        body = {
            "id": f"{scope}/providers/Microsoft.Resources/tags/default",
            "name": "default",
            "type": "Microsoft.Resources/tags",
            "properties": {"tags": tags},
        }
        return Answer(200, body)

    def _graph(self, request: Request) -> Answer:
        if request.method != "POST" or not isinstance(request.body, Mapping):
            raise ArmError(400, "BadRequest", "Please provide below info when asking for support.")
        known = {s["subscriptionId"].lower() for s in self.store.subscriptions(request.tenant)}
        asked = [str(s).lower() for s in request.body.get("subscriptions") or known]
        allowed = [s for s in asked if s in known]
        if not allowed:
            raise denied(request)
        headers = self.graph.quota.spend(self._clock())
        return Answer(200, self.graph.query(request.body, allowed, half=request.half), headers)


_FILTER = re.compile(r"resourceType\s+eq\s+'([^']+)'(?:\s+or\s+|\s*$)", re.IGNORECASE)


def _of_types(condition: str | None) -> frozenset[str] | None:
    """The types (lower case) a ``$filter`` asks for; None for no filter. Raises ArmError for one we do not know."""
    if condition is None:
        return None
    found = _FILTER.findall(condition)
    if _FILTER.sub("", condition).strip() or not found:
        raise ArmError(
            400, "InvalidFilterInQueryString", f"Invalid $filter '{condition}' specified in the query."
        )
    return frozenset(name.lower() for name in found)


def denied(request: Request) -> ArmError:
    """AuthorizationFailed, with the action the call needs in its message."""
    verb = {"GET": "read", "HEAD": "read", "DELETE": "delete", "POST": "action"}.get(request.method, "write")
    scope = "/" + "/".join(request.parts)
    if scope.lower() == "/providers/microsoft.resourcegraph/resources":
        action = "Microsoft.ResourceGraph/resources/read"
    elif "/providers/" in scope.lower():
        action = f"{type_of(scope.rstrip('/'))}/{verb}"
    else:
        action = (
            f"Microsoft.Resources/subscriptions{'/resourceGroups' if scope.count('/') > 2 else ''}/{verb}"
        )
    return ArmError(
        403,
        "AuthorizationFailed",
        "The client 'watchstander' with object id '11111111-2222-4333-8444-555555555555' does not have authorization to "
        f"perform action '{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, please "
        "refresh your credentials.",
    )
