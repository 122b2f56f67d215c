"""A plan's or state's resources with what stands beside them folded in (:mod:`providers.split`).

What a part belongs to is told by the value that names the owner, or, where that is known only after apply, by what the
configuration refers to. A part that is destroyed, or not known in full, leaves the owner's attribute unread.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final

from policies.planfile import PLANNED, STATE, managed_in
from providers.jsonstream import ELEMENT, Piece
from providers.split import SPLITS, Split

UNKNOWN_UNTIL_APPLY: Final = "known only after apply"
_BY_TYPE: Final[Mapping[str, list[Split]]] = {
    type_: [split for split in SPLITS if split.type == type_] for type_ in {split.type for split in SPLITS}
}
_OWNERS: Final = frozenset(split.owner for split in SPLITS)
_INDEX: Final = re.compile(r'\[(?:\d+|"(?:\\.|[^"\\])*")\]')
_REFERENCE: Final = re.compile(r'(\w+\.[\w-]+)(\[(?:\d+|"(?:\\.|[^"\\])*")\])?')

Key = tuple[str, ...]


class Parts:
    """The parts of a file, and whose they are. Shown every value by :meth:`see`, then asked for each owner."""

    def __init__(self) -> None:
        self._parts: list[tuple[str, Mapping[str, Any]]] = []
        self._destroyed: dict[Key, list[Split]] = defaultdict(list)
        self._references: dict[str, Mapping[str, Any]] = {}
        self._of: dict[Key, list[tuple[Split, Mapping[str, Any], frozenset[str]]]] = defaultdict(list)

    def see(self, piece: Piece) -> None:
        """Keep what is a part, or says whose a part is."""
        value = piece.value
        if not isinstance(value, Mapping) or not _may_be_part(value):
            return
        if piece.path == ("resource_changes", ELEMENT):
            self._see_change(value)
        elif piece.path[0] in (PLANNED, STATE) and (part := managed_in(piece)) is not None:
            self.add(str(part.get("address")), part)
        elif piece.path[0] == "configuration":
            calls = [
                name
                for before, name in zip(piece.path, piece.path[1:], strict=False)
                if before == "module_calls"
            ]
            address = ".".join([*(f"module.{name}" for name in calls), str(value.get("address"))])
            self._references[address] = _mapping(value.get("expressions"))

    def add(self, address: str, part: Mapping[str, Any]) -> None:
        """Keep a part."""
        if _may_be_part(part):
            self._parts.append((address, part))

    def _see_change(self, entry: Mapping[str, Any]) -> None:
        change = _mapping(entry.get("change"))
        if change.get("actions") == ["delete"]:
            for split in _BY_TYPE[entry["type"]]:
                if (key := _key(split.owner, split.link, _mapping(change.get("before")))) is not None:
                    self._destroyed[key].append(split)

    def settle(self, unknown: Mapping[str, frozenset[str]]) -> None:
        """All has been seen: find whose each part is. ``unknown``: address -> attributes known only after apply."""
        for address, part in self._parts:
            values = _mapping(part.get("values"))
            hidden = unknown.get(address, frozenset())
            for split in _BY_TYPE[part["type"]]:
                keys = [] if hidden & set(split.link) else [_key(split.owner, split.link, values)]
                for key in keys or self._referred(address, split):
                    if key is not None:
                        self._of[key].append((split, values, hidden))
        self._parts.clear()
        self._references.clear()

    def _referred(self, address: str, split: Split) -> Iterator[Key]:
        """The addresses an owner may have that the configuration refers to."""
        found = _mapping(self._references.get(_INDEX.sub("", address), {}).get(split.link[0])).get(
            "references"
        )
        module = address[: address.rindex(f"{split.type}.")] if f"{split.type}." in address else ""
        own = address[len(module) :]
        index = "".join(_INDEX.findall(own)[-1:])
        for reference in found if isinstance(found, list) else ():
            match = _REFERENCE.match(str(reference))
            if match is not None and match[1].partition(".")[0] == split.owner:
                places = {match[1] + match[2]} if match[2] else {match[1], match[1] + index}
                yield from ((split.owner, "", module + place) for place in sorted(places))
                return

    def folded(
        self, resource: Mapping[str, Any], address: str, unknown: frozenset[str]
    ) -> tuple[Mapping[str, Any], dict[str, str]]:
        """A resource's values with those of its parts, and the attributes that are unread, each with the cause."""
        values = dict(_mapping(resource.get("values")))
        unread = dict.fromkeys(sorted(unknown), UNKNOWN_UNTIL_APPLY)
        type_ = str(resource.get("type"))
        if type_ not in _OWNERS:
            return values, unread
        alternatives = {keys for split in SPLITS if split.owner == type_ for keys in split.keys}
        known = {name: value for name, value in values.items() if name not in unknown}
        own = [key for names in sorted(alternatives) if (key := _key(type_, names, known)) is not None]
        own.append((type_, "", address))
        for key in own:
            for split in self._destroyed.get(key, ()):
                unread[split.attribute] = f"its {split.type} is destroyed by this plan"
        seen: set[tuple[int, str]] = set()
        for key in own:
            for split, part, hidden in self._of.get(key, ()):
                if (id(part), split.attribute) not in seen:
                    seen.add((id(part), split.attribute))
                    _fold(split, part, hidden, values, unread)
        return values, unread


def _may_be_part(value: Mapping[str, Any]) -> bool:
    type_ = value.get("type")
    return isinstance(type_, str) and type_ in _BY_TYPE


def _fold(
    split: Split,
    part: Mapping[str, Any],
    hidden: frozenset[str],
    values: dict[str, Any],
    unread: dict[str, str],
) -> None:
    if hidden & set(split.reads):
        # Not to be undone by another part that is known.
        unread[split.attribute] = f"its {split.type} is {UNKNOWN_UNTIL_APPLY}"
        return
    said = split.form(part)
    if said is None:
        return
    if split.many:
        if unread.get(split.attribute) not in (None, UNKNOWN_UNTIL_APPLY):
            return
        before = values.get(split.attribute) if split.attribute not in unread else None
        said = [*(before if isinstance(before, list) else ()), said]
        if said[-1] in said[:-1]:
            said.pop()  # a state has read it into its owner, too
    values[split.attribute] = said
    unread.pop(split.attribute, None)


def _key(owner: str, names: tuple[str, ...], values: Mapping[str, Any]) -> Key | None:
    found = [value.lower() for name in names if isinstance(value := values.get(name), str) and value]
    return (owner, *found) if len(found) == len(names) else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
