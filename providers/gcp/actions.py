"""What can be changed in Google Cloud: each action with its target, permissions, parameters and undo.

Every action reads the target first, writes only what differs, and keeps the pre-image of exactly what it wrote. Where
the service has a precondition (a bucket's metageneration, Compute's label fingerprint) the write carries it, so that a
change made in between answers 412 and becomes a Conflict.

===============================================  ==============================  ===========================================
action                                           target                          permissions
===============================================  ==============================  ===========================================
gcp.disable_service_account_key                  iam …/ServiceAccountKey         iam.serviceAccountKeys.get, .disable, .enable
gcp.disable_service_account                      iam …/ServiceAccount            iam.serviceAccounts.get, .disable, .enable
gcp.enforce_bucket_public_access_prevention      storage …/Bucket                storage.buckets.get, .update
gcp.disable_firewall                             compute …/Firewall              compute.firewalls.get, .update, networks.updatePolicy
gcp.set_labels                                   compute …/Instance, …/Disk      compute.<type>.get, .setLabels
===============================================  ==============================  ===========================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from providers.errors import Conflict, Refused
from providers.gcp import names
from providers.gcp.catalog import TYPES
from providers.gcp.document import PROVIDER
from providers.gcp.reread import rest_path
from providers.gcp.session import Session
from providers.provider import Action, ActionKind, Receipt
from providers.resource import ResourceRef

Json = Mapping[str, Any]
POLL: Final = 1.0
"""Seconds between two looks at a Compute operation."""
KEY: Final = "iam.googleapis.com/ServiceAccountKey"
ACCOUNT: Final = "iam.googleapis.com/ServiceAccount"
BUCKET: Final = "storage.googleapis.com/Bucket"
FIREWALL: Final = "compute.googleapis.com/Firewall"
LABELLED: Final = frozenset({"compute.googleapis.com/Instance", "compute.googleapis.com/Disk"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Write:
    """A write call: what to send where."""

    method: str
    path: str
    query: Mapping[str, str] | None = None
    body: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """An action: its declaration, what it looks at, what it wants and how it is written."""

    declared: ActionKind
    state: Callable[[Json], dict[str, Any]]
    """The part of the service's representation that the action changes."""
    wanted: Callable[[Json, Json], dict[str, Any]]
    """(parameters, state now) -> the state wanted."""
    write: Callable[[str, Json, Json], _Write]
    """(path, representation now, state wanted) -> the call."""


def _disabled(data: Json) -> dict[str, Any]:
    return {"disabled": bool(data.get("disabled", False))}


def _switch(path: str, _: Json, want: Json) -> _Write:
    return _Write(method="POST", path=f"/v1/{path}:{'disable' if want['disabled'] else 'enable'}", body={})


def _prevention(data: Json) -> dict[str, Any]:
    said = (data.get("iamConfiguration") or {}).get("publicAccessPrevention")
    # "unspecified" is the older word for "inherited"; a write takes only the newer one.
    return {"publicAccessPrevention": "inherited" if said in (None, "unspecified") else said}


def _write_prevention(path: str, data: Json, want: Json) -> _Write:
    return _Write(
        method="PATCH",
        path=f"/storage/v1/b/{path}",
        query={"ifMetagenerationMatch": str(data.get("metageneration", ""))},
        body={"iamConfiguration": dict(want)},
    )


def _write_firewall(path: str, _: Json, want: Json) -> _Write:
    return _Write(method="PATCH", path=f"/compute/v1/{path}", body=dict(want))


def _labels(data: Json) -> dict[str, Any]:
    return {"labels": dict(data.get("labels") or {})}


def _merged(parameters: Json, now: Json) -> dict[str, Any]:
    labels = parameters.get("labels")
    if not isinstance(labels, Mapping) or not labels or not all(isinstance(v, str) for v in labels.values()):
        raise Refused("gcp.set_labels needs `labels`, a map of label to value.")
    return {"labels": {**now["labels"], **labels}}


def _write_labels(path: str, data: Json, want: Json) -> _Write:
    return _Write(
        method="POST",
        path=f"/compute/v1/{path}/setLabels",
        body={"labels": want["labels"], "labelFingerprint": data.get("labelFingerprint", "")},
    )


def _kind(
    name: str, title: str, targets: frozenset[str], permissions: tuple[str, ...], **more: Any
) -> ActionKind:
    return ActionKind(kind=f"gcp.{name}", title=title, target_types=targets, permissions=permissions, **more)


