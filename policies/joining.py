"""What a policy joins: the related resources as one JSON text, and whom a verdict over many resources is about.

The text is made while the resources stream by, and is bounded: an account whose joined types do not fit gives an unknown
verdict and never a full memory. Beside ``data.inventory`` stands ``data.related``, made from declared relations
(:mod:`providers.relation`): uid -> type -> positions in ``data.inventory[type]``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from policies.policy import Policy
from policies.text import encode_json
from policies.verdict import Message, Outcome, Verdict
from providers.normalise import digest_of
from providers.relation import Relation
from providers.resource import Resource

ACCOUNT_TYPE: Final = "watchstander.account"
"""``input.asset.type`` of a policy over an account."""
ESTATE_TYPE: Final = "watchstander.estate"
"""``input.asset.type`` of a policy over everything."""
LIMIT_MB: Final = 32
"""What the joined resources of one evaluation may take, in MiB of JSON, where nothing else is configured."""
_ENTRY_BYTES: Final = 96
"""What one value of a relation is counted as."""

Assets = Mapping[str, Iterable[Mapping[str, Any]]]


class JoinedInventory(Mapping[str, Iterable[Mapping[str, Any]]]):
    """Related resources by type, each type an iterable that can be gone through again; ``gaps`` says of each type that
    is missing why it is. Items have the form of ``input.asset``, and ``unread`` (field -> cause) beside it."""

    def __init__(
        self, types: Mapping[str, Iterable[Mapping[str, Any]]], gaps: Mapping[str, str] | None = None
    ) -> None:
        self._types = dict(types)
        self.gaps = dict(gaps or {})

    def __getitem__(self, name: str) -> Iterable[Mapping[str, Any]]:
        return self._types[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._types)

    def __len__(self) -> int:
        return len(self._types)


class Unjoinable(Exception):
    """The joined resources cannot be given to a policy; the message says why, and makes the verdict unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """The joined resources, ready for an evaluation."""

    text: bytes
    """JSON text of ``data``: ``{"inventory": …, "related": …}``."""
    digest: bytes
    index: Mapping[tuple[Relation, int], Mapping[str, Sequence[int]]] = field(default_factory=dict)
    """(relation, end) -> value -> positions of the resources that have it there."""

    def related(self, asset: Mapping[str, Any], unread: Mapping[str, str]) -> dict[str, list[int]]:
        """Type -> positions of the joined resources that one resource, joined itself or not, is related to. Raises
        Unjoinable where the field that names them is among its ``unread`` ones."""
        found: dict[str, set[int]] = {}
        for (relation, end), values in self.index.items():
            if relation.ends[1 - end][0] != asset.get("type"):
                continue
            name = _field(relation, 1 - end)
            if name is not None and name in unread:
                raise Unjoinable(
                    f"`{name}` was not read ({unread[name]}), and tells which {relation.ends[end][0]} belong to it"
                )
            for value in relation.values(asset, 1 - end):
                if value in values:
                    found.setdefault(relation.ends[end][0], set()).update(values[value])
        return {kind: sorted(positions) for kind, positions in sorted(found.items())}


def join(
    policy: Policy,
    inventory: Assets,
    relations: Sequence[Relation],
    limit_mb: int,
) -> Joined:
    """The joined types of an inventory as JSON. Raises Unjoinable where it is too much, or where something was not read
    that the policy may read, and Unencodable."""
    return _Joining(policy, relations, limit_mb).run(inventory)


