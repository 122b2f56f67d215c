"""Configuration files of Sentinel, HCL or JSON, as blocks and attributes that know their lines.

Only constant values may stand in them: there is nothing to interpolate from. Positions come from the syntax tree of
python-hcl2, whose plain dictionaries have none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from policies.errors import PackError, Position
from policies.files import Files

LABELS: Final[Mapping[str, int]] = {
    "sentinel": 0,
    "policy": 1,
    "import": 2,
    "module": 1,
    "mock": 1,
    "global": 1,
    "param": 1,
    "test": 0,
}
"""Top-level block -> how many labels it has."""
_ESCAPE = re.compile(r'\\(?:([nrt"\\])|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.|$))', re.DOTALL)
_HEREDOC = re.compile(r"<<(-?)[A-Za-z][\w.-]*\r?\n(.*?)[ \t]*[A-Za-z][\w.-]*\r?\n?\Z", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """``name = value``"""

    name: str
    value: Any
    where: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """``type "label" { … }``"""

    type: str
    labels: tuple[str, ...]
    where: Position
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    blocks: tuple[Block, ...] = ()

    def refuse_others(self, attributes: frozenset[str], blocks: frozenset[str] = frozenset()) -> None:
        """Raises PackError for anything not among these names."""
        for attribute in self.attributes.values():
            if attribute.name not in attributes:
                known = ", ".join(sorted(attributes)) or "none"
                raise PackError(f'unknown attribute "{attribute.name}"; known here: {known}', attribute.where)
        for block in self.blocks:
            if block.type not in blocks:
                raise PackError(f'unknown block "{block.type}" in "{self.type}"', block.where)

    def text(self, name: str) -> str:
        """The attribute, which must be there and be text. Raises PackError."""
        found = self.attributes.get(name)
        if found is None:
            raise PackError(f'"{self.type}" needs "{name}"', self.where)
        if not isinstance(found.value, str) or not found.value:
            raise PackError(f'"{name}" must be text', found.where)
        return found.value

    def map(self, name: str) -> Mapping[str, Any]:
        """The attribute as a map; empty where it is not there. Raises PackError."""
        found = self.attributes.get(name)
        if found is None:
            return {}
        if not isinstance(found.value, Mapping):
            raise PackError(f'"{name}" must be a map', found.where)
        return found.value


def read_json(path: Path, files: Files) -> Any:
    """The data of a JSON file. Raises PackError with line and column."""
    text = files.text(path)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise PackError(f"is not JSON: {error.msg}", Position(path, error.lineno, error.colno)) from None
    except (RecursionError, ValueError) as error:
        raise PackError(f"is not JSON that can be read: {error}", Position(path)) from None


# HCL.


def parse_hcl(path: Path, files: Files) -> Block:
    """A file of HCL as one unnamed block. Raises PackError with line and column."""
    from hcl2 import parses_to_tree
    from lark import exceptions

    text = files.text(path)
    try:
        return _Reader(path).body(parses_to_tree(text), "file", (), Position(path, 1, 1))
    except exceptions.UnexpectedInput as error:
        line, column = max(0, getattr(error, "line", 0) or 0), max(0, getattr(error, "column", 0) or 0)
        raise PackError(f"is not HCL: {_unexpected(error)}", Position(path, line, column)) from None
    except exceptions.LarkError as error:
        raise PackError(f"is not HCL: {str(error).splitlines()[0]}", Position(path)) from None
    except RecursionError:
        raise PackError("nests too deeply", Position(path)) from None


def _unexpected(error: Any) -> str:
    token = getattr(error, "token", None)
    if token is None:
        return "unexpected character"
    text = str(token).strip().splitlines()
    return f'unexpected "{text[0][:60]}"' if text else "unexpected end of line"


class _Reader:
    """Lark's tree to blocks and plain values."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def _where(self, tree: Any) -> Position:
        meta = tree.meta
        return Position(self._path, getattr(meta, "line", 0), getattr(meta, "column", 0))

    def body(self, tree: Any, kind: str, labels: tuple[str, ...], where: Position) -> Block:
        attributes: dict[str, Attribute] = {}
        blocks: list[Block] = []
        inner = [tree.children[0]] if tree.data == "start" else [tree]
        for item in inner[0].children:
            if item.data == "attribute":
                name = self._word(item.children[0])
                at = self._where(item)
                if name in attributes:
                    raise PackError(f'"{name}" is set twice', at)
                attributes[name] = Attribute(name=name, value=self._value(item.children[-1]), where=at)
            elif item.data == "block":
                blocks.append(self._block(item))
        return Block(type=kind, labels=labels, where=where, attributes=attributes, blocks=tuple(blocks))

    def _block(self, tree: Any) -> Block:
        heads = [child for child in tree.children[:-1] if getattr(child, "data", "") in _WORDS]
        names = [self._word(head) for head in heads]
        body = next(child for child in reversed(tree.children) if getattr(child, "data", "") == "body")
        return self.body(body, names[0], tuple(names[1:]), self._where(tree))

    def _word(self, tree: Any) -> str:
        if tree.data == "string":
            return self._string(tree)
        return str(tree.children[0])

    def _value(self, tree: Any) -> Any:
        while tree.data == "expr_term":
            tree = next(c for c in tree.children if getattr(c, "data", "") not in {"", "new_line_or_comment"})
        kind = tree.data
        if kind == "string":
            return self._string(tree)
        if kind == "tuple":
            return [self._value(child) for child in tree.children if getattr(child, "data", "") in _VALUES]
        if kind == "object":
            return dict(
                self._pair(child) for child in tree.children if getattr(child, "data", "") == "object_elem"
            )
        if kind == "unary_op" and str(tree.children[0]) == "-":
            value = self._value(tree.children[-1])
            if type(value) in {int, float}:
                return -value
        scalar = _SCALARS.get(kind)
        if scalar is not None:
            return scalar(str(tree.children[0]))
        what = "a name" if kind == "identifier" else "an expression"
        raise PackError(f"{what} cannot stand here; only constant values can", self._where(tree))

    def _pair(self, tree: Any) -> tuple[str, Any]:
        inner = tree.children[0].children[0]
        while inner.data == "expr_term":
            inner = inner.children[0]
            if not hasattr(inner, "data"):
                raise PackError("a key must be a name or a string", self._where(tree))
        if inner.data in _WORDS:
            key = self._word(inner)
        elif inner.data in {"int_lit", "float_lit"}:
            key = str(inner.children[0])
        else:
            raise PackError("a key must be a name or a string", self._where(tree))
        return key, self._value(tree.children[-1])

    def _string(self, tree: Any) -> str:
        parts: list[str] = []
        for child in tree.children:
            if getattr(child, "data", "") != "string_part":
                continue
            part = child.children[0]
            if hasattr(part, "data"):
                raise PackError("a string cannot hold ${…} or %{…} here", self._where(tree))
            text = str(part)
            if part.type in {"ESCAPED_INTERPOLATION", "ESCAPED_DIRECTIVE"}:
                text = text[1:]
            elif "\n" in text:
                raise PackError("the string does not end on its line", self._where(tree))
            parts.append(text)
        return _ESCAPE.sub(lambda found: self._escaped(found, tree), "".join(parts))

    def _escaped(self, found: re.Match[str], tree: Any) -> str:
        single, short, long, other = found.groups()
        if single:
            return {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}[single]
        code = int(short or long, 16) if short or long else -1
        if not 0 <= code <= 0x10FFFF or 0xD800 <= code < 0xE000:
            raise PackError(f'unknown escape "\\{other or short or long}"', self._where(tree))
        return chr(code)


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) < 25 else float(digits)


