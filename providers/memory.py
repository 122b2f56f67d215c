"""The in-memory twin of a cloud: a synthetic estate of any size, made as it is read, that can be changed and broken.

It fulfils the whole :class:`~providers.provider.Provider` protocol without a network, so that the daemon, the store and
the benchmarks run on it. Documents are about 3.3 KB and shaped like a virtual machine's: nested lists of interfaces and
disks, tags, and the handful of fields a cloud adds to everything.

    estate = Estate(resources=200_000, scopes=40)
    provider = MemoryProvider(estate)
    estate.change(uid, {"Encrypted": False})
    estate.fail(scope, Throttled("slow down"), after=50)
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson

from providers.errors import Conflict, Gone, ProviderError, Refused
from providers.normalise import canonical
from providers.provider import (
    Action,
    ActionKind,
    Deed,
    Discovery,
    Event,
    EventKind,
    EventSource,
    Ignored,
    Message,
    PastVersion,
    Receipt,
    Selection,
    Severity,
)
from providers.resource import GLOBAL, Coverage, CoverageStatus, Reading, Resource, ResourceRef, Scope
from providers.terraform import TerraformType, TerraformView, view

TYPES = ("memory.machine", "memory.bucket", "memory.database", "memory.network", "memory.user")
REGIONS = ("north-1", "south-1")
SET_FIELD = "memory.set_field"

_TERRAFORM = {
    type_: TerraformType(
        type_.replace(".", "_"),
        {
            "id": lambda d: d["Id"],
            "name": lambda d: d["Name"],
            "encrypted": lambda d: d["Encrypted"],
            "public": lambda d: d["Public"],
            "logging": lambda d: d["Logging"],
            "tags": lambda d: {t["Key"]: t["Value"] for t in d["Tags"]},
        },
    )
    for type_ in TYPES
}


def _matches(value: str, patterns: frozenset[str]) -> bool:
    return not patterns or any(value == p or (p.endswith("*") and value.startswith(p[:-1])) for p in patterns)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fault:
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
    _faults: dict[Scope, _Fault] = field(default_factory=dict)
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
        return _resource(scope, self.uid(index), _document(index, scope))

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
        resource = _resource(scope, uid, body)
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
            self._faults[scope] = _Fault(error=error, after=after)

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
        """Make a whole account undiscoverable."""
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

    def fault(self, scope: Scope) -> _Fault | None:
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
            tags=_tags(document),
            unread=dict(unread or {}),
        )


class MemoryProvider:
    """A cloud in memory. ``queue`` is its event source; put messages there with :meth:`MemoryQueue.put`."""

    record_lag = timedelta(minutes=5)

    def __init__(self, estate: Estate) -> None:
        self.estate = estate
        self.name = estate.provider
        self.queue = MemoryQueue()
        self.acts: list[Action] = []
        """Every write call made, for asking how often we acted."""

    def discover(self, selection: Selection) -> Discovery:
        """The selected scopes; refused accounts are unread."""
        refused = self.estate.refused()
        chosen = tuple(s for s in self.estate.all_scopes() if _selected(s, selection))
        unread = tuple(
            Coverage(
                scope=Scope(self.name, account, "*", "*"),
                status=refused[account].coverage,
                cause=refused[account].message,
                permission=refused[account].permission,
            )
            for account in sorted({s.account for s in chosen} & set(refused))
        )
        scopes = tuple(s for s in chosen if s.account not in refused)
        return Discovery(
            scopes=scopes, unread=unread, accounts={s.account: f"account {s.account}" for s in scopes}
        )

    def read(self, scope: Scope) -> Reading:
        """One pass over a scope, ending early where a fault is planned."""
        return Reading(scope, self._read(scope))

    def _read(self, scope: Scope) -> Iterator[Resource | Coverage]:
        fault = self.estate.fault(scope)
        read = unread = 0
        for resource in self.estate.read(scope) if fault is None or fault.after else ():
            if fault is not None and read >= fault.after:
                break
            read += 1
            unread += bool(resource.unread)
            yield resource
        if fault is None:
            yield Coverage(scope=scope, status=CoverageStatus.COMPLETE, read=read, details_unread=unread)
            return
        yield Coverage(
            scope=scope,
            status=CoverageStatus.PARTIAL if read else fault.error.coverage,
            read=read,
            details_unread=unread,
            cause=fault.error.message,
            permission=fault.error.permission,
        )

    def reread(self, ref: ResourceRef) -> Resource:
        """The resource as it is now. Raises Gone, or the fault planned for its scope."""
        fault = self.estate.fault(Scope(ref.provider, ref.account, ref.region, ref.type))
        if fault is not None:
            raise fault.error
        return self.estate.get(ref)

    def past(self, ref: ResourceRef, since: datetime) -> Iterable[PastVersion]:
        """What the estate was told to remember."""
        return self.estate.past(ref.uid, since)

    def deeds(self, ref: ResourceRef, since: datetime, until: datetime) -> Iterable[Deed]:
        """What the estate was told that was done."""
        return self.estate.deeds(ref.uid, since, until)

    def parse_event(self, body: Mapping[str, Any]) -> Event | Ignored | None:
        """A message made by :func:`message`. Raises ValueError for one that claims the form and breaks it."""
        if body.get("source") != "watchstander.memory":
            return None
        try:
            at = datetime.fromisoformat(body["time"])
            ref = ResourceRef(**body["ref"]) if body.get("ref") else None
            return Event(
                id=body["id"],
                kind=EventKind(body["kind"]),
                provider=self.name,
                type=body["type"],
                title=body.get("title", body["type"]),
                account=ref.account if ref else body.get("account", ""),
                region=ref.region if ref else body.get("region", GLOBAL),
                occurred_at=at,
                severity=Severity(body.get("severity", "info")),
                actor=body.get("actor"),
                refs=(ref,) if ref else (),
                detail=body.get("detail", {}),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"a memory event lacks or misuses {error}") from error

    def event_sources(self) -> tuple[EventSource, ...]:
        """The one queue."""
        return (self.queue,)

    def action_kinds(self) -> Mapping[str, ActionKind]:
        """One kind: set a top-level field."""
        return {
            SET_FIELD: ActionKind(
                kind=SET_FIELD,
                title="Set one field of a resource",
                target_types=frozenset(TYPES),
                permissions=("memory:SetField",),
                parameters={"field": "the document field", "value": "its new value"},
            )
        }

    def observe(self, action: Action) -> Mapping[str, Any]:
        """The field's value now. Raises Gone, Refused."""
        name = _field(action)
        return {"field": name, "value": self.reread(action.target).document.get(name)}

    def act(self, action: Action) -> Receipt:
        """Set the field, unless it is so already. Raises Gone, Refused."""
        before = self.observe(action)
        wanted = action.parameters.get("value")
        after = {**before, "value": wanted}
        if before["value"] == wanted:
            return Receipt(action=action, changed=False, before=before, after=after)
        self.acts.append(action)
        self.estate.change(action.target.uid, {_field(action): wanted})
        return Receipt(
            action=action, changed=True, before=before, after=after, request_id=f"mem-{len(self.acts)}"
        )

    def undo(self, receipt: Receipt) -> Receipt:
        """Restore the field. Raises Conflict if it is no longer as the receipt left it."""
        if self.observe(receipt.action)["value"] != receipt.after["value"]:
            raise Conflict(f"{receipt.action.target.uid} has changed since.")
        parameters = {"field": receipt.before["field"], "value": receipt.before["value"]}
        return self.act(Action(kind=SET_FIELD, target=receipt.action.target, parameters=parameters))

    def terraform(self, resource: Resource) -> TerraformView | None:
        """A view with a handful of attributes."""
        declared = _TERRAFORM.get(resource.ref.type)
        return view(declared, resource.document, resource.unread) if declared else None

    def deletion_confirmations(self, scope: Scope) -> int:  # noqa: ARG002 - one answer for every scope
        """One: a complete listing is authoritative."""
        return 1

    def terraform_types(self) -> Mapping[str, frozenset[str]]:
        """``memory_machine`` -> ``memory.machine``, …"""
        return {declared.name: frozenset({type_}) for type_, declared in _TERRAFORM.items()}

    def permissions(self, *, contain: bool) -> Mapping[str, Any]:
        """The actions used."""
        return {"actions": ["memory:Read", *(["memory:SetField"] if contain else [])]}

    def close(self) -> None:
        """Nothing is held."""


