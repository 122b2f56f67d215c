"""The settings as people read them: every option with its type, default, meaning and environment variable."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, EnumType
from inspect import cleandoc
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from config.document import Location
from config.fields import Model, SecretReference, format_duration
from config.reload import NEEDS_RESTART
from config.settings import Settings
from config.shape import Shape, shape_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One field of the settings; ``*`` in its place stands for a name the user gives."""

    at: Location
    meaning: str
    kind: str
    """Its type in words."""
    default: Any
    """The default as JSON data; ``...`` where the option is required."""
    model: type[Model] | None
    """The settings class below it, for a section."""
    restart: bool

    @property
    def name(self) -> str:
        """``providers.aws.regions``."""
        return ".".join(map(str, self.at))

    @property
    def variable(self) -> str:
        """``WATCHSTANDER_PROVIDERS__AWS__REGIONS``."""
        return "WATCHSTANDER_" + "__".join(str(key).upper() if key != "*" else "NAME" for key in self.at)


def options(
    model: type[BaseModel] = Settings, at: Location = (), values: BaseModel | None = None
) -> Iterator[Option]:
    """Every option of a settings class, sections before what is in them.

    ``values`` are the defaults that the section above gives, where they differ from the class's own.
    """
    for name, field in model.model_fields.items():
        yield from _option(field, (*at, name), _default(field) if values is None else getattr(values, name))


def _option(field: FieldInfo, at: Location, default: Any) -> Iterator[Option]:
    shape = shape_of(field.annotation, tuple(field.metadata))
    yield Option(
        at=at,
        meaning=cleandoc(field.description or "").replace("\n", " ").replace("``", "`"),
        kind=describe(shape),
        default=default if default is ... else plain(default),
        model=shape.model,
        restart=any(at[: len(fixed)] == fixed for fixed in NEEDS_RESTART),
    )
    if shape.model is not None:
        yield from options(shape.model, at, default if isinstance(default, BaseModel) else None)
    elif shape.type is dict and (item := shape_of(shape.item).model) is not None:
        yield from options(item, (*at, "*"))


def _default(field: FieldInfo) -> Any:
    value = field.get_default(call_default_factory=True)
    return ... if value is PydanticUndefined else value


def plain(value: Any) -> Any:
    """A default as JSON data."""
    match value:
        case BaseModel():
            return value.model_dump(mode="json")
        case Enum():
            return value.value
        case Path() | SecretReference():
            return str(value)
        case tuple():
            return [plain(item) for item in value]
        case None | bool() | int() | float() | str() | dict():
            return value
    return format_duration(value)


def describe(shape: Shape) -> str:
    """A type in words: ``a list of text``, ``a whole number of 1 to 256``."""
    kind = shape.type
    if shape.model is not None:
        return "section"
    if shape.secret:
        return "secret reference"
    if kind is tuple:
        return f"list of {describe(shape_of(shape.item))}"
    if kind is dict:
        return f"name → {describe(shape_of(shape.item))}"
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(f"`{choice}`" for choice in get_args(kind))
    if isinstance(kind, EnumType):
        members: list[Enum] = list(kind)
        return "one of " + ", ".join(f"`{member.value}`" for member in members)
    words = {
        bool: "true or false",
        int: "whole number",
        float: "number",
        str: "text",
        Path: "path",
        Any: "anything",
    }
    return words.get(kind, "duration") + _bounds(shape.markers)


def _bounds(markers: tuple[Any, ...]) -> str:
    out = []
    for marker in _flat(markers):
        match marker:
            case Ge(ge=bound):
                out.append(f"at least {bound}")
            case Gt(gt=bound):
                out.append(f"more than {bound}")
            case Le(le=bound):
                out.append(f"at most {bound}")
            case Lt(lt=bound):
                out.append(f"less than {bound}")
    return (", " + ", ".join(out)) if out else ""


def _flat(markers: tuple[Any, ...]) -> Iterator[Any]:
    for marker in markers:
        if isinstance(marker, FieldInfo):
            yield from marker.metadata
        else:
            yield marker


def cell(text: str) -> str:
    """Text that can stand in a table cell."""
    return re.sub(r"\s+", " ", text).replace("|", "\\|")
