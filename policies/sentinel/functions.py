"""How functions of the language are written in Python: their arguments checked, undefined passed through."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from policies.sentinel.operators import settled
from policies.sentinel.run import Builtin, Run
from policies.sentinel.values import Fault, Undefined, Value, a_kind


def function(
    name: str, body: Callable[..., Value], least: int, most: int | None = -1, *, takes_undefined: bool = False
) -> Builtin:
    """A built-in function. ``body(run, *arguments)`` gets settled values; unless it ``takes_undefined``, one undefined
    argument makes the result undefined without a call. ``most`` is ``least`` where not given, None for no bound."""

    def call(run: Run, arguments: Sequence[Value]) -> Value:
        given: list[Value] = []
        for argument in arguments:
            value = settled(argument, run)
            if type(value) is Undefined and not takes_undefined:
                return value
            given.append(value)
        return body(run, *given)

    return Builtin(name, call, least, least if most == -1 else most)


def table(name: str, members: Mapping[str, Builtin | Any]) -> Mapping[str, Any]:
    """The members of an import, its functions called ``import.function`` in messages."""
    return {
        key: Builtin(f"{name}.{key}", value.call, value.least, value.most)
        if isinstance(value, Builtin)
        else value
        for key, value in members.items()
    }


def text(value: Value, what: str = "the argument") -> bytes:
    """The value, which must be a string."""
    if isinstance(value, bytes):
        return value
    raise Fault(f"{what} must be a string, not {a_kind(value)}")


def integer(value: Value, what: str = "the argument") -> int:
    """The value, which must be an int."""
    if type(value) is int:
        return value
    raise Fault(f"{what} must be an int, not {a_kind(value)}")


def a_list(value: Value, what: str = "the argument") -> list[Value]:
    """The value, which must be a list."""
    if isinstance(value, list):
        return value
    raise Fault(f"{what} must be a list, not {a_kind(value)}")


def a_map(value: Value, what: str = "the argument") -> dict[Any, Value]:
    """The value, which must be a map."""
    if isinstance(value, dict):
        return value
    raise Fault(f"{what} must be a map, not {a_kind(value)}")