class MemoryQueue:
    """An at-least-once queue: a message comes again until it is acknowledged."""

    name = "memory"

    def __init__(self) -> None:
        self._waiting: dict[str, Message] = {}
        self._count = 0
        self._filled = threading.Condition()

    def put(self, body: str) -> None:
        """Deliver a message."""
        with self._filled:
            self._count += 1
            number = str(self._count)
            self._waiting[number] = Message(id=number, body=body, receipt=number, source=self.name)
            self._filled.notify_all()

    def receive(self, wait_seconds: float) -> list[Message]:
        """All that is not acknowledged, waiting for a first one."""
        with self._filled:
            self._filled.wait_for(lambda: bool(self._waiting), timeout=wait_seconds)
            return list(self._waiting.values())

    def acknowledge(self, message: Message) -> None:
        """Take it off."""
        with self._filled:
            self._waiting.pop(message.receipt, None)


def message(event: Event) -> str:
    """An event as this cloud's queue carries it."""
    ref = event.refs[0] if event.refs else None
    fields = ("provider", "account", "region", "type", "uid")
    return orjson.dumps(
        {
            "source": "watchstander.memory",
            "id": event.id,
            "kind": event.kind,
            "type": event.type,
            "title": event.title,
            "account": event.account,
            "region": event.region,
            "time": event.occurred_at,
            "severity": event.severity,
            "actor": event.actor,
            "ref": {name: getattr(ref, name) for name in fields} if ref else None,
            "detail": event.detail,
        }
    ).decode()


