"""What an ``import`` binds its name to: host data, a module, or a standard import. None of them is a value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from policies.sentinel.conversion import to_value
from policies.sentinel.operators import settled
from policies.sentinel.run import Builtin, Run, Scope
from policies.sentinel.values import Fault, Undefined, Value

_NONE: Final[Mapping[str, Builtin]] = {}


class Import:
    """Something that is only good for selecting from. No abstract base class: asking whether a value is one is done for
    every selection, and costs several times as much there."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def member(self, name: str, run: Run) -> Value:
        """What ``import.name`` is. Raises Fault or gives undefined where there is none."""
        raise NotImplementedError


class DataImport(Import):
    """Data of the host. Each top-level key is copied into values when first read, so the host's data is never changed,
    and what a policy does not read costs nothing."""

    __slots__ = ("_data", "_functions", "_known", "_null_is_undefined")

    def __init__(
        self,
        name: str,
        data: Mapping[str, Any],
        *,
        functions: Mapping[str, Builtin] = _NONE,
        null_is_undefined: frozenset[str] = frozenset(),
    ) -> None:
        self.name = name
        self._functions = functions
        """What the import offers besides its data."""
        self._data = data
        self._known: dict[str, Value] = {}
        self._null_is_undefined = null_is_undefined
        """The top-level keys below which null counts as not given."""

    def member(self, name: str, run: Run) -> Value:
        """The value of a key; undefined where there is none."""
        known = self._known
        if name in known:
            return known[name]
        if name not in self._data:
            if name in self._functions:
                return self._functions[name]
            return Undefined(f'the import "{self.name}" has no "{name}"')
        if type(self._data) is dict:
            held = self._data[name]
        else:
            with run.waiting():
                held = self._data[name]
        found = known[name] = to_value(held, run, name in self._null_is_undefined)
        return found


class ModuleImport(Import):
    """A module: its top-level names."""

    __slots__ = ("_scope",)

    def __init__(self, name: str, scope: Scope) -> None:
        super().__init__(name)
        self._scope = scope

    def member(self, name: str, run: Run) -> Value:
        """The value of a name, a rule's evaluated; undefined where the module has no such name."""
        found = self._scope.variables.get(name, self)
        if found is self or isinstance(found, Import):
            return Undefined(f'the module "{self.name}" has no "{name}"')
        return settled(found, run)


Member: TypeAlias = Builtin | bool | int | float | bytes | Callable[[Run], Value]
"""A member of a standard import: a function, a constant, or what makes the value for an evaluation."""


class StandardImport(Import):
    """One of the imports every policy has."""

    __slots__ = ("_members",)

    def __init__(self, name: str, members: Mapping[str, Member]) -> None:
        super().__init__(name)
        self._members = members

    def member(self, name: str, run: Run) -> Value:
        """A function or constant. Raises Fault for a name the import does not have: a slip, never absent data."""
        found = self._members.get(name)
        if found is None:
            raise Fault(
                f'the import "{self.name}" has no "{name}"; it has {", ".join(sorted(self._members))}'
            )
        return found(run) if callable(found) else found
