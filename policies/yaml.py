"""YAML of packs: a mapping as plain values, with the line and column of each key.

Hundreds of policies each have a piece of it, and reading them was a third of a start. Ordinary pieces are therefore read
from libyaml's events; what is uncommon in a text, or wrong with it, is left to the round-trip loader, which knows more and
says better where. Both give the same (docs/decisions/0142).
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError, YAMLWarning
from ruamel.yaml.events import (
    CollectionEndEvent,
    CollectionStartEvent,
    Event,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
)

from policies.errors import PackError, Position

Spot = tuple[int, int]
"""A line and a column, counted from 1."""
Loaded = tuple[Mapping[str, Any], dict[str, Spot]]

_DEPTH: Final = 40
_DEEPEST: Final = 100
"""How deep the round-trip loader may go: it looks at all brackets that are open for each that it opens."""
_DIRECTIVE: Final = re.compile(r"^%", re.MULTILINE)
_WORDS: Final[Mapping[str, Any]] = {"": None, "~": None, "null": None, "true": True, "false": False}
_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]{0,17}")
_PERHAPS: Final = re.compile(r"[-+.0-9=<]|(?i:null|true|false)$")
"""What may be a number, a time, a merge key, or another way of writing null, true and false."""


class _Uncommon(Exception):
    """Something that :func:`_ordinary` leaves to :func:`_thorough`."""


def load_yaml(text: str, path: Path, start: Spot = (1, 1)) -> Loaded:
    """A YAML mapping as plain values, and dotted key -> where it stands. ``start`` is where the text begins in its file: its
    line, and the column of all its lines. Raises PackError with the place."""
    try:
        return _ordinary(text, start)
    except (_Uncommon, YAMLError, ValueError):
        _refuse_the_bottomless(text, path, start)
        return _thorough(text, path, start)


def _at(mark: Any, start: Spot) -> Spot:
    """Where a mark of the loader is in the file."""
    return start[0] + mark.line, start[1] + mark.column


def _refuse_the_bottomless(text: str, path: Path, start: Spot) -> None:
    """Raise PackError where collections nest deeper than any policy's; what else is wrong is told by :func:`_thorough`."""
    depth = 0
    try:
        for event in YAML(typ="safe").parse(text):
            depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
            if depth > _DEEPEST:
                hint = f"At most {_DEEPEST} mappings and lists can stand in one another."
                place = Position(path, *_at(event.start_mark, start))
                raise PackError("it nests too deeply", place, hint=hint)
    except (YAMLError, ValueError):
        return


def _ordinary(text: str, start: Spot) -> Loaded:
    """The same for what nearly every file is made of, by libyaml where it is there. From its events, for its composer recurses
    in C without end. Raises _Uncommon, YAMLError and ValueError for everything else, and for all that is wrong."""
    if "\t" in text or _DIRECTIVE.search(text):
        raise _Uncommon
    events = (e for e in YAML(typ="safe").parse(text) if isinstance(e, NodeEvent | CollectionEndEvent))
    root = next(events, None)
    if not isinstance(root, MappingStartEvent) or root.tag:
        raise _Uncommon
    values: dict[str, Any] = {}
    places: dict[str, Spot] = {}
    stack: list[tuple[str, Any]] = [("", values)]
    while stack:
        event = next(events)
        if isinstance(event, CollectionEndEvent):
            stack.pop()
            continue
        prefix, around = stack[-1]
        place = _at(event.start_mark, start)
        add: Callable[[Any], None]
        if isinstance(around, list):
            name, add = f"{prefix}[{len(around)}]", around.append
        else:
            key = _scalar(event)
            if not isinstance(key, str) or key in around:
                raise _Uncommon
            name, add = f"{prefix}.{key}" if prefix else key, partial(around.__setitem__, key)
            event = next(events)
        places[name] = place
        if not isinstance(event, CollectionStartEvent):
            add(_scalar(event))
        elif event.tag or len(stack) >= _DEPTH:
            raise _Uncommon
        else:
            inner: Any = {} if isinstance(event, MappingStartEvent) else []
            add(inner)
            stack.append((name, inner))
    if next(events, None) is not None:
        raise _Uncommon  # a second document
    return values, places


def _scalar(event: Event) -> Any:
    """The value of a scalar. Raises _Uncommon for what is none, and for what looks like a number or a time of another kind."""
    if not isinstance(event, ScalarEvent) or event.tag:
        raise _Uncommon
    text = str(event.value)
    if event.style:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _PERHAPS.match(text):
        raise _Uncommon
    return text


def _thorough(text: str, path: Path, start: Spot) -> Loaded:
    """The same for any text, in Python alone. Raises PackError."""
    first = Position(path, *start)
    try:
        with warnings.catch_warnings(action="ignore", category=YAMLWarning):
            # It warns of what YAML lets one do: name an anchor anew, write a number that YAML 1.1 calls a text.
            tree = YAML(typ="rt", pure=True).load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = f"not valid YAML: {error.problem or error.context or 'it cannot be read'}"
        raise PackError(what, Position(path, *(_at(mark, start) if mark else start))) from None
    except (YAMLError, ValueError) as error:
        raise PackError(f"not valid YAML: {str(error).splitlines()[0]}", first) from None
    except RecursionError:
        raise PackError("it nests too deeply", first) from None
    except (NotImplementedError, AssertionError, AttributeError, IndexError, TypeError):
        # The loader's own defects, on comments in strange places and on keys that are lists or mappings.
        hint = "A comment between a key and its value, or a key that is no text, is the usual reason."
        raise PackError("not valid YAML: it cannot be read", first, hint=hint) from None
    if tree is None:
        return {}, {}
    if not isinstance(tree, Mapping):
        raise PackError("a mapping of keys was expected", first)
    places: dict[str, Spot] = {}
    try:
        return _plain(tree, "", start, places), places
    except RecursionError:
        raise PackError("it refers to itself, or nests too deeply", first) from None


def _plain(value: Any, prefix: str, start: Spot, places: dict[str, Spot]) -> Any:
    """Round-trip nodes as plain JSON values, noting where each key stands."""
    if isinstance(value, Mapping):
        out: dict[str, Any] = {}
        for key, item in value.items():
            name = f"{prefix}.{key}" if prefix else str(key)
            try:
                line, column = value.lc.key(key)  # type: ignore[attr-defined]
                places[name] = start[0] + line, start[1] + column
            except (AttributeError, KeyError, TypeError):
                places[name] = start
            out[str(key)] = _plain(item, name, start, places)
        return out
    if isinstance(value, list):
        for index in range(len(value)):
            try:
                line, column = value.lc.item(index)  # type: ignore[attr-defined]
                places[f"{prefix}[{index}]"] = start[0] + line, start[1] + column
            except (AttributeError, KeyError, TypeError):
                places[f"{prefix}[{index}]"] = start
        return [_plain(item, f"{prefix}[{i}]", start, places) for i, item in enumerate(value)]
    return scalar(value)


def scalar(value: Any) -> Any:
    """A YAML scalar as a plain JSON value; dates become text."""
    if value is None or isinstance(value, bool):
        return value
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value if getattr(value, "tag", None) is not None else str(value)
