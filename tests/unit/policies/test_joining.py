"""What a policy joins: relations, fields, bounds; and whom a verdict over many resources is about."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import PolicySettings
from policies.engine import Evaluation, Limits, Module, Program
from policies.errors import PolicyErrors
from policies.evaluate import Judge
from policies.joining import JoinedInventory, Unjoinable, join, named, spread
from policies.loader import load_paths
from policies.pack import PolicySet
from policies.policy import Language, Phase, Policy, PolicyScope
from policies.rego.engine import RegorusEngine
from policies.subject import Subject
from policies.verdict import Message, Outcome, Verdict
from providers.provider import Severity
from providers.relation import Relation, among, provider_of
from providers.resource import Resource, ResourceRef

NOW = datetime(2026, 3, 1, tzinfo=UTC)
RELATIONS = (
    Relation("t.vm", "document.Groups[].Id", "t.group", "document.Id"),
    Relation("t.group", "account", "t.account", "account"),
    Relation("t.key", "uid", "t.user", cut="/keys/"),
)


def policy(
    *joins: str, fields: Mapping[str, tuple[str, ...]] | None = None, types: tuple[str, ...] = ()
) -> Policy:
    return Policy(
        id="p",
        title="p",
        description="",
        phase=Phase.PREPARATION,
        severity=Severity.LOW,
        language=Language.REGO,
        source="",
        path=Path("p.rego"),
        line=1,
        digest=b"",
        scope=PolicyScope.RESOURCE if types else PolicyScope.ACCOUNT,
        types=frozenset(types),
        joins=frozenset(joins),
        join_fields=fields or {},
        relates=True,
    )


def asset(kind: str, uid: str, **document: Any) -> dict[str, Any]:
    return {"uid": uid, "type": kind, "account": "1", "document": document}


VM = asset("t.vm", "vm", Groups=[{"Id": "g2"}, {"Id": "g1"}, {"Id": "nowhere"}, {}, 7])
GROUPS = [
    asset("t.group", "first", Id="g1"),
    asset("t.group", "other", Id="g3"),
    asset("t.group", "second", Id="g2"),
]


def test_relations_are_positions_in_both_directions() -> None:
    inventory = {
        "t.vm": [VM],
        "t.group": GROUPS,
        "t.account": [asset("t.account", "acc")],
        "t.user": [asset("t.user", "u")],
        "t.key": [asset("t.key", "u/keys/1"), asset("t.key", "v/keys/1")],
    }
    found = orjson.loads(join(policy(*inventory), inventory, RELATIONS, 1).text)
    assert found["inventory"]["t.group"] == GROUPS
    assert found["related"] == {
        "vm": {"t.group": [0, 2]},
        "first": {"t.vm": [0], "t.account": [0]},
        "second": {"t.vm": [0], "t.account": [0]},
        "other": {"t.account": [0]},
        "acc": {"t.group": [0, 1, 2]},
        "u/keys/1": {"t.user": [0]},
        "u": {"t.key": [0]},
    }


def test_a_judged_resource_is_related_to_what_is_joined() -> None:
    joined = join(policy("t.group", types=("t.vm",)), {"t.group": GROUPS}, RELATIONS, 1)
    assert joined.related(VM, {}) == {"t.group": [0, 2]}
    with pytest.raises(Unjoinable, match=r"`Groups` was not read \(denied\)"):
        joined.related(VM, {"Groups": "denied"})
    assert joined.related(VM, {"Other": "denied"}) == {"t.group": [0, 2]}


def test_only_the_named_fields_are_given_and_only_they_must_be_read() -> None:
    vm = {**asset("t.vm", "vm", Size=1, Secret="s"), "unread": {"Secret": "denied"}}
    text = join(policy("t.vm", fields={"t.vm": ("Size", "Gone")}), {"t.vm": [vm]}, (), 1).text
    assert orjson.loads(text)["inventory"]["t.vm"][0]["document"] == {"Size": 1}
    for fields in ({"t.vm": ("Secret",)}, {}):
        with pytest.raises(Unjoinable, match="`Secret` of vm was not read"):
            join(policy("t.vm", fields=fields), {"t.vm": [vm]}, (), 1)


def test_the_field_a_relation_needs_must_be_read() -> None:
    vm = {**asset("t.vm", "vm"), "unread": {"Groups": "denied"}}
    inventory = {"t.vm": [vm], "t.group": GROUPS}
    with pytest.raises(Unjoinable, match="`Groups` of vm"):
        join(policy("t.vm", "t.group", fields={"t.vm": ()}), inventory, RELATIONS, 1)
    assert join(policy("t.vm", fields={"t.vm": ()}), inventory, RELATIONS, 1)


@dataclass
class Endless:
    """More resources than fit anywhere."""

    given: int = 0

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        while True:
            self.given += 1
            yield asset("t.vm", f"vm-{self.given}", Text="x" * 10_000, Groups=[{"Id": f"{self.given}"}])


def test_it_stops_at_its_limit() -> None:
    endless = Endless()
    with pytest.raises(Unjoinable, match=r"more than 1 MiB \(policies\.join_limit_mb\); name the fields"):
        join(policy("t.vm"), {"t.vm": endless}, RELATIONS, 1)
    assert endless.given < 110


def test_memory_holds_the_text_and_not_the_documents() -> None:
    class Many:
        def __iter__(self) -> Iterator[Mapping[str, Any]]:
            return (asset("t.vm", f"vm-{n}", Size=n, Text="x" * 50_000) for n in range(1_000))

    tracemalloc.start()
    try:
        joined = join(policy("t.vm", fields={"t.vm": ("Size",)}), {"t.vm": Many()}, (), 1)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(joined.text) < 100_000
    assert peak < 1_000_000  # of 50 MB that went by


@given(st.lists(st.tuples(st.integers(0, 5), st.lists(st.integers(0, 8), max_size=4)), max_size=8))
def test_positions_are_exactly_the_matches(vms: list[tuple[int, list[int]]]) -> None:
    groups = [asset("t.group", f"g-{n}", Id=f"g{n % 6}") for n in range(8)]
    machines = [
        asset("t.vm", f"vm-{i}", Groups=[{"Id": f"g{n}"} for n in ids]) for i, (_, ids) in enumerate(vms)
    ]
    found = orjson.loads(
        join(policy("t.vm", "t.group"), {"t.vm": machines, "t.group": groups}, RELATIONS, 1).text
    )
    for i, (_, ids) in enumerate(vms):
        wanted = [n for n in range(8) if n % 6 in ids]
        assert found["related"].get(f"vm-{i}", {}).get("t.group", []) == wanted


def test_what_a_relation_is() -> None:
    fold = Relation("a", "document.Id", "b", fold=True)
    assert list(fold.values({"document": {"Id": "/SUB"}}, 0)) == ["/sub"]
    assert list(fold.values({"uid": "/Sub"}, 1)) == ["/sub"]
    assert list(fold.values({"document": {"Id": 5}}, 0)) == list(fold.values({}, 0)) == []
    assert among(RELATIONS, {"t.vm", "t.group"}) == RELATIONS[:1]
    with pytest.raises(ValueError, match="starts at one of"):
        Relation("a", "tags.x", "b")
    kinds = ("aws.vpc", "microsoft.compute/disks", "compute.googleapis.com/Disk", "memory.machine")
    assert [provider_of(kind) for kind in kinds] == ["aws", "azure", "gcp", "memory"]


# Verdicts


def resource(uid: str) -> Resource:
    ref = ResourceRef(provider="t", account="1", region="", type="t.account", uid=uid)
    return Resource(ref=ref, name=uid, document={})


def verdict(
    outcome: Outcome, *messages: Message, doubts: tuple[Message, ...] = (), cause: str | None = None
) -> Verdict:
    return Verdict(
        policy_id="p",
        policy_digest=b"p",
        uid="place",
        input_digest=b"i",
        outcome=outcome,
        messages=messages,
        doubts=doubts,
        cause=cause,
    )


def about(uid: str, text: str = "bad") -> Message:
    return Message(text=text, details={"resource": uid})


def said(verdicts: list[Verdict]) -> dict[str, tuple[str, str]]:
    return {v.uid: (v.outcome.value, v.text) for v in verdicts}


def test_messages_are_about_whom_they_name() -> None:
    whole = verdict(Outcome.FAIL, about("a"), about("a", "worse"), Message(text="all"), about("ghost"))
    assert named(whole) == {"a", "ghost"}
    assert said(spread(whole, resource("acc"), {"old"}, {"a": "a"})) == {
        "a": ("fail", "bad; worse"),
        "acc": ("fail", "all; bad (names ghost, which is not in this inventory)"),
        "old": ("pass", ""),
    }


def test_an_evaluation_that_failed_decides_nothing() -> None:
    whole = verdict(Outcome.UNKNOWN, cause="stopped")
    assert said(spread(whole, resource("acc"), {"old"}, {})) == {"acc": ("unknown", "stopped")}


def test_doubts_keep_what_they_are_about() -> None:
    one = verdict(Outcome.FAIL, about("a"), doubts=(about("b", "cannot tell"),))
    assert said(spread(one, resource("acc"), {"b", "c"}, {"a": "a", "b": "b"})) == {
        "a": ("fail", "bad"),
        "acc": ("pass", ""),
        "b": ("unknown", "cannot tell"),
        "c": ("pass", ""),
    }
    general = verdict(Outcome.UNKNOWN, doubts=(Message(text="no idea"),), cause="no idea")
    assert said(spread(general, resource("acc"), {"c"}, {})) == {
        "acc": ("unknown", "no idea"),
        "c": ("unknown", "no idea"),
    }


# Loading and judging


@pytest.fixture(scope="module")
def engine() -> Iterator[RegorusEngine]:
    with RegorusEngine(Limits(workers=1)) as engine:
        yield engine


def load(engine: RegorusEngine, folder: Path, custom: str, body: str) -> PolicySet:
    folder.joinpath("p.rego").write_text(f"# METADATA\n# custom: {{id: p, {custom}}}\npackage p\n\n{body}\n")
    return load_paths([folder], engine, PolicySettings(packs=()))


@pytest.mark.parametrize(
    ("custom", "body", "what"),
    [
        ("scope: account", "deny contains 1 if true", "2:19: a policy over an account joins nothing"),
        ("scope: estate", "deny contains 1 if true", "2:19: a policy over the estate joins nothing"),
        (
            "types: [t]",
            "deny contains t if some t, _ in data.inventory",
            "it is not clear which types this policy joins",
        ),
        (
            "types: [t], joins: ['aws.*']",
            "deny contains 1 if true",
            "`joins` takes whole type names, not 'aws.*'",
        ),
        (
            "types: [t], joins: {t.vm: 5}",
            "deny contains 1 if true",
            "`joins.t.vm` must be a list of document fields",
        ),
    ],
)
def test_joins_that_are_not_clear_are_refused(
    engine: RegorusEngine, tmp_path: Path, custom: str, body: str, what: str
) -> None:
    with pytest.raises(PolicyErrors) as caught:
        load(engine, tmp_path, custom, body)
    assert what in str(caught.value)
    assert "p.rego:" in str(caught.value)


def test_declared_joins_let_a_variable_choose_among_them(engine: RegorusEngine, tmp_path: Path) -> None:
    body = "deny contains [k, count(v)] if some k, v in data.inventory"
    policies = load(engine, tmp_path, "types: [t.vm], joins: [t.group, t.user]", body)
    inventory = JoinedInventory({"t.group": GROUPS, "t.user": [], "t.other": GROUPS}, {})
    subject = Subject(resource=Resource(ref=resource("x").ref, name="x", document={}), inventory=inventory)
    with Judge(policies, engine=engine, relations=RELATIONS) as judge:
        found = judge.judge([subject], now=NOW, policies=policies.policies)
        assert list(found) == []  # another type
        vm = ResourceRef(provider="t", account="1", region="", type="t.vm", uid="vm")
        subject = Subject(resource=Resource(ref=vm, name="vm", document={}), inventory=inventory)
        (one,) = judge.judge([subject], now=NOW)
    assert one.text == "t.group; 3; t.user; 0"


def test_a_resource_policy_reads_its_relations(engine: RegorusEngine, tmp_path: Path) -> None:
    body = 'deny contains g.uid if { some i in input.related["t.group"]; g := data.inventory["t.group"][i] }'
    policies = load(engine, tmp_path, "types: [t.vm], joins: {t.group: []}", body)
    vm = ResourceRef(provider="t", account="1", region="", type="t.vm", uid="vm")
    inventory = JoinedInventory({"t.group": GROUPS})
    texts = []
    with Judge(policies, engine=engine, relations=RELATIONS) as judge:
        for document, unread in ((VM["document"], {}), ({}, {}), ({}, {"Groups": "denied"})):
            made = Resource(ref=vm, name="vm", document=document, unread=unread)
            (one,) = judge.judge([Subject(resource=made, inventory=inventory)], now=NOW)
            texts.append((one.outcome.value, one.text))
    assert texts == [
        ("fail", "first; second"),
        ("pass", ""),
        ("unknown", "`Groups` was not read (denied), and tells which t.group belong to it"),
    ]


def test_the_scope_and_the_fields_are_part_of_the_digest(engine: RegorusEngine, tmp_path: Path) -> None:
    pack = "id: k\ntitle: k\nphase: preparation\npolicies: {{p: {{id: p, scope: {}, joins: {}}}}}\n"
    tmp_path.joinpath("p.rego").write_text('package p\ndeny contains 1 if data.inventory["t.vm"]')
    digests = set()
    for scope, joins in (("account", "[t.vm]"), ("estate", "[t.vm]"), ("account", "{t.vm: [A]}")):
        tmp_path.joinpath("pack.yaml").write_text(pack.format(scope, joins))
        digests.add(load_paths([tmp_path], engine).policies[0].digest)
    assert len(digests) == 3


def test_an_evaluation_over_many_resources_may_take_longer() -> None:
    text = "package p\ndeny contains 1 if { some a in numbers.range(1, 100000); some b in numbers.range(1, 100000); a + b < 0 }"
    with RegorusEngine(Limits(seconds=0.2, workers=1)) as impatient:
        program = Program.of(impatient.check([Module(path=Path("p.rego"), text=text)]).raise_first().modules)
        evaluations = [
            Evaluation(program=program, entrypoints=("data.p.deny",), input=b"{}", now=NOW, weight=weight)
            for weight in (1, 3)
        ]
        causes = [answer.failure and answer.failure.cause for answer in impatient.evaluate(evaluations)]
    assert causes == [
        "stopped after 0.2 s of computing (policies.time_limit)",
        "stopped after 0.6 s of computing (policies.time_limit, 3 times for what it joins)",
    ]
