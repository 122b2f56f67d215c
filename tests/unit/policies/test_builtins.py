"""The built-in functions we add and close, and the list of those the engine has."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import regorus
from hypothesis import given
from hypothesis import strategies as st

from policies.engine import Evaluation, FailureKind, Limits, Module, Program
from policies.rego import builtins, worker
from policies.rego.engine import RegorusEngine

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def engine() -> Iterator[RegorusEngine]:
    with RegorusEngine(Limits(workers=1)) as engine:
        yield engine


def value(engine: RegorusEngine, expression: str) -> object:
    modules = (
        engine.check([Module(path=Path("a.rego"), text=f"package a\nx := {expression}\n")])
        .raise_first()
        .modules
    )
    what = Evaluation(program=Program.of(modules), entrypoints=("data.a.x",), input=b"{}", now=NOW)
    (answer,) = engine.evaluate([what])
    return answer.failure or answer.values.get("data.a.x")


VALUES = {
    'crypto.md5("abc")': "900150983cd24fb0d6963f7d28e17f72",
    'crypto.sha1("abc")': "a9993e364706816aba3e25717850c26c9cd0d89d",
    'crypto.sha256("abc")': "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    'crypto.hmac.sha256("what do ya want for nothing?", "Jefe")': (
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    ),
    'crypto.hmac.md5("what do ya want for nothing?", "Jefe")': "750c783e6ab0b503eaa86e310a5db738",
    'crypto.hmac.equal("a", "a")': True,
    'crypto.hmac.equal("a", "b")': False,
    'net.cidr_intersects("10.0.0.0/8", "10.1.0.0/16")': True,
    'net.cidr_intersects("10.0.0.0/8", "192.168.0.0/16")': False,
    'net.cidr_intersects("10.0.0.0/8", "::/0")': False,
    'net.cidr_merge(["192.0.128.0/24", "192.0.129.0/24"])': ["192.0.128.0/23"],
    'net.cidr_merge({"10.0.0.1", "10.0.0.0/8", "::1/128"})': ["10.0.0.0/8", "::1/128"],
    'net.cidr_contains_matches("1.1.1.0/24", "1.1.1.128")': [["1.1.1.0/24", "1.1.1.128"]],
    'net.cidr_contains_matches(["1.1.1.0/24", "1.1.2.0/24"], {"a": "1.1.2.7", "b": "9.9.9.9"})': [[1, "a"]],
}


@pytest.mark.parametrize("expression", VALUES)
def test_added_functions_give_what_opas_do(engine: RegorusEngine, expression: str) -> None:
    assert value(engine, expression) == VALUES[expression]


@pytest.mark.parametrize(
    "expression",
    [
        "crypto.sha256(1)", 'net.cidr_intersects("nonsense", "10.0.0.0/8")', "net.cidr_merge(3)", 'net.cidr_merge([{"a": 1}])',
        "net.cidr_contains_matches(1, 2)", 'crypto.hmac.sha256("a", null)',
    ],
)  # fmt: skip
def test_wrong_operands_are_errors_of_the_evaluation(engine: RegorusEngine, expression: str) -> None:
    failure = value(engine, expression)
    assert getattr(failure, "kind", None) is FailureKind.ERROR
    assert expression.split("(")[0] in str(failure)


def test_the_list_of_functions_is_the_engines_own() -> None:
    bare = regorus.Engine()
    bare.add_policy("a.rego", "package a\nx := opa.runtime().builtins")
    known = set(json.loads(bare.eval_rule_as_json("data.a.x")))
    plain = {name for name in known if not name.startswith("__")}
    assert plain - builtins.CLOSED.keys() == builtins.REGORUS - {"print"}
    assert not builtins.ADDED.keys() & plain, "the engine has learnt this itself"


@pytest.mark.parametrize("name", sorted(builtins.CLOSED))
def test_closed_functions_refuse_even_where_they_are_reached(name: str) -> None:
    arguments = ", ".join(['"x"', "5"][: builtins.ARITY[name]])
    engine = worker.new_engine()
    engine.add_policy("a.rego", f"package a\nx := {name}({arguments})")
    with pytest.raises(RuntimeError, match=f"{name} is closed"):
        engine.eval_rule_as_json("data.a.x")


networks = st.builds(
    lambda bits, length: str(ipaddress.ip_network((bits << 8, 32)).supernet(new_prefix=length)),
    st.integers(0, 2**12),
    st.integers(16, 32),
)


@given(st.lists(networks, max_size=6))
def test_merging_keeps_every_address_and_adds_none(cidrs: list[str]) -> None:
    merged = [ipaddress.ip_network(n) for n in builtins.ADDED["net.cidr_merge"][1](cidrs)]
    given_ = [ipaddress.ip_network(n) for n in cidrs]
    assert all(any(n.subnet_of(m) for m in merged) for n in given_)  # type: ignore[arg-type]
    for one in merged:
        assert not any(one.overlaps(other) for other in merged if other is not one)
    assert sum(m.num_addresses for m in merged) <= sum(n.num_addresses for n in given_)