def _heredoc(text: str) -> str:
    found = _HEREDOC.match(text)
    if found is None:
        return text
    body = found[2]
    if found[1]:
        lines = body.split("\n")
        margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
        body = "\n".join(line[margin:] if line.strip() else line for line in lines)
    return body


_SCALARS: Final[Mapping[str, Callable[[str], Any]]] = {
    "literal_value": lambda word: {"true": True, "false": False, "null": None}[word],
    "int_lit": _integer,
    "float_lit": float,
    "heredoc_template": _heredoc,
    "heredoc_template_trim": _heredoc,
}
_WORDS: Final = frozenset({"identifier", "keyword", "literal_value", "string"})
_VALUES: Final = frozenset(
    {"expr_term", "unary_op", "binary_op", "conditional", "literal_value", "int_lit", "float_lit", "string"}
)


# JSON.

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+')


def parse_json(path: Path, files: Files) -> Block:
    """The same from the equivalent JSON. Raises PackError with line and column."""
    data = read_json(path, files)
    if not isinstance(data, Mapping):
        raise PackError("must hold an object", Position(path, 1, 1))
    places = dict(json_places(files.text(path), path))
    return _from_json(data, path, places)


def json_places(text: str, path: Path) -> Iterator[tuple[tuple[str, ...], Position]]:
    """Where each key of valid JSON stands: path of keys -> position. Elements of lists are counted."""
    stack: list[str | int] = []
    before = ""
    line, start = 1, 0
    counted = 0
    for found in _TOKEN.finditer(text):
        line += text.count("\n", counted, found.start())
        start = text.rfind("\n", 0, found.start()) + 1
        counted = found.start()
        token = found.group()
        if token in "{[":
            stack.append("" if token == "{" else 0)
        elif token in "}]":
            stack.pop()
        elif token == "," and stack and isinstance(stack[-1], int):
            stack[-1] += 1
        elif token == ":" and stack:
            stack[-1] = json.loads(before)
            yield tuple(map(str, stack)), Position(path, line, found.start() - start + 1)
        before = token