class _Joining:
    """One pass over what is joined."""

    def __init__(self, policy: Policy, relations: Sequence[Relation], limit_mb: int) -> None:
        self._policy = policy
        self._limit_mb = limit_mb
        self._left = limit_mb << 20
        self._ends: dict[str, list[tuple[Relation, int]]] = {}
        if policy.relates:
            # The subject of a policy over single resources need not be joined itself.
            known = policy.joins | policy.types
            for relation in relations:
                if relation.source in known and relation.target in known:
                    for end, (kind, _) in enumerate(relation.ends):
                        self._ends.setdefault(kind, []).append((relation, end))
        self._index: dict[tuple[Relation, int], dict[str, list[int]]] = {}
        self._values: dict[str, list[tuple[tuple[Relation, int], tuple[str, ...]]]] = {}
        """uid -> what it has at the ends of relations."""

    def run(self, inventory: Assets) -> Joined:
        """The whole."""
        # One growing buffer: the pieces themselves are kept in far larger allocations than their own size.
        out = bytearray(b'{"inventory":{')
        for number, kind in enumerate(sorted(self._policy.joins)):
            out += (b"," if number else b"") + encode_json(kind) + b":["
            for position, asset in enumerate(inventory[kind]):
                text = encode_json(self._shown(kind, asset))
                self._take(len(text) + 1)
                if position:
                    out += b","
                out += text
                self._note(kind, position, asset)
            out += b"]"
        out += b"}"
        if self._policy.relates:
            text = encode_json(self._related())
            self._take(len(text))
            out += b',"related":'
            out += text
        out += b"}"
        whole = bytes(out)
        return Joined(text=whole, digest=digest_of([whole]), index=self._index)

    def _take(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            kinds = ", ".join(sorted(self._policy.joins))
            raise Unjoinable(
                f"the joined resources ({kinds}) take more than {self._limit_mb} MiB "
                "(policies.join_limit_mb); name the fields that are needed: `joins: {type: [field]}`"
            )

    def _shown(self, kind: str, asset: Mapping[str, Any]) -> Mapping[str, Any]:
        """The part of an asset that the policy asked for."""
        fields = self._policy.join_fields.get(kind)
        unread = asset.get("unread") or {}
        needed = set(fields) if fields is not None else set(unread)
        needed |= {f for relation, end in self._ends.get(kind, ()) if (f := _field(relation, end))}
        missing = sorted(needed & unread.keys())
        if missing:
            name, uid = missing[0], asset.get("uid", "?")
            raise Unjoinable(f"`{name}` of {uid} was not read ({unread[name]}), and the policy joins {kind}")
        shown = {key: value for key, value in asset.items() if key != "unread"}
        if fields is not None and "document" in shown:
            document = shown["document"]
            shown["document"] = {name: document[name] for name in fields if name in document}
        return shown

    def _note(self, kind: str, position: int, asset: Mapping[str, Any]) -> None:
        held: list[tuple[tuple[Relation, int], tuple[str, ...]]] = []
        for at in self._ends.get(kind, ()):
            relation, end = at
            values = tuple(dict.fromkeys(relation.values(asset, end)))
            if not values:
                continue
            self._take(_ENTRY_BYTES * len(values))
            index = self._index.setdefault(at, {})
            for value in values:
                index.setdefault(value, []).append(position)
            held.append((at, values))
        if held:
            self._values[str(asset.get("uid"))] = held

    def _related(self) -> dict[str, dict[str, list[int]]]:
        out: dict[str, dict[str, list[int]]] = {}
        for uid, held in self._values.items():
            found: dict[str, set[int]] = {}
            for (relation, end), values in held:
                kind = relation.ends[1 - end][0]
                others = self._index.get((relation, 1 - end), {})
                for value in values:
                    if value in others:
                        found.setdefault(kind, set()).update(others[value])
                        self._take(8 * len(others[value]))
            if found:
                out[uid] = {kind: sorted(positions) for kind, positions in found.items()}
        return out


def _field(relation: Relation, end: int) -> str | None:
    return relation.field(relation.ends[end][1])


# Verdicts over many resources


def spread(
    verdict: Verdict, place: Resource, decided: Collection[str], belongs: Mapping[str, str]
) -> list[Verdict]:
    """One verdict over an account or the estate as verdicts about resources.

    A message that names a resource of the place (``{"msg": …, "resource": uid}``) or an account (``"account": id``) is
    about that, any other about ``place`` itself. ``decided`` are the resources with a finding or an unknown of this
    policy in the place: one that is no longer named passes. ``belongs`` maps what may be named (uids, account ids) to
    uids that are in the inventory.

    Where the policy could not be evaluated, only the place is unknown and every finding stays as it is.
    """
    if verdict.outcome is Outcome.UNKNOWN and not verdict.doubts:
        return [verdict._replace(uid=place.uid)]
    fails = _by_uid(verdict.messages, place.uid, belongs)
    doubts = _by_uid(verdict.doubts, place.uid, belongs)
    general = "; ".join(m.text for m in doubts.get(place.uid, ()))
    out = []
    for uid in sorted({place.uid, *decided, *fails, *doubts}):
        messages = tuple(fails.get(uid, ()))
        cause = "; ".join(m.text for m in doubts.get(uid, ())) or general
        outcome = Outcome.FAIL if messages else Outcome.UNKNOWN if cause else Outcome.PASS
        out.append(
            verdict._replace(
                uid=uid,
                outcome=outcome,
                messages=messages,
                warnings=verdict.warnings if uid == place.uid else (),
                doubts=(),
                cause=cause if outcome is Outcome.UNKNOWN else None,
            )
        )
    return out


def named(verdict: Verdict) -> frozenset[str]:
    """Every resource and account that a verdict's messages name."""
    return frozenset(
        str(message.details[key])
        for message in (*verdict.messages, *verdict.doubts)
        for key in ("resource", "account")
        if key in message.details
    )


def _by_uid(messages: Iterable[Message], place: str, belongs: Mapping[str, str]) -> dict[str, list[Message]]:
    found: dict[str, list[Message]] = {}
    for message in messages:
        name = message.details.get("resource", message.details.get("account"))
        uid = place if name is None else belongs.get(str(name), place)
        if name is not None and str(name) not in belongs:
            # Said of something that is not here: it must not be lost, nor be taken for the place's own.
            message = replace(message, text=f"{message.text} (names {name}, which is not in this inventory)")
        found.setdefault(uid, []).append(message)
    return found
