"""Binding a policy's imports: mocks first, then what the host configured, then the host's data, then the standard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from policies.errors import Position
from policies.sentinel.builtins import BUILTINS
from policies.sentinel.compiler import Code
from policies.sentinel.functions import function, text
from policies.sentinel.guard import REQUESTS
from policies.sentinel.importing import DataImport, Import, ModuleImport, StandardImport
from policies.sentinel.imports import STANDARD, standard_members
from policies.sentinel.options import Options, Source
from policies.sentinel.run import Builtin, Run, Scope
from policies.sentinel.terraform import strip_index
from policies.sentinel.values import Fault, Value, text_of

VARIABLES: Final = frozenset({"variables"})
NOTHING: Final[frozenset[str]] = frozenset()
NO_FUNCTIONS: Final[Mapping[str, Builtin]] = {}


FUNCTIONS: Final[Mapping[str, Mapping[str, Builtin]]] = {
    "tfconfig/v2": {
        "strip_index": function(
            "tfconfig/v2.strip_index", lambda _run, address: strip_index(text_of(text(address))).encode(), 1
        )
    }
}
"""What Terraform's imports offer besides their data."""


class Loader:
    """The imports of one evaluation. A module is run once, however many import it."""

    def __init__(self, run: Run, options: Options, data: Mapping[str, Any]) -> None:
        self._run = run
        self._options = options
        self._data = data
        self._modules: dict[str, Import] = {}
        self._loading: list[str] = []
        self._universe = Scope(run, None, BUILTINS)

    def scope(self, code: Code) -> Scope:
        """The global scope of a source, its imports bound."""
        variables: dict[str, Value] = {}
        for node in code.program.imports:
            try:
                variables[node.alias] = self._bound(node.name)
            except Fault as fault:
                fault.at(Position(code.path, *node.at))
                raise
        return Scope(self._run, self._universe, variables)

    def _bound(self, name: str) -> Import:
        options = self._options
        held = self._data.get(name)
        plain = type(held) is dict and name not in STANDARD
        if plain and not (options.mocks or options.modules or options.static):
            return self._of_data(name, self._data[name])
        if name in options.mocks:
            return self._given(name, options.mocks[name])
        configured = [held for held in (options.modules, options.static, self._data) if name in held]
        if configured and name in STANDARD:
            raise Fault(f'the standard import "{name}" cannot be replaced, except by a mock', kind="import")
        if configured:
            return self._given(name, configured[0][name])
        if name in STANDARD:
            if name == "http" and options.http is None:
                raise Fault(
                    'the import "http" is closed: policies make no requests unless the host allows some',
                    kind="import",
                )
            return StandardImport(name, standard_members(name))
        return self._within_static(name)

    def _within_static(self, name: str) -> Import:
        """``import "people/admins"``: a part of the static import "people"."""
        parts = name.split("/")
        for length in range(len(parts) - 1, 0, -1):
            root = "/".join(parts[:length])
            if root in self._options.static:
                found = self._options.static[root]
                for part in parts[length:]:
                    if not isinstance(found, Mapping) or part not in found:
                        raise Fault(f'the static import "{root}" has no "{part}"', kind="import")
                    found = found[part]
                return self._given(name, found)
        raise Fault(f'the import "{name}" is not given, and is no standard import', kind="import")

    def _of_data(self, name: str, held: Mapping[str, Any]) -> Import:
        request = self._options.null_as_undefined and name in REQUESTS and name not in self._options.mocks
        return DataImport(
            name,
            held,
            functions=FUNCTIONS.get(name, NO_FUNCTIONS),
            null_is_undefined=VARIABLES if request else NOTHING,
        )

    def _given(self, name: str, held: Any) -> Import:
        if isinstance(held, Source):
            return self._module(name, held)
        if not isinstance(held, Mapping):
            raise Fault(
                f'the data of the import "{name}" must be a map of names, not {type(held).__name__}',
                kind="import",
            )
        return self._of_data(name, held)

    def _module(self, name: str, policy: Source) -> Import:
        if name in self._loading:
            cycle = [*self._loading[self._loading.index(name) :], name]
            raise Fault(f"modules import one another in a circle: {' -> '.join(cycle)}", kind="import")
        if name not in self._modules:
            if policy.code.program.parameters:
                where = Position(policy.path, *policy.code.program.parameters[0].at)
                raise Fault("a module has no parameters", kind="import", where=where)
            self._loading.append(name)
            self._run.enter(policy.code.height)
            scope = self.scope(policy.code)
            policy.code.body(scope)
            self._run.leave(policy.code.height)
            self._loading.pop()
            self._modules[name] = ModuleImport(name, scope)
        return self._modules[name]
