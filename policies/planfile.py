"""The parts of what ``terraform show -json`` prints, one at a time: a plan of a large estate is larger than memory.

A plan tells of its resources in four places: ``planned_values`` (what will be), ``resource_changes`` (what is known only after
apply, what goes), ``prior_state`` and ``configuration`` (what refers to what). Each is walked on its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from config.errors import UsageError
from providers.jsonstream import ELEMENT, Names, Piece, opening, walk

PLANNED: Final = "planned_values"
STATE: Final = "values"
_ARRAYS: Final = frozenset({"child_modules", "resources", "resource_changes", "resource_drift"})
_OBJECTS: Final = frozenset(
    {PLANNED, STATE, "prior_state", "configuration", "root_module", "module", "module_calls"}
)
_GONE_INTO: Final = _ARRAYS | _OBJECTS
SHOWN: Final = "Give what `terraform show -json FILE` prints."
"""What to do about a file that is no plan."""


def structure(names: Names) -> bool:
    """Whether an object or array holds modules, resources or changes, and is none itself (for :func:`jsonstream.walk`)."""
    if names[-1] == ELEMENT:
        return names[-2:-1] == ("child_modules",)
    return names[-1] in _GONE_INTO or names[-2:-1] == ("module_calls",)


@dataclass(slots=True)
class Outline:
    """What has to be known of a whole file before its first resource: small beside the file."""

    sections: set[str] = field(default_factory=set)
    """The members of the file's object."""
    unknown: dict[str, frozenset[str]] = field(default_factory=dict)
    """Address -> the attributes known only after apply, where there are any."""


def outline(path: Path, see: Callable[[Piece], None] = lambda _piece: None) -> Outline:
    """Walk a file once; ``see`` is shown every value that is no structure. Raises UsageError with file and line."""
    if opening(path) != "{":
        raise UsageError(f"{path}: a Terraform plan or state is an object, this is not.")
    found = Outline()

    def enter(names: Names) -> bool:
        found.sections.add(names[0])
        return structure(names)

    for piece in walk(path, enter):
        found.sections.update(piece.path[:1])
        if piece.path == ("resource_changes", ELEMENT) and isinstance(piece.value, Mapping):
            _note_unknown(found, piece.value)
        see(piece)
    return found


def require_shape(piece: Piece) -> None:
    """Raises UsageError, with file and line, for what stands where :func:`structure` belongs and is none: what lies in it would be
    passed over, and nothing fail."""
    names, value = piece.path, piece.value
    for place, name in enumerate(names):
        inside = names[place + 1 : place + 2]
        if names[place - 1 : place] == ("module_calls",) or (not inside and value is None):
            continue  # a name that its author gave; nothing
        if name in _ARRAYS and inside != (ELEMENT,):
            wrong = "an array"
        elif name in _OBJECTS and inside in ((), (ELEMENT,)):
            wrong = "an object"
        else:
            continue
        raise UsageError(f"{piece.where}: `{_dotted(names[: place + 1])}` is not {wrong}.", hint=SHOWN)
    if names[-1] == ELEMENT and not isinstance(value, Mapping):
        raise UsageError(
            f"{piece.where}: an element of `{_dotted(names[:-1])}` is not an object.", hint=SHOWN
        )
    if names[-2:] == ("resources", ELEMENT) and not isinstance(value.get("type"), str):
        raise UsageError(f"{piece.where}: a resource without a `type`.", hint=SHOWN)


def _dotted(names: Names) -> str:
    return ".".join(names).replace(f".{ELEMENT}", ELEMENT)


def _note_unknown(found: Outline, entry: Mapping[str, Any]) -> None:
    change = entry.get("change")
    unknown = change.get("after_unknown") if isinstance(change, Mapping) else None
    if isinstance(unknown, Mapping):
        names = frozenset(str(key) for key, value in unknown.items() if _any(value))
        if names:
            found.unknown[str(entry.get("address"))] = names


def managed(path: Path, section: str) -> Iterator[Mapping[str, Any]]:
    """The managed resources of a section of the file, module by module. Raises UsageError with file and line."""
    reached = False
    for piece in walk(path, structure):
        if piece.path[:1] != (section,):
            if reached:
                return  # what follows is of no use here
            continue
        reached = True
        if (resource := managed_in(piece)) is not None:
            yield resource


def managed_in(piece: Piece) -> Mapping[str, Any] | None:
    """The managed resource that a value is; None for everything else."""
    value = piece.value
    if piece.path[-2:] != ("resources", ELEMENT) or not isinstance(value, Mapping):
        return None
    if value.get("mode", "managed") != "managed" or not isinstance(value.get("type"), str):
        return None
    return value


def _any(value: Any) -> bool:
    """Whether anything below is unknown."""
    if isinstance(value, Mapping):
        return any(_any(item) for item in value.values())
    return any(_any(item) for item in value) if isinstance(value, list) else value is True
