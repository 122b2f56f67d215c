"""One resource as a policy sees it: the documented ``input``, rendered once and shared by all policies that judge it.

Each policy gets only the parts it reads, so that a policy over the Terraform view is not judged again because some
other field of the document moved, and pays for nothing it does not use.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from policies.joining import JoinedInventory
from policies.policy import Language, Phase, Policy
from policies.text import encode_json
from providers.normalise import digest, digest_of, encode, timestamp
from providers.resource import Resource
from providers.terraform import AbsentBlock, TerraformView

TAG_FIELDS = frozenset({"tags", "tagset", "taglist", "tagsset", "tagging", "labels"})
"""Document fields (lower case) that ``input.asset.tags`` is made of."""

FACTS = ("baseline", "coverage", "exemption")
"""What ``input.context`` may hold of a resource beside the phase and the time."""


class ByPolicy(Protocol):
    """A fact that differs from policy to policy."""

    def of(self, policy: Policy) -> Any:
        """The fact for one policy, as JSON values."""
        ...


Inventory = Mapping[str, Iterable[Mapping[str, Any]]]
"""Resource type -> related resources in the form of ``input.asset``. A type is a key only where it was read completely."""


class Subject(NamedTuple):
    """What is judged: a resource, its Terraform view where we have one, and what it may be joined with. A tuple, for millions
    are made."""

    resource: Resource
    view: TerraformView | None = None
    inventory: Inventory | None = None
    context: Mapping[str, Any] = MappingProxyType({})
    """Further facts for ``input.context``, by the names in :data:`FACTS`: JSON values, or :class:`ByPolicy`. A fact that was
    not looked up is not there. A policy is given those it may read. Must not hold the time."""
    no_document: str | None = None
    """Why there is no cloud document at all (a Terraform plan has none); a policy that reads it is then unknown."""

    @property
    def terraform_type(self) -> str | None:
        """The Terraform type of the view."""
        return self.view.type if self.view else None


def asset(resource: Resource, *, document: bool = True) -> dict[str, Any]:
    """``input.asset``."""
    ref = resource.ref
    value: dict[str, Any] = {
        "uid": ref.uid,
        "provider": ref.provider,
        "account": ref.account,
        "region": ref.region,
        "type": ref.type,
        "name": resource.name,
        "tags": dict(resource.tags),
    }
    if document:
        value["document"] = resource.document
    return value


def touches(reads: frozenset[str] | None, path: str) -> bool:
    """Whether a policy that reads these paths may read ``path`` or something below it."""
    if reads is None:
        return True
    return any(r == path or r.startswith(f"{path}.") or path.startswith(f"{r}.") for r in reads)


@dataclass(frozen=True, slots=True)
class Needs:
    """What the paths a policy reads ask of an input; told once for each policy, not for each resource."""

    document: bool
    view: bool
    paths: tuple[tuple[str, ...], ...]
    """Paths below ``asset`` and ``resource``, in parts and a stable order."""
    facts: tuple[str, ...]
    """The facts of :data:`FACTS` it may read."""
    named: tuple[str, ...]
    """Those it reads by name; where one was not looked up, there is no verdict."""


@lru_cache(maxsize=4096)
def needs(reads: frozenset[str] | None) -> Needs:
    """What these paths need."""
    split = [tuple(path.split(".")) for path in sorted(reads or ())]
    return Needs(
        document=touches(reads, "asset.document"),
        view=touches(reads, "resource"),
        paths=tuple(parts for parts in split if parts[0] in ("asset", "resource")),
        facts=tuple(name for name in FACTS if touches(reads, f"context.{name}")),
        named=tuple(name for name in FACTS if any(parts[:2] == ("context", name) for parts in split)),
    )


class Rendered:
    """The parts of one subject's input, each made when first needed."""

    __slots__ = ("_bare", "_contexts", "_full", "_views", "subject")

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self._full: bytes | None = None
        self._bare: bytes | None = None
        self._views: dict[tuple[AbsentBlock, Language], bytes] = {}
        self._contexts: dict[tuple[Phase, tuple[str, ...], str], bytes] = {}

    def input(self, policy: Policy, now: datetime, related: Mapping[str, Any] | None = None) -> bytes:
        """The JSON text. Raises Unencodable.

        It holds the time only where the policy reads the clock, so that it may be digested as it stands.
        """
        needed = needs(policy.reads)
        if needed.document:
            about = self._full = self._full or encode_json(asset(self.subject.resource))
        else:
            about = self._bare = self._bare or encode_json(asset(self.subject.resource, document=False))
        view = self._view(policy) if needed.view else b"{}"
        context = self._context(policy)
        if policy.reads_clock:
            rest = b"," + context[1:] if context != b"{}" else b"}"
            context = b'{"now":' + encode(timestamp(now)) + rest
        end = b"}" if related is None else b',"related":' + encode(related) + b"}"
        return b'{"asset":%b,"context":%b,"resource":%b%b' % (about, context, view, end)

    def _view(self, policy: Policy) -> bytes:
        key = (policy.absent_block, policy.language)
        found = self._views.get(key)
        if found is None:
            view = self.subject.view
            if view is None:
                return b"{}"
            held: dict[str, Any] = {"main": view.render(policy.absent_block)}
            if policy.language is Language.SENTINEL:
                # Its interpreter sees for itself what a policy asks for, so it is told what is not there, and why.
                gaps = {"unread": view.unread, "absent": sorted(view.attributes.keys() - held["main"].keys())}
                held |= {name: gap for name, gap in gaps.items() if gap}
            found = self._views[key] = encode_json({view.type: held})
        return found

    def _context(self, policy: Policy) -> bytes:
        known = self.subject.context
        if not known:
            return _without_facts(policy.phase)
        facts = needs(policy.reads).facts
        own = any(hasattr(known.get(name), "of") for name in facts)
        key = (policy.phase, facts, policy.id if own else "")
        found = self._contexts.get(key)
        if found is None:
            given = {name: known[name] for name in facts if name in known}
            context = {
                name: value.of(policy) if hasattr(value, "of") else value for name, value in given.items()
            }
            context["phase"] = policy.phase.value
            found = self._contexts[key] = encode_json(context)
        return found


