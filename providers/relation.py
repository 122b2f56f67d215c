"""What belongs to what, declared: one line says which value of one resource names another.

    Relation("aws.ec2_instance", "document.SecurityGroups[].GroupId", "aws.security_group", "document.GroupId")

Two resources are related where a value found at one path equals a value found at the other; a relation holds in both
directions. Paths start at ``uid``, ``account``, ``region``, ``name`` or ``document``; ``[]`` goes through a list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

ROOTS = ("uid", "account", "region", "name", "document")


@dataclass(frozen=True, slots=True)
class Relation:
    """A declared relation between two types of one cloud."""

    source: str
    source_path: str
    target: str
    target_path: str = "uid"
    fold: bool = False
    """Whether case does not count (Azure writes one id in several cases)."""
    cut: str = ""
    """The source's value counts only up to this text: a key's id begins with that of whom it belongs to."""

    def __post_init__(self) -> None:
        for path in (self.source_path, self.target_path):
            if _parts(path)[0] not in ROOTS:
                raise ValueError(f"{path}: a relation's path starts at one of {', '.join(ROOTS)}")

    @property
    def ends(self) -> tuple[tuple[str, str], tuple[str, str]]:
        """(type, path) of both ends."""
        return (self.source, self.source_path), (self.target, self.target_path)

    def values(self, asset: Mapping[str, Any], end: int) -> Iterator[str]:
        """What an asset (the form of ``input.asset``) has at an end of the relation (0 source, 1 target); texts only,
        others name nothing."""
        for value in _at(asset, _parts(self.ends[end][1])):
            if isinstance(value, str) and value:
                text = value.partition(self.cut)[0] if self.cut and end == 0 else value
                yield text.casefold() if self.fold else text

    @staticmethod
    def field(path: str) -> str | None:
        """The top-level document field a path goes through."""
        parts = _parts(path)
        return parts[1] if parts[0] == "document" and len(parts) > 1 else None


@lru_cache(maxsize=1024)
def _parts(path: str) -> tuple[str, ...]:
    return tuple(path.replace("[]", ".[]").split("."))


def _at(value: Any, parts: tuple[str, ...]) -> Iterator[Any]:
    if not parts:
        yield value
    elif parts[0] == "[]":
        for item in value if isinstance(value, list) else ():
            yield from _at(item, parts[1:])
    elif isinstance(value, Mapping) and parts[0] in value:
        yield from _at(value[parts[0]], parts[1:])


def among(relations: Iterable[Relation], types: Iterable[str]) -> tuple[Relation, ...]:
    """The relations whose two ends are both among ``types``."""
    chosen = frozenset(types)
    return tuple(r for r in relations if r.source in chosen and r.target in chosen)


def provider_of(resource_type: str) -> str:
    """The cloud a resource type is of, by the form of its name."""
    if "googleapis.com/" in resource_type:
        return "gcp"
    return "azure" if "/" in resource_type else resource_type.partition(".")[0]
