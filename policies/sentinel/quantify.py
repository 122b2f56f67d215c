"""``any``, ``all``, ``filter``, ``map``, and the turns of a loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias

from policies.errors import Position
from policies.sentinel import semantics
from policies.sentinel.operators import as_bool, settled
from policies.sentinel.run import Run, Scope
from policies.sentinel.values import Fault, Key, Undefined, Value, a_kind, key_value

Evaluator: TypeAlias = Callable[[Scope], Value]


def turns(
    collection: Value, names: tuple[str, ...], what: str, run: Run
) -> Iterable[dict[str, Value]] | Undefined:
    """The loop variables of each turn; undefined where there is nothing to go over. Raises Fault for what is no
    collection. The turns are those of the collection as it is now: what the body adds is not visited."""
    collection = settled(collection, run)
    if isinstance(collection, list):
        run.hold_collection(len(collection))
        if len(names) == 1:
            name = names[0]
            return ({name: item} for item in list(collection))
        first, second = names
        return ({first: place, second: item} for place, item in enumerate(list(collection)))
    if isinstance(collection, dict):
        run.hold_collection(len(collection))
        if len(names) == 1:
            name = names[0]
            return ({name: key_value(key)} for key in list(collection))
        first, second = names
        return ({first: key_value(key), second: item} for key, item in list(collection.items()))
    if collection is None or type(collection) is Undefined:
        if semantics.LOOP_OVER_NOTHING_IS_ERROR:
            raise Fault(f'"{what}" goes over a list or a map, not {a_kind(collection)}')
        return collection if collection is not None else Undefined(f'"{what}" goes over null here')
    raise Fault(f'"{what}" goes over a list or a map, not {a_kind(collection)}')


def _start(
    kind: str, over: Evaluator, names: tuple[str, ...], where: Position
) -> Callable[[Scope], Iterable[dict[str, Value]] | Undefined]:
    def start(scope: Scope) -> Iterable[dict[str, Value]] | Undefined:
        value = over(scope)
        try:
            found = turns(value, names, kind, scope.run)
        except Fault as fault:
            fault.at(where)
            raise
        if isinstance(found, Undefined) and found.where is None:
            found.where = where
        return found

    return start


def _bool(value: Value, run: Run, where: Position) -> Value:
    value = as_bool(value, run)
    if type(value) is Undefined and value.where is None:
        value.where = where
    return value


def _any(over: Evaluator, names: tuple[str, ...], body: Evaluator, cost: int, where: Position) -> Evaluator:
    start = _start("any", over, names, where)

    def quantify(scope: Scope) -> Value:
        run, found = scope.run, start(scope)
        if isinstance(found, Undefined):
            return found
        answer: Value = False
        for variables in found:
            run.fuel -= cost
            if run.fuel < 0:
                run.refuel()
            value = body(Scope(run, scope, variables))
            if value is not True and value is not False:
                value = _bool(value, run, where)
            if value is True:
                return True
            if value is not False and answer is False:
                answer = value
        return answer

    return quantify


def _all(over: Evaluator, names: tuple[str, ...], body: Evaluator, cost: int, where: Position) -> Evaluator:
    start = _start("all", over, names, where)

    def quantify(scope: Scope) -> Value:
        run, found = scope.run, start(scope)
        if isinstance(found, Undefined):
            return found
        for variables in found:
            run.fuel -= cost
            if run.fuel < 0:
                run.refuel()
            value = body(Scope(run, scope, variables))
            if value is not True and value is not False:
                value = _bool(value, run, where)
            if value is not True:
                return value
        return True

    return quantify


def _filter(
    over: Evaluator, names: tuple[str, ...], body: Evaluator, cost: int, where: Position
) -> Evaluator:
    def quantify(scope: Scope) -> Value:
        run = scope.run
        collection = settled(over(scope), run)
        try:
            found = turns(collection, names, "filter", run)
        except Fault as fault:
            fault.at(where)
            raise
        if isinstance(found, Undefined):
            found.where = found.where or where
            return found
        kept: list[tuple[Key | None, Value]] = []
        pairs = (
            list(collection.items())
            if isinstance(collection, dict)
            else [(None, item) for item in collection]
        )
        for pair, variables in zip(pairs, found, strict=True):
            run.fuel -= cost
            if run.fuel < 0:
                run.refuel()
            value = _bool(body(Scope(run, scope, variables)), run, where)
            if value is True:
                kept.append(pair)
            elif value is not False and semantics.FILTER_SPOILT_BY_UNDEFINED:
                return value
        return dict(kept) if isinstance(collection, dict) else [item for _, item in kept]

    return quantify


def _map(over: Evaluator, names: tuple[str, ...], body: Evaluator, cost: int, where: Position) -> Evaluator:
    start = _start("map", over, names, where)

    def quantify(scope: Scope) -> Value:
        run, found = scope.run, start(scope)
        if isinstance(found, Undefined):
            return found
        made: list[Value] = []
        for variables in found:
            run.fuel -= cost
            if run.fuel < 0:
                run.refuel()
            made.append(settled(body(Scope(run, scope, variables)), run))
        return made

    return quantify


QUANTIFIERS: Final[
    Mapping[str, Callable[[Evaluator, tuple[str, ...], Evaluator, int, Position], Evaluator]]
] = {
    "any": _any,
    "all": _all,
    "filter": _filter,
    "map": _map,
}
