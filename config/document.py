"""A YAML file as plain data, with the line of every key and item, and every problem in it at once.

YAML 1.2 core: only null, true/false, numbers, text, lists and mappings; no tags, no duplicate keys. What could cost
time or memory without end is bounded: size, depth, and what anchors expand to.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from config.errors import ConfigurationError, Problem

MAX_BYTES = 1024 * 1024
"""A configuration is written by people: more than this is another file."""
MAX_DEPTH = 40
MAX_NODES = 50_000

Location = tuple[str | int, ...]

_NULL = re.compile(r"~|null|Null|NULL|")
_TRUE, _FALSE = re.compile(r"true|True|TRUE"), re.compile(r"false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]{1,40}")
_OCTAL, _HEX = re.compile(r"0o[0-7]{1,40}"), re.compile(r"0x[0-9a-fA-F]{1,40}")
_FLOAT = re.compile(r"[-+]?(?=[0-9.]*[.eE])(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,6})?")


@dataclass(slots=True)
class Document:
    """The data of one file."""

    path: Path
    data: Any = None
    lines: dict[Location, int] = field(default_factory=dict)
    """Where each value stands (the line of its key), from 1."""
    written: dict[Location, str] = field(default_factory=dict)
    """Numbers, true, false and null as they were written, to tell ``012`` from 12."""
    problems: list[Problem] = field(default_factory=list)

    def where(self, location: Location) -> str:
        """``file:line`` of a value, or of the nearest thing around it."""
        for end in range(len(location), -1, -1):
            if line := self.lines.get(location[:end]):
                return f"{self.path}:{line}"
        return f"{self.path}:1"


def read_document(path: Path) -> Document:
    """Read and parse a file. Raises ConfigurationError where it cannot be read as text at all."""
    return parse_document(_read_text(path), path)


def parse_document(content: str, path: Path) -> Document:
    """Parse YAML text. What is wrong with it is in ``problems``; then ``data`` holds what could be understood."""
    document = Document(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if (too_much := _too_much(content, path)) is not None:
                document.problems.append(too_much)
                return document
            root = YAML(typ="safe", pure=True).compose(content)
    except YAMLError as error:
        document.problems.append(_yaml_problem(error, content, path))
        return document
    if root is not None:
        _Reader(document).root(root)
    return document


def _read_text(path: Path) -> str:
    def refuse(what: str, hint: str | None = None, line: int = 1) -> ConfigurationError:
        return ConfigurationError((Problem(f"{path}:{line}", what, hint),))

    try:
        if path.is_dir():
            raise refuse("this is a directory", "name the file in it")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise refuse("there is no such file", "`watchstander init` writes one") from None
    except OSError as error:
        raise refuse(f"the file cannot be read: {error.strerror}") from error
    if len(content) > MAX_BYTES:
        raise refuse(f"the file is larger than {MAX_BYTES // 1024} KiB", "is this the right file?")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise refuse(
            f"byte {content[error.start]:#04x} is not UTF-8", "save the file as UTF-8", line
        ) from error


def _too_much(content: str, path: Path) -> Problem | None:
    """Depth and size of the document, before anything recursive looks at it."""
    depth = 0
    for count, event in enumerate(YAML(typ="safe", pure=True).parse(content)):
        name = type(event).__name__
        depth += name.endswith("StartEvent") - name.endswith("EndEvent")
        line = event.start_mark.line + 1
        if depth > MAX_DEPTH:
            return Problem(f"{path}:{line}", f"nested deeper than {MAX_DEPTH} levels")
        if count > MAX_NODES:
            return Problem(f"{path}:{line}", f"more than {MAX_NODES} values")
    return None


def _yaml_problem(error: YAMLError, content: str, path: Path) -> Problem:
    if isinstance(error, MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        what = str(error.problem or error.context or "this is not YAML").split("\n")[0]
        if "'\\t'" in what:
            return Problem(f"{path}:{line}", "a tab cannot indent in YAML", "use spaces")
        return Problem(f"{path}:{line}", f"not YAML: {what}")
    if isinstance(error, ReaderError):
        line = content.count("\n", 0, error.position) + 1
        return Problem(f"{path}:{line}", f"character {error.character!r} is not allowed in YAML")
    return Problem(f"{path}:1", f"not YAML: {str(error).splitlines()[0] if str(error) else 'unreadable'}")


class _Reader:
    """Turns YAML nodes into data, noting lines and problems."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._count = 0

    def root(self, node: Node) -> None:
        self._document.lines[()] = node.start_mark.line + 1
        self._document.data = self._value(node, ())

    def _problem(self, node: Node, what: str, hint: str | None = None) -> None:
        self._document.problems.append(
            Problem(f"{self._document.path}:{node.start_mark.line + 1}", what, hint)
        )

    def _value(self, node: Node, at: Location) -> Any:
        self._count += 1
        if len(at) > MAX_DEPTH or self._count > MAX_NODES:
            if self._count <= MAX_NODES + 1:
                self._problem(node, "anchors and aliases expand without end")
            self._count = MAX_NODES + 1
            return None
        tag = str(node.tag or "")
        if tag and tag.removeprefix("tag:yaml.org,2002:") not in _CORE_TAGS:
            self._problem(node, f"the tag {tag} is not supported", "write plain values")
            return None
        if isinstance(node, MappingNode):
            return self._mapping(node, at)
        if isinstance(node, SequenceNode):
            items = []
            for index, item in enumerate(node.value):
                if self._count > MAX_NODES:
                    break
                self._document.lines[(*at, index)] = item.start_mark.line + 1
                items.append(self._value(item, (*at, index)))
            return items
        assert isinstance(node, ScalarNode)
        return self._scalar(node, at)

    def _mapping(self, node: MappingNode, at: Location) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if self._count > MAX_NODES:
                break
            if not isinstance(key_node, ScalarNode):
                self._problem(key_node, "a key must be text")
                continue
            key = str(key_node.value)
            if key == "<<" and key_node.style is None:
                self._problem(key_node, "merge keys (<<) are not supported", "write the options out")
                continue
            here = (*at, key)
            if key in out:
                first = self._document.lines[here]
                self._problem(key_node, f"`{key}` is given twice", f"the first is on line {first}")
                continue
            self._document.lines[here] = key_node.start_mark.line + 1
            out[key] = self._value(value_node, here)
        return out

    def _scalar(self, node: ScalarNode, at: Location) -> Any:
        value = str(node.value)
        if not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value):
            # JSON writes characters beyond 16 bits as two escapes; half of such a pair is no character.
            try:
                value = value.encode("utf-16", "surrogatepass").decode("utf-16")
            except UnicodeDecodeError:
                self._problem(node, "half a surrogate pair is not a character")
                return None
        if node.style is not None:
            return value
        for pattern, convert in _PLAIN:
            if pattern.fullmatch(value):
                self._document.written[at] = value
                return convert(value)
        return value


_CORE_TAGS = frozenset({"null", "bool", "int", "float", "str", "seq", "map", "timestamp", "merge", "value"})
_PLAIN: tuple[tuple[re.Pattern[str], Any], ...] = (
    (_NULL, lambda _: None),
    (_TRUE, lambda _: True),
    (_FALSE, lambda _: False),
    (_INT, int),
    (_OCTAL, lambda text: int(text, 0)),
    (_HEX, lambda text: int(text, 0)),
    (_FLOAT, float),
)