def _selected(scope: Scope, selection: Selection) -> bool:
    return (
        (not selection.providers or scope.provider in selection.providers)
        and (not selection.accounts or scope.account in selection.accounts)
        and (not selection.regions or scope.region in selection.regions)
        and _matches(scope.type, selection.types)
    )


def _field(action: Action) -> str:
    if action.kind != SET_FIELD or "field" not in action.parameters:
        raise Refused(f"{action.kind} is not something this provider does.")
    return str(action.parameters["field"])


def _resource(scope: Scope, uid: str, document: dict[str, Any]) -> Resource:
    ref = ResourceRef(
        provider=scope.provider, account=scope.account, region=scope.region, type=scope.type, uid=uid
    )
    return Resource(ref=ref, name=str(document.get("Name", uid)), document=document, tags=_tags(document))


def _tags(document: Mapping[str, Any]) -> dict[str, str]:
    tags: Sequence[Mapping[str, str]] = document.get("Tags", ())
    return {t["Key"]: t["Value"] for t in tags}


def _document(index: int, scope: Scope) -> dict[str, Any]:
    """A canonical document of about 3.3 KB that is a function of ``index``."""
    seed = hashlib.sha256(index.to_bytes(8, "big")).hexdigest()
    return {
        "Arn": f"mem:{scope.account}:{scope.region}:{scope.type}/r-{index:012x}",
        "CreatedAt": f"2024-{1 + index % 12:02d}-{1 + index % 28:02d}T08:30:00Z",
        "Encrypted": index % 7 != 0,
        "Id": f"r-{index:012x}",
        "Image": f"img-{seed[:17]}",
        "Interfaces": [
            {
                "Address": f"10.{index >> 16 & 255}.{index >> 8 & 255}.{n}",
                "Association": {"Owner": "cloud", "PublicDnsName": "", "PublicIp": None},
                "Description": f"interface {n} of the machine",
                "Groups": [{"GroupId": f"sg-{seed[n : n + 8]}", "GroupName": "default"}],
                "Id": f"eni-{seed[n + 8 : n + 25]}",
                "MacAddress": "02:42:ac:11:00:02",
                "SourceDestCheck": True,
                "Status": "in-use",
                "SubnetId": f"subnet-{index % 64:017x}",
                "VpcId": f"vpc-{index % 8:017x}",
            }
            for n in range(3)
        ],
        "Logging": [{"TargetBucket": f"logs-{scope.account}", "TargetPrefix": f"{scope.region}/"}]
        if index % 5
        else [],
        "Name": f"{scope.type.rpartition('.')[2]}-{index}",
        "Network": {"Ipv6": False, "SubnetId": f"subnet-{index % 64:017x}", "VpcId": f"vpc-{index % 8:017x}"},
        "Options": {
            name: {"Configured": True, "Effective": name != "Preview", "Source": "template", "Version": 3}
            for name in (
                "Audit",
                "Backup",
                "Maintenance",
                "Metadata",
                "Monitoring",
                "Preview",
                "Scaling",
                "Snapshots",
                "Updates",
                "Watch",
            )
        },
        "Owner": scope.account,
        "Placement": {"AvailabilityZone": f"{scope.region}{'abc'[index % 3]}", "Tenancy": "default"},
        "Public": index % 50 == 0,
        "Region": scope.region,
        "Roles": [{"Arn": f"mem:{scope.account}:global:role/app-{index % 20}", "Id": f"role-{seed[30:46]}"}],
        "State": {"Code": 16, "Name": "running"},
        "Tags": [
            {"Key": "Environment", "Value": ("production", "staging", "test")[index % 3]},
            {"Key": "Name", "Value": f"{scope.type.rpartition('.')[2]}-{index}"},
            {"Key": "Team", "Value": f"team-{index % 25}"},
        ],
        "Volumes": [
            {
                "DeleteOnTermination": True,
                "DeviceName": f"/dev/sd{'abc'[n]}",
                "Encrypted": True,
                "KeyId": f"mem:{scope.account}:{scope.region}:key/{seed[:8]}-{seed[8:12]}-{seed[12:24]}",
                "SizeGiB": 20 * (n + 1),
                "Throughput": 125,
                "Type": "gp3",
                "VolumeId": f"vol-{seed[n + 40 : n + 57]}",
            }
            for n in range(3)
        ],
    }
