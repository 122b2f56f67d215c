"""Modules that import one another in a circle, found before anything is evaluated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from policies.errors import PolicySyntaxError, Position
from policies.sentinel.options import Source

ModuleOf = Callable[[Source, str], Source | None]
"""(importer, name) -> the module that is imported; None for what is no module."""


def circles(sources: Iterable[Source], module_of: ModuleOf) -> Iterator[PolicySyntaxError]:
    """An error for each import that closes a circle. What the sources import is followed."""
    done: set[int] = set()
    for source in sources:
        trail, turns = [source], [_modules(source, module_of)]
        while trail:
            step = next(turns[-1], None)
            if step is None:
                done.add(id(trail.pop()))
                turns.pop()
                continue
            where, module = step
            first = next((place for place, one in enumerate(trail) if one is module), None)
            if first is not None:
                names = " -> ".join(one.path.stem for one in (*trail[first:], module))
                yield PolicySyntaxError(f"modules import one another in a circle: {names}", where)
            elif id(module) not in done:
                trail.append(module)
                turns.append(_modules(module, module_of))


def _modules(source: Source, module_of: ModuleOf) -> Iterator[tuple[Position, Source]]:
    for node in source.code.program.imports:
        module = module_of(source, node.name)
        if module is not None:
            yield Position(source.path, *node.at), module
