"""``# METADATA`` blocks: Rego's own way of saying what a policy is. The syntax tree has no comments, so they are read
from the text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from policies.engine import Annotation
from policies.errors import PackError, PolicyError, Position
from policies.yaml import load_yaml

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
    for start, column, body, end in _blocks(lines):
        try:
            values, places = load_yaml("\n".join(body), path, (start + 2, column))
        except PackError as error:
            errors.append(error)
            continue
        target = next((m for line in lines[end:] if (m := _target(line)) is not None), "")
        scope = str(values.get("scope") or ("package" if target.startswith("package") else "rule"))
        annotation = Annotation(
            position=Position(path, start + 1, 1), scope=scope, values=values, places=places, target=target
        )
        found.append(annotation)
        for key in values.keys() - KNOWN:
            what = f"metadata has an unknown key `{key}`"
            errors.append(
                PackError(what, annotation.where(key), hint="Put keys of your own below `custom:`.")
            )
    return tuple(found), tuple(errors)


def _blocks(lines: list[str]) -> Iterator[tuple[int, int, list[str], int]]:
    """(line index of the marker, column of the YAML, its lines, index after the block)."""
    index = 0
    while index < len(lines):
        if not _START.match(lines[index]):
            index += 1
            continue
        start, column = index, 1
        body: list[str] = []
        index += 1
        while index < len(lines) and (match := _COMMENT.match(lines[index])):
            if not body:
                column = match.start("text") + 1 + match["text"].startswith(" ")
            body.append(match["text"])
            index += 1
        yield start, column, _dedent(body), index


def _dedent(body: list[str]) -> list[str]:
    """Take the one blank after the ``#`` away, as OPA does."""
    return [line.removeprefix(" ") for line in body]


def _target(line: str) -> str | None:
    if not line.strip() or line.lstrip().startswith("#"):
        return None
    match = _TARGET.match(line)
    return " ".join(match["word"].split()) if match else ""