@lru_cache
def _without_facts(phase: Phase) -> bytes:
    return encode_json({"phase": phase.value})


def unread(policy: Policy, subject: Subject) -> str | None:
    """Why this policy cannot be answered for this subject: the first unread thing it reads, or None.

    This is the guard of "unread is never absent": it holds before anything is evaluated.
    """
    resource, view = subject.resource, subject.view
    needed = needs(policy.reads)
    if subject.no_document is not None and needed.document:
        return subject.no_document
    for name in needed.named:
        if name not in subject.context:
            return (
                f"the policy reads `input.context.{name}`, which only the watch over a live estate looks up"
            )
    if policy.reads is None:
        missing = {**(view.unread if view else {}), **resource.unread}
        return _blame(missing, "the policy may read anything, and ") if missing else None
    if not resource.unread and not needed.view:
        return None
    for parts in needed.paths:
        if parts[0] == "asset":
            cause = _unread_asset(parts, resource)
        else:
            cause = _unread_view(parts, policy, view)
        if cause is not None:
            return cause
    return None


def _blame(missing: Mapping[str, str], start: str = "") -> str:
    name = min(missing)
    return f"{start}`{name}` was not read: {missing[name]}"


def _unread_asset(parts: tuple[str, ...], resource: Resource) -> str | None:
    if not resource.unread:
        return None
    if len(parts) == 1 or parts[1:] == ("document",):
        return _blame(resource.unread)
    if parts[1] == "document":
        field_name = parts[2]
        if field_name in resource.unread:
            return _blame({field_name: resource.unread[field_name]})
    if parts[1] == "tags":
        missing = {name: cause for name, cause in resource.unread.items() if name.lower() in TAG_FIELDS}
        return _blame(missing) if missing else None
    return None


def _unread_view(parts: tuple[str, ...], policy: Policy, view: TerraformView | None) -> str | None:
    if view is None:
        return "there is no Terraform view of this type, and the policy reads one"
    if len(parts) > 1 and parts[1] != view.type:
        return None if _speaks_of(policy, view.type) else _foreign(policy, view.type)
    if len(parts) > 2 and parts[2] != "main":
        return None
    if policy.language is Language.SENTINEL:
        return None  # what it asks for is seen while it is evaluated
    if len(parts) <= 3:
        return _blame(view.unread) if view.unread else None
    attribute = parts[3]
    if attribute in view.unread:
        return f"attribute {_blame({attribute: view.unread[attribute]})}"
    if attribute not in view.attributes:
        return f"the Terraform view of {view.type} has no attribute `{attribute}`"
    return None


def _speaks_of(policy: Policy, terraform_type: str) -> bool:
    return touches(policy.reads, f"resource.{terraform_type}") or touches(policy.reads, "asset.document")


def _foreign(policy: Policy, terraform_type: str) -> str:
    names = sorted({p.split(".")[1] for p in policy.reads or () if p.startswith("resource.")})
    return f"the policy reads {', '.join(names)}, and this is {terraform_type}"


def uncovered(policy: Policy, inventory: Inventory | None) -> str | None:
    """Why the relations this policy joins cannot be had, or None."""
    if not policy.joins:
        return None
    if inventory is None:
        return "the policy joins data.inventory, and none was given"
    missing = sorted(name for name in policy.joins if name not in inventory)
    if not missing:
        return None
    gap = inventory.gaps.get(missing[0]) if isinstance(inventory, JoinedInventory) else None
    return f"{missing[0]} was not read completely{f' ({gap})' if gap else ''}, and the policy joins it"


def input_digest(text: bytes, unread_cause: str | None, inventory: bytes | None) -> bytes:
    """The digest a verdict hangs on: everything the policy could see (``inventory``: the digest of what it joins), and
    what it could not."""
    if unread_cause is None and inventory is None:
        return digest(text)
    return digest_of([text, (unread_cause or "").encode("utf-8", "replace"), inventory or b""])
