"""What a module's syntax tree says without running it: rules, calls, imports, and which paths of ``input`` it reads.

The reading is an over-approximation: a path is reported if it may be read. Where it cannot be told (``input`` passed
whole to a function, an unknown index at the top) the answer is "anything", so that an unread field never passes unseen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from policies.engine import CheckedModule, Module, RuleKind
from policies.errors import PolicyError, PolicySyntaxError, Position
from policies.rego import builtins
from policies.rego.annotations import read_annotations
from policies.rego.walker import Walker

_KEYWORDS = frozenset({"contains", "every", "if", "in"})


def inspect(
    module: Module, v0: bool, tree: str
) -> PolicySyntaxError | tuple[CheckedModule, tuple[PolicyError, ...]]:
    """Facts of one module and the errors found in it (unknown or closed functions, bad metadata)."""
    try:
        ast = orjson.loads(tree)[0]["ast"]
        return _inspect(module, v0, ast)
    except (RecursionError, orjson.JSONDecodeError):
        return PolicySyntaxError("expressions nest too deeply to be examined", Position(module.path))


def _inspect(
    module: Module, v0: bool, ast: Mapping[str, Any]
) -> tuple[CheckedModule, tuple[PolicyError, ...]]:
    walker = Walker(module, ast)
    facts = walker.walk()
    notes, errors = read_annotations(module.path, module.text)
    errors = (*errors, *_names_alone(module, ast))
    clock = any(name == builtins.CLOCK for name, _ in facts.calls)
    clock = clock or any(_overlap(read, ("context", "now")) for read in facts.reads)
    anything = () in facts.reads
    checked = CheckedModule(
        module=module,
        package=walker.package,
        v0=v0,
        rules=walker.rules,
        annotations=notes,
        imports=frozenset(facts.packages),
        reads=None if anything else frozenset(".".join(read) for read in _minimal(facts.reads)),
        joins=frozenset(facts.joins),
        reads_clock=clock,
        asset_types=frozenset(facts.asset_types),
        null_blocks=facts.null_blocks,
        calls=tuple(
            (name, Position(module.path, node["span"]["line"], _column(node, node["span"])))
            for name, node in facts.calls
        ),
        uses={owner: frozenset(names) for owner, names in walker.uses.items()},
    )
    return checked, tuple(errors)


def _names_alone(module: Module, ast: Mapping[str, Any]) -> Iterator[PolicySyntaxError]:
    """Rules that are a name and nothing else. OPA refuses them; in the old syntax the engine takes them for true, and so
    it would the ``if`` of a rule of the new syntax whose body is missing."""
    for rule in ast["rules"]:
        spec = rule.get("Spec") or {}
        head = spec.get("head", {}).get("Compr")
        if head is None or head["assign"] or spec["bodies"]:
            continue
        name, span = head["refr"].get("Var", {}).get("value"), spec["span"]
        hint = f"`{name}` begins what is missing after it." if name in _KEYWORDS else None
        what = f"`{name or 'this rule'}` has neither a body nor a value"
        yield PolicySyntaxError(what, Position(module.path, span["line"], span["col"]), hint=hint)


def _overlap(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    shortest = min(len(a), len(b))
    return a[:shortest] == b[:shortest]


def _minimal(reads: set[tuple[str, ...]]) -> set[tuple[str, ...]]:
    """Without paths that lie below another one."""
    return {r for r in reads if not any(r[:n] in reads for n in range(len(r)))}


def bad_calls(modules: Sequence[CheckedModule], *, own_functions_only: bool = True) -> Iterator[PolicyError]:
    """Calls of functions that are closed, or that neither the engine nor any module of the package has. Without
    ``own_functions_only`` only the closed ones: for an engine that knows further functions and tells by itself."""
    own: dict[str, set[str]] = {}
    for checked in modules:
        functions = (rule.name for rule in checked.rules if rule.kind is RuleKind.FUNCTION)
        own.setdefault(checked.package, set()).update(functions)
    for checked in modules:
        known = own[checked.package] | builtins.KNOWN
        for name, position in checked.calls:
            if name in builtins.CLOSED:
                yield PolicySyntaxError(f"`{name}` is closed: {builtins.CLOSED[name]}", position)
            elif own_functions_only and name not in known and not name.startswith("data."):
                near = _near(name, known)
                hint = (
                    f"Did you mean `{near}`?" if near else "docs/policies.md lists the functions there are."
                )
                yield PolicySyntaxError(f"there is no function `{name}`", position, hint=hint)


def _column(node: Mapping[str, Any], span: Mapping[str, Any]) -> int:
    """Where the name of a called function begins; the call's own span points at the bracket."""
    inner: Any = node["fcn"]
    while isinstance(inner, Mapping) and len(inner) == 1:
        inner = next(iter(inner.values()))
        if "refr" in inner:
            inner = inner["refr"]
        elif "span" in inner:
            return int(inner["span"]["col"])
    return int(span["col"])


def _near(name: str, known: set[str]) -> str | None:
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, known, n=1, cutoff=0.75)), None)


def recursion(modules: Sequence[CheckedModule]) -> list[PolicyError]:
    """Rules that need themselves. The engine would run out of stack; Rego forbids it."""
    graph: dict[str, set[str]] = {}
    places: dict[str, Position] = {}
    for checked in modules:
        for rule in checked.rules:
            places.setdefault(f"{checked.package}.{rule.name.split('.')[0]}", rule.position)
        for owner, names in checked.uses.items():
            full = {f"{checked.package}.{name}" for name in names}
            graph.setdefault(f"{checked.package}.{owner}", set()).update(full)
    errors: list[PolicyError] = []
    state: dict[str, int] = {}

    def visit(node: str, trail: tuple[str, ...]) -> None:
        state[node] = 1
        for target in sorted(graph.get(node, ())):
            if target not in places:
                continue
            if state.get(target) == 1:
                cycle = [*trail[trail.index(target) :], target] if target in trail else [node, target]
                what = f"rule `{target}` is recursive: {' -> '.join(cycle)}"
                errors.append(PolicySyntaxError(what, places[target]))
            elif target not in state:
                visit(target, (*trail, target))
        state[node] = 2

    for node in sorted(graph):
        if node not in state:
            visit(node, (node,))
    return errors
