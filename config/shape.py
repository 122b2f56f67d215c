"""The settings as a tree that can be asked: what type is expected at ``providers.aws.regions``?"""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from config.document import Location
from config.fields import Model, SecretReference
from config.settings import Settings


@dataclass(frozen=True, slots=True)
class Shape:
    """What is expected at one place."""

    type: Any
    """The bare type: a Model class, ``tuple``, ``dict``, ``str``, ``Path``, ``timedelta``, …"""
    item: Any = None
    """The annotation of a list's items or a mapping's values."""
    optional: bool = False
    markers: tuple[Any, ...] = ()
    """Metadata of ``Annotated``."""

    @property
    def model(self) -> type[BaseModel] | None:
        """The settings class expected here, if it is one."""
        if isinstance(self.type, type) and issubclass(self.type, Model):
            return self.type
        return None

    @property
    def secret(self) -> bool:
        """Whether a reference to a secret is expected here."""
        return self.type is SecretReference

    def child(self, key: str | int) -> Shape | None:
        """The shape below, or None where there is no such thing."""
        if self.model is not None:
            found = self.model.model_fields.get(str(key))
            return None if found is None else shape_of(found.annotation, tuple(found.metadata))
        return None if self.item is None else shape_of(self.item)


def shape_of(annotation: Any, markers: tuple[Any, ...] = ()) -> Shape:
    """The shape of an annotation: ``Optional`` and ``Annotated`` taken off."""
    optional = False
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation, *metadata = get_args(annotation)
            markers = (*markers, *metadata)
        elif origin in (Union, types.UnionType):
            kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
            optional = optional or len(kinds) < len(get_args(annotation))
            if len(kinds) != 1:
                return Shape(Any, None, optional, markers)
            annotation = kinds[0]
        else:
            break
    if origin is tuple:
        return Shape(tuple, get_args(annotation)[0], optional, markers)
    if origin is dict:
        return Shape(dict, get_args(annotation)[1], optional, markers)
    return Shape(annotation, None, optional, markers)


def shape_at(location: Location) -> Shape | None:
    """What is expected at a place of the configuration; None where nothing is."""
    shape: Shape | None = Shape(Settings)
    for key in location:
        if shape is None:
            return None
        shape = shape.child(key)
    return shape


def suggestion(location: Location) -> str | None:
    """``did you mean `url`?`` for an unknown key, or the keys there are where they are few."""
    parent = shape_at(location[:-1])
    if parent is None or parent.model is None:
        return None
    known = list(parent.model.model_fields)
    close = get_close_matches(str(location[-1]).lower().replace("-", "_"), known, 1, 0.6)
    if close:
        return f"did you mean `{close[0]}`?"
    if (elsewhere := _elsewhere(str(location[-1]))) is not None:
        return f"there is `{elsewhere}`"
    return "there are: " + ", ".join(known)


def _elsewhere(key: str) -> str | None:
    """An option of that very name in another section, where there is exactly one."""
    found = [dotted(at) for at, _ in every_option() if at[-1] == key]
    return found[0] if len(found) == 1 else None


def every_option(shape: Shape = Shape(Settings), at: Location = ()) -> Iterator[tuple[Location, Shape]]:
    """Every option, sections before what is in them; ``*`` stands for a name the user gives."""
    model = shape.model
    if model is None:
        if shape.type is dict and shape_of(shape.item).model is not None:
            yield from every_option(shape_of(shape.item), (*at, "*"))
        return
    for name in model.model_fields:
        child = shape.child(name)
        assert child is not None
        yield (*at, name), child
        yield from every_option(child, (*at, name))


def dotted(location: Location) -> str:
    """``providers.aws.regions[0]``."""
    out = ""
    for key in location:
        out += f"[{key}]" if isinstance(key, int) else f".{key}" if out else str(key)
    return out
