"""Sentinel's values as Python holds them.

======  ==========================================================================================================
bool    ``bool``
int     ``int``, always within 64 bits: every operation wraps
float   ``float``
string  ``bytes``: a Sentinel string is a sequence of bytes, and its length counts them
list    ``list``, shared by reference
map     ``dict`` whose keys tell 1, 1.0 and true apart: a string key is its bytes, any other ``(kind, value)``
func    :class:`~policies.sentinel.run.Function` or :class:`~policies.sentinel.run.Builtin`
rule    :class:`~policies.sentinel.run.Rule`
null    ``None``
\\-      :class:`Undefined`, which refuses to be true or false, so that no code path can take it for either by accident
======  ==========================================================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NoReturn, TypeAlias

from policies.errors import Position

Value: TypeAlias = Any
Key: TypeAlias = bytes | tuple[str, bool | int | float]

MIN_INT: Final = -(2**63)
MAX_INT: Final = 2**63 - 1


class Fault(Exception):
    """Why an evaluation stopped. Internal: an evaluation answers with a SentinelError instead of raising."""

    def __init__(self, message: str, *, kind: str = "runtime", where: Position | None = None) -> None:
        self.message = message
        self.kind = kind
        self.where = where
        super().__init__(message)

    def at(self, where: Position) -> Fault:
        """The same, placed: the innermost place that is known wins."""
        if self.where is None:
            self.where = where
        return self


class Undefined:
    """The value that is not there. It remembers where it came from, and why."""

    __slots__ = ("where", "why")

    def __init__(self, why: str, where: Position | None = None) -> None:
        self.why = why
        self.where = where

    def __bool__(self) -> NoReturn:
        raise TypeError("undefined is neither true nor false")

    def __repr__(self) -> str:
        return "undefined"

    @property
    def cause(self) -> str:
        """Where and why, in one line."""
        return f"{self.where}: {self.why}" if self.where is not None else self.why


_KINDS: Final[Mapping[type, str]] = {
    bool: "bool",
    int: "int",
    float: "float",
    bytes: "string",
    list: "list",
    dict: "map",
    type(None): "null",
    Undefined: "undefined",
}


def kind_of(value: Value) -> str:
    """The word of the language for the kind of value this is; kinds that are not Python's own name it themselves."""
    kind = type(value)
    return str(_KINDS.get(kind) or getattr(kind, "sentinel_kind", "import"))


def a_kind(value: Value) -> str:
    """The kind with its article, for messages."""
    kind = kind_of(value)
    if kind in {"null", "undefined"}:
        return kind
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def key_of(value: Value) -> Key:
    """The key of a map. Raises Fault for what cannot be one."""
    kind = type(value)
    if kind is bytes:
        return value  # type: ignore[no-any-return]
    if kind is int or kind is bool or kind is float:
        return (kind.__name__, value)
    raise Fault(f"{a_kind(value)} cannot be the key of a map; a string, a number or a bool can")


def key_value(key: Key) -> Value:
    """The value a key stands for."""
    return key if type(key) is bytes else key[1]


def wrap(number: int) -> int:
    """Two's complement, as 64 bits hold it."""
    if MIN_INT <= number <= MAX_INT:
        return number
    return (number + 2**63) % 2**64 - 2**63


def text_of(value: bytes) -> str:
    """Bytes as text; what is not UTF-8 is shown as escapes."""
    return value.decode("utf-8", "backslashreplace")