def _from_json(data: Mapping[str, Any], path: Path, places: Mapping[tuple[str, ...], Position]) -> Block:
    attributes: dict[str, Attribute] = {}
    blocks: list[Block] = []
    for name, value in data.items():
        where = places.get((name,), Position(path))
        if name in LABELS and isinstance(value, Mapping):
            blocks.extend(_labelled(name, value, (), (name,), places, path))
        else:
            attributes[name] = Attribute(name=name, value=value, where=where)
    return Block(
        type="file", labels=(), where=Position(path, 1, 1), attributes=attributes, blocks=tuple(blocks)
    )


def _labelled(
    kind: str,
    value: Any,
    labels: tuple[str, ...],
    at: tuple[str, ...],
    places: Mapping[tuple[str, ...], Position],
    path: Path,
) -> Iterator[Block]:
    where = places.get(at, Position(path))
    if len(labels) < LABELS[kind]:
        if not isinstance(value, Mapping):
            raise PackError(f'"{kind}" must be an object of names', where)
        for label, inner in value.items():
            yield from _labelled(kind, inner, (*labels, label), (*at, label), places, path)
        return
    for body in value if isinstance(value, list) else [value]:
        if not isinstance(body, Mapping):
            raise PackError(f'"{kind}" must be an object', where)
        nested = [
            _plain_block(name, inner, places.get((*at, name), where))
            for name, inner in body.items()
            if kind == "mock" and name == "module" and isinstance(inner, Mapping)
        ]
        attributes = {
            name: Attribute(name=name, value=inner, where=places.get((*at, name), where))
            for name, inner in body.items()
            if not (kind == "mock" and name == "module" and isinstance(inner, Mapping))
        }
        yield Block(type=kind, labels=labels, where=where, attributes=attributes, blocks=tuple(nested))


def _plain_block(name: str, body: Mapping[str, Any], where: Position) -> Block:
    attributes = {key: Attribute(name=key, value=value, where=where) for key, value in body.items()}
    return Block(type=name, labels=(), where=where, attributes=attributes)


def parse_file(path: Path, files: Files) -> Block:
    """A configuration file by its suffix: ``.json``, or HCL. Raises PackError."""
    return parse_json(path, files) if path.suffix == ".json" else parse_hcl(path, files)
