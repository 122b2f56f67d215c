"""Writes Terraform's language: blocks of attributes, as ``terraform fmt`` would lay them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Raw:
    """An expression that stands as it is: ``var.organization_id``."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function over one value: ``jsonencode({...})``."""

    name: str
    value: Any


@dataclass(frozen=True, slots=True)
class Block:
    """``resource "aws_iam_policy" "read" { ... }``; ``body`` holds attributes, and blocks under their own name."""

    kind: str
    labels: tuple[str, ...]
    body: Mapping[str, Any]


def render(blocks: Sequence[Block]) -> str:
    """The text of a file with these blocks."""
    return "\n".join("\n".join(_block(block, 0)) + "\n" for block in blocks)


def _block(block: Block, depth: int) -> list[str]:
    pad = "  " * depth
    head = " ".join([block.kind, *(string(label) for label in block.labels)])
    lines = [f"{pad}{head} {{"]
    run: list[tuple[str, str]] = []
    for name, value in block.body.items():
        if isinstance(value, Block):
            lines += [*_aligned(run, depth + 1), "", *_block(value, depth + 1)]
            run = []
            continue
        text = expression(value, depth + 1)
        if "\n" in text:
            lines += [*_aligned(run, depth + 1), f"{pad}  {name} = {text}"]
            run = []
        else:
            run.append((name, text))
    return [*lines, *_aligned(run, depth + 1), f"{pad}}}"]


def _aligned(run: Sequence[tuple[str, str]], depth: int) -> list[str]:
    width = max((len(name) for name, _ in run), default=0)
    return [f"{'  ' * depth}{name.ljust(width)} = {text}" for name, text in run]


def expression(value: Any, depth: int = 0) -> str:
    """A value as Terraform writes it. Raises TypeError for what has no literal."""
    match value:
        case Call():
            return f"{value.name}({expression(value.value, depth)})"
        case Mapping():
            return _object(value, depth)
        case list() | tuple():
            items = [f"{'  ' * (depth + 1)}{expression(item, depth + 1)}," for item in value]
            return "\n".join(["[", *items, f"{'  ' * depth}]"]) if items else "[]"
    return _scalar(value)


def _object(value: Mapping[str, Any], depth: int) -> str:
    lines: list[str] = []
    run: list[tuple[str, str]] = []
    for key, item in value.items():
        name = key if key.isidentifier() else string(key)
        text = expression(item, depth + 1)
        if "\n" in text:
            lines += [*_aligned(run, depth + 1), f"{'  ' * (depth + 1)}{name} = {text}"]
            run = []
        else:
            run.append((name, text))
    lines += _aligned(run, depth + 1)
    return "\n".join(["{", *lines, f"{'  ' * depth}}}"]) if lines else "{}"


def _scalar(value: Any) -> str:
    match value:
        case Raw():
            return value.text
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case str():
            return string(value)
    raise TypeError(f"{type(value).__name__} has no literal in Terraform")


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def string(text: str) -> str:
    """A quoted string in which nothing is an interpolation."""
    escaped = "".join(_ESCAPES.get(c, c if c >= " " else f"\\u{ord(c):04x}") for c in text)
    return '"' + escaped.replace("${", "$${").replace("%{", "%%{") + '"'