_KINDS = (
    _Kind(
        declared=_kind(
            "disable_service_account_key",
            "Disable a service account key",
            frozenset({KEY}),
            ("iam.serviceAccountKeys.get", "iam.serviceAccountKeys.disable", "iam.serviceAccountKeys.enable"),
        ),
        state=_disabled,
        wanted=lambda _p, _n: {"disabled": True},
        write=_switch,
    ),
    _Kind(
        declared=_kind(
            "disable_service_account",
            "Disable a service account",
            frozenset({ACCOUNT}),
            ("iam.serviceAccounts.get", "iam.serviceAccounts.disable", "iam.serviceAccounts.enable"),
        ),
        state=_disabled,
        wanted=lambda _p, _n: {"disabled": True},
        write=_switch,
    ),
    _Kind(
        declared=_kind(
            "enforce_bucket_public_access_prevention",
            "Enforce public access prevention on a bucket",
            frozenset({BUCKET}),
            ("storage.buckets.get", "storage.buckets.update"),
        ),
        state=_prevention,
        wanted=lambda _p, _n: {"publicAccessPrevention": "enforced"},
        write=_write_prevention,
    ),
    _Kind(
        declared=_kind(
            "disable_firewall",
            "Disable a VPC firewall rule",
            frozenset({FIREWALL}),
            ("compute.firewalls.get", "compute.firewalls.update", "compute.networks.updatePolicy"),
        ),
        state=_disabled,
        wanted=lambda _p, _n: {"disabled": True},
        write=_write_firewall,
    ),
    _Kind(
        declared=_kind(
            "set_labels",
            "Set labels",
            LABELLED,
            (
                "compute.instances.get",
                "compute.instances.setLabels",
                "compute.disks.get",
                "compute.disks.setLabels",
            ),
            parameters={"labels": "a map of label to value; other labels stay"},
        ),
        state=_labels,
        wanted=_merged,
        write=_write_labels,
    ),
)
KINDS: Final[Mapping[str, _Kind]] = MappingProxyType({k.declared.kind: k for k in _KINDS})


class Actor:
    """Changes single resources through a session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def kinds(self) -> dict[str, ActionKind]:
        """What can be asked for."""
        return {name: kind.declared for name, kind in KINDS.items()}

    def observe(self, action: Action) -> dict[str, Any]:
        """The part of the target's present state that the action would change. Raises Gone or another ProviderError."""
        kind = _known(action)
        return kind.state(self._get(action.target))

    def act(self, action: Action) -> Receipt:
        """Make the change, unless it is already so. Raises Refused or another ProviderError."""
        kind = _known(action)
        data = self._get(action.target)
        before = kind.state(data)
        want = kind.wanted(action.parameters, before)
        if before == want:
            return Receipt(action=action, changed=False, before=before, after=before)
        answer = self._write(action.target, kind.write(rest_path(action.target.uid), data, want))
        return Receipt(action=action, changed=True, before=before, after=want, request_id=_request_id(answer))

    def undo(self, receipt: Receipt) -> Receipt:
        """Restore the pre-image. Raises Conflict if the target is no longer as the receipt left it."""
        action = receipt.action
        kind = _known(action)
        data = self._get(action.target)
        now = kind.state(data)
        if not receipt.changed or now == receipt.before:
            return Receipt(action=action, changed=False, before=now, after=now)
        if now != receipt.after:
            raise Conflict(
                f"{action.target.uid}: {action.kind} left {dict(receipt.after)}, but it is {now} now; not undone.",
                hint="Look at what changed it since, and restore it by hand if that is still right.",
            )
        answer = self._write(action.target, kind.write(rest_path(action.target.uid), data, receipt.before))
        return Receipt(
            action=action, changed=True, before=now, after=receipt.before, request_id=_request_id(answer)
        )

    def _get(self, target: ResourceRef) -> dict[str, Any]:
        declared = TYPES[target.type]
        return self._session.rest("GET", declared.service, declared.get.format(path=rest_path(target.uid)))

    def _write(self, target: ResourceRef, call: _Write) -> dict[str, Any]:
        service = TYPES[target.type].service
        answer = self._session.rest(call.method, service, call.path, query=call.query, body=call.body)
        if answer.get("kind") == "compute#operation":
            return self._finished(answer)
        return answer

    def _finished(self, operation: Mapping[str, Any]) -> dict[str, Any]:
        """A Compute operation, once it has ended. Raises Conflict if it failed, TimedOut if it does not end."""
        done: Mapping[str, Any] = operation
        path = names.relative(str(operation.get("selfLink", "")))
        deadline = self._session.deadline()
        while done.get("status") != "DONE":
            self._session.pause(POLL, deadline, path)
            done = self._session.rest("GET", "compute", f"/compute/v1/{path}", deadline=deadline)
        problems = (done.get("error") or {}).get("errors") or []
        if problems:
            first = problems[0]
            raise Conflict(
                f"{path}: {first.get('code')}: {first.get('message')}", code=str(first.get("code"))
            )
        return dict(done)


def _known(action: Action) -> _Kind:
    kind = KINDS.get(action.kind)
    if kind is None:
        raise Refused(f"Google Cloud has no action {action.kind!r}.", hint=f"Known are: {', '.join(KINDS)}.")
    target = action.target
    if target.provider != PROVIDER or target.type not in kind.declared.target_types:
        raise Refused(
            f"{action.kind} is for {', '.join(sorted(kind.declared.target_types))}, not for {target.type} ({target.uid})."
        )
    return kind


def _request_id(answer: Mapping[str, Any]) -> str | None:
    found = answer.get("name") if answer.get("kind") == "compute#operation" else None
    return str(found) if found else None
