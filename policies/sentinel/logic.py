"""Chains of operators to closures: ``and``, ``or`` and ``xor`` with their undefined, ``else``, and all that compute."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from policies.errors import Position
from policies.sentinel import nodes, semantics
from policies.sentinel.operators import BINARY, as_bool, is_defined, is_empty, negated, settled
from policies.sentinel.run import Run, Scope
from policies.sentinel.values import Fault, Undefined, Value

Evaluator: TypeAlias = Callable[[Scope], Value]
LinkCode: TypeAlias = tuple[str, Evaluator, nodes.Expression, Position]
"""An operator, its right operand compiled and as written, and its place."""

_PLAIN: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
"""What a comparison is where both sides are ints, or both strings."""


def compile_chain(first: Evaluator, links: Sequence[LinkCode]) -> Evaluator:
    """All operators of one precedence, from left to right."""
    name = links[0][0]
    if name == "and":
        return _conjunction(first, [(code, where) for _, code, _, where in links])
    if name in {"or", "xor"}:
        return _disjunction(first, [(sign, code, where) for sign, code, _, where in links])
    if name == "else":
        return _alternative(first, [code for _, code, _, _ in links])
    if len(links) > 1:
        return _computation(first, [(BINARY[sign], code, where) for sign, code, _, where in links])
    sign, code, written, where = links[0]
    if sign in _PLAIN and isinstance(written, nodes.Literal) and type(written.value) in {int, bytes}:
        return _comparison(first, sign, written.value, where)
    return _binary(first, BINARY[sign], code, where)


def _placed(value: Value, where: Position) -> Value:
    if type(value) is Undefined and value.where is None:
        value.where = where
    return value


def _binary(
    first: Evaluator, apply: Callable[[Value, Value, Run], Value], second: Evaluator, where: Position
) -> Evaluator:
    def operate(scope: Scope) -> Value:
        left = first(scope)
        right = second(scope)
        try:
            value = apply(left, right, scope.run)
        except Fault as fault:
            fault.at(where)
            raise
        if type(value) is Undefined and value.where is None:
            value.where = where
        return value

    return operate


def _comparison(first: Evaluator, sign: str, constant: Any, where: Position) -> Evaluator:
    kind, plain, apply = type(constant), _PLAIN[sign], BINARY[sign]

    def compare(scope: Scope) -> Value:
        left = first(scope)
        if type(left) is kind:
            return plain(left, constant)
        try:
            return _placed(apply(left, constant, scope.run), where)
        except Fault as fault:
            fault.at(where)
            raise

    return compare


def _computation(
    first: Evaluator, links: Sequence[tuple[Callable[[Value, Value, Run], Value], Evaluator, Position]]
) -> Evaluator:
    def operate(scope: Scope) -> Value:
        value = first(scope)
        for apply, operand, where in links:
            right = operand(scope)
            try:
                value = apply(value, right, scope.run)
            except Fault as fault:
                fault.at(where)
                raise
            if type(value) is Undefined and value.where is None:
                value.where = where
        return value

    return operate


def _conjunction(first: Evaluator, rest: Sequence[tuple[Evaluator, Position]]) -> Evaluator:
    start = rest[0][1]

    def conjoin(scope: Scope) -> Value:
        value = first(scope)
        if value is not True and value is not False:
            value = _placed(as_bool(value, scope.run), start)
        for operand, where in rest:
            if value is False:
                return False
            if value is not True and semantics.AND_STOPS_AT_UNDEFINED:
                return value
            right = operand(scope)
            if right is not True and right is not False:
                right = _placed(as_bool(right, scope.run), where)
            if value is True or right is False:
                value = right
        return value

    return conjoin


def _disjunction(first: Evaluator, rest: Sequence[tuple[str, Evaluator, Position]]) -> Evaluator:
    start = rest[0][2]

    def disjoin(scope: Scope) -> Value:
        value = first(scope)
        if value is not True and value is not False:
            value = _placed(as_bool(value, scope.run), start)
        for sign, operand, where in rest:
            if sign == "or" and value is True:
                continue
            right = operand(scope)
            if right is not True and right is not False:
                right = _placed(as_bool(right, scope.run), where)
            if sign == "or":
                if value is False or right is True:
                    value = right
            elif type(value) is not Undefined:
                value = right if type(right) is Undefined else value is not right
        return value

    return disjoin


def _alternative(first: Evaluator, rest: Sequence[Evaluator]) -> Evaluator:
    def choose(scope: Scope) -> Value:
        value = settled(first(scope), scope.run)
        for operand in rest:
            if type(value) is not Undefined:
                return value
            value = settled(operand(scope), scope.run)
        return value

    return choose


def compile_state(operand: Evaluator, what: str, negative: bool, where: Position) -> Evaluator:
    """``is [not] empty`` and ``is [not] defined``."""

    def test(scope: Scope) -> Value:
        value = operand(scope)
        found = is_empty(value, scope.run) if what == "empty" else is_defined(value, scope.run)
        return _placed(negated(found) if negative else found, where)

    return test
