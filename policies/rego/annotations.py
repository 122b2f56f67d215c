"""``# METADATA`` blocks: Rego's own way of saying what a policy is. The syntax tree has no comments, so they are read
from the text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from policies.engine import Annotation
from policies.errors import PackError, PolicyError, Position

_START = re.compile(r"^\s*#\s*METADATA\s*$")
_COMMENT = re.compile(r"^\s*#(?P<text>.*)$")
_TARGET = re.compile(r"^\s*(?:default\s+)?(?P<word>package\s+\S+|[A-Za-z_][\w.]*)")
KNOWN = frozenset(
    {
        "scope",
        "title",
        "description",
        "related_resources",
        "authors",
        "organizations",
        "schemas",
        "entrypoint",
        "compile",
        "custom",
    }
)
"""The keys Rego defines; everything else belongs below ``custom``."""


def read_annotations(path: Path, text: str) -> tuple[tuple[Annotation, ...], tuple[PolicyError, ...]]:
    """All blocks of a module, and all that is wrong with them."""
    found: list[Annotation] = []
    errors: list[PolicyError] = []
    lines = text.splitlines()
    for start, body, end in _blocks(lines):
        try:
            values, places = load_yaml("\n".join(body), path, start + 1)
        except PackError as error:
            errors.append(error)
            continue
        target = next((m for line in lines[end:] if (m := _target(line)) is not None), "")
        scope = str(values.get("scope") or ("package" if target.startswith("package") else "rule"))
        annotation = Annotation(
            position=Position(path, start + 1), scope=scope, values=values, lines=places, target=target
        )
        found.append(annotation)
        for key in values.keys() - KNOWN:
            what = f"metadata has an unknown key `{key}`"
            errors.append(
                PackError(what, annotation.where(key), hint="Put keys of your own below `custom:`.")
            )
    return tuple(found), tuple(errors)


def _blocks(lines: list[str]) -> Iterator[tuple[int, list[str], int]]:
    """(line index of the marker, YAML lines, index after the block)."""
    index = 0
    while index < len(lines):
        if not _START.match(lines[index]):
            index += 1
            continue
        start, body = index, []
        index += 1
        while index < len(lines) and (match := _COMMENT.match(lines[index])):
            body.append(match["text"])
            index += 1
        yield start, _dedent(body), index


def _dedent(body: list[str]) -> list[str]:
    """Take the one blank after the ``#`` away, as OPA does."""
    return [line.removeprefix(" ") for line in body]


def _target(line: str) -> str | None:
    if not line.strip() or line.lstrip().startswith("#"):
        return None
    match = _TARGET.match(line)
    return " ".join(match["word"].split()) if match else ""


def load_yaml(text: str, path: Path, offset: int = 0) -> tuple[Mapping[str, Any], dict[str, int]]:
    """A YAML mapping as plain values, and dotted key -> line. Raises PackError with the line."""
    loader = YAML(typ="rt", pure=True)
    try:
        tree = loader.load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = offset + (mark.line + 1 if mark else 1)
        what = f"not valid YAML: {error.problem or error.context or 'it cannot be read'}"
        raise PackError(what, Position(path, line, mark.column + 1 if mark else 0)) from None
    except (YAMLError, ValueError) as error:
        raise PackError(f"not valid YAML: {str(error).splitlines()[0]}", Position(path, offset + 1)) from None
    if tree is None:
        return {}, {}
    if not isinstance(tree, Mapping):
        raise PackError("a mapping of keys was expected", Position(path, offset + 1))
    places: dict[str, int] = {}
    return _plain(tree, "", offset, places), places


def _plain(value: Any, prefix: str, offset: int, places: dict[str, int]) -> Any:
    """Round-trip nodes as plain JSON values, noting where each key stands."""
    if isinstance(value, Mapping):
        out: dict[str, Any] = {}
        for key, item in value.items():
            name = f"{prefix}.{key}" if prefix else str(key)
            try:
                places[name] = offset + value.lc.key(key)[0] + 1  # type: ignore[attr-defined]
            except (AttributeError, KeyError):
                places[name] = offset + 1
            out[str(key)] = _plain(item, name, offset, places)
        return out
    if isinstance(value, list):
        for index in range(len(value)):
            try:
                places[f"{prefix}[{index}]"] = offset + value.lc.item(index)[0] + 1  # type: ignore[attr-defined]
            except (AttributeError, KeyError, TypeError):
                places[f"{prefix}[{index}]"] = offset + 1
        return [_plain(item, f"{prefix}[{i}]", offset, places) for i, item in enumerate(value)]
    return scalar(value)


def scalar(value: Any) -> Any:
    """A YAML scalar as a plain JSON value; dates become text."""
    if value is None or isinstance(value, bool):
        return value
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value if getattr(value, "tag", None) is not None else str(value)
