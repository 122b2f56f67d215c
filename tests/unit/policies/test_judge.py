"""The judge: three values, and never a pass where something was not read."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.settings import PolicySettings
from policies.engine import Limits
from policies.evaluate import Judge
from policies.loader import load_paths
from policies.pack import PolicySet
from policies.rego.engine import RegorusEngine
from policies.subject import Subject
from policies.verdict import Outcome, Verdict
from providers.resource import Resource, ResourceRef
from providers.terraform import ABSENT_BLOCK, TerraformView

NOW = datetime(2026, 3, 1, tzinfo=UTC)
Load = Callable[..., PolicySet]


@pytest.fixture(scope="module")
def engine() -> Iterator[RegorusEngine]:
    with RegorusEngine(Limits(seconds=2, workers=1)) as engine:
        yield engine


@pytest.fixture
def load(engine: RegorusEngine, tmp_path: Path) -> Load:
    def make(*texts: str, settings: PolicySettings | None = None) -> PolicySet:
        folder = tmp_path / "policies"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for index, text in enumerate(texts):
            (folder / f"p{index}.rego").write_text(text)
        return load_paths([folder], engine, settings)

    return make


def resource(
    document: Mapping[str, Any],
    *,
    unread: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
    type: str = "t",
) -> Resource:
    ref = ResourceRef(provider="aws", account="1", region="eu", type=type, uid="arn:x")
    return Resource(ref=ref, name="x", document=document, unread=unread or {}, tags=tags or {})


def subject(
    document: Mapping[str, Any] | None = None, view: TerraformView | None = None, **more: Any
) -> Subject:
    return Subject(resource=resource(document or {}, **more), view=view)


def judge(
    those: PolicySet, engine: RegorusEngine, *subjects: Subject, now: datetime = NOW, **more: Any
) -> list[Verdict]:
    with Judge(those, engine=engine) as what:
        return list(what.judge(subjects, now=now, **more))


def one(those: PolicySet, engine: RegorusEngine, what: Subject, **more: Any) -> Verdict:
    (verdict,) = judge(those, engine, what, **more)
    return verdict


def policy(body: str, name: str = "p", types: str = "[t]") -> str:
    return f"# METADATA\n# title: The title\n# custom:\n#   types: {types}\npackage {name}\n{body}\n"


MEANINGS = {
    "no denial passes": ("deny contains 1 if false", Outcome.PASS, []),
    "texts": ('deny contains "b"\ndeny contains "a"', Outcome.FAIL, ["a", "b"]),
    "violation is another word for deny": ('violation contains {"msg": "v"}', Outcome.FAIL, ["v"]),
    "named denials": ('deny_encryption contains "e"', Outcome.FAIL, ["e"]),
    "an object without a message": ('deny contains {"port": 22}', Outcome.FAIL, ["The title"]),
    "a number": ("deny contains 7", Outcome.FAIL, ["7"]),
    "a whole value": ('deny := "whole"', Outcome.FAIL, ["whole"]),
    "true": ("deny := true", Outcome.FAIL, ["The title"]),
    "false": ("deny := false", Outcome.PASS, []),
    "keys of an object": ('deny[m] if m := "key"', Outcome.FAIL, ["key"]),
    "an undefined deny passes": ('deny := "x" if false', Outcome.PASS, []),
    "allow true passes": ("allow := true", Outcome.PASS, []),
    "allow false fails": ("allow := false", Outcome.FAIL, ["allow is false: The title"]),
    "allow undefined is unknown": ("allow if false", Outcome.UNKNOWN, []),
    "allow that is no boolean is unknown": ('allow := "yes"', Outcome.UNKNOWN, []),
    "the policy's own doubt": (
        'unknown contains "cannot tell"\ndeny contains 1 if false',
        Outcome.UNKNOWN,
        [],
    ),
    "a denial outweighs a doubt": ('unknown contains "?"\ndeny contains "no"', Outcome.FAIL, ["no"]),
    "a warning is no failure": ('warn contains "w"', Outcome.PASS, []),
    "an error is unknown": ('deny contains to_number("abc")', Outcome.UNKNOWN, []),
    "an error hides no denial of another rule": (
        'deny contains "x"\nwarn contains to_number("abc")',
        Outcome.UNKNOWN,
        [],
    ),
}


@pytest.mark.parametrize("name", MEANINGS)
def test_what_rules_mean(load: Load, engine: RegorusEngine, name: str) -> None:
    body, outcome, messages = MEANINGS[name]
    verdict = one(load(policy(body)), engine, subject())
    assert verdict.outcome is outcome
    assert sorted(m.text for m in verdict.messages) == messages
    assert (verdict.cause is not None) == (outcome is Outcome.UNKNOWN)
    assert not verdict.transient


def test_details_and_warnings_are_kept(load: Load, engine: RegorusEngine) -> None:
    verdict = one(
        load(policy('deny contains {"msg": "m", "port": 22}\nwarn contains "w"')), engine, subject()
    )
    assert verdict.messages[0].details == {"port": 22}
    assert [w.text for w in verdict.warnings] == ["w"]


def test_the_documented_input(load: Load, engine: RegorusEngine) -> None:
    body = "deny contains json.marshal([input.asset, input.context, input.resource])"
    what = Subject(
        resource=resource({"D": 1}, tags={"k": "v"}),
        view=TerraformView(type="tt", attributes={"a": 1}),
        context={"coverage": "complete"},
    )
    verdict = one(load(policy(body)), engine, what)
    assert verdict.text == (
        '[{"account":"1","document":{"D":1},"name":"x","provider":"aws","region":"eu","tags":{"k":"v"},"type":"t",'
        '"uid":"arn:x"},{"coverage":"complete","now":"2026-03-01T00:00:00Z","phase":"preparation"},'
        '{"tt":{"main":{"a":1}}}]'
    )


@pytest.mark.parametrize(("form", "wanted"), [("null", "[null]"), ("empty", "[]"), ("missing", '"gone"')])
def test_absent_blocks_take_the_form_the_policy_wants(
    load: Load, engine: RegorusEngine, form: str, wanted: str
) -> None:
    text = policy(
        'deny contains json.marshal(object.get(input.resource.tt.main, "b", "gone"))',
        types=f"[t]\n#   absent_block: {form}",
    )
    view = TerraformView(type="tt", attributes={"b": ABSENT_BLOCK})
    assert one(load(text), engine, subject(view=view)).text == wanted


# Unread is never absent


def test_an_unread_field_that_is_read_is_unknown(load: Load, engine: RegorusEngine) -> None:
    policies = load(policy("deny contains 1 if input.asset.document.A == 1"))
    assert (
        one(policies, engine, subject(unread={"A": "AccessDenied"})).cause == "`A` was not read: AccessDenied"
    )
    assert one(policies, engine, subject(unread={"B": "AccessDenied"})).outcome is Outcome.PASS


def test_unread_tags_are_unknown_where_tags_are_read(load: Load, engine: RegorusEngine) -> None:
    policies = load(policy("deny contains 1 if not input.asset.tags.owner"))
    for field in ("Tags", "TagList", "labels"):
        assert one(policies, engine, subject(unread={field: "denied"})).outcome is Outcome.UNKNOWN
    assert one(policies, engine, subject(unread={"Policy": "denied"})).outcome is Outcome.FAIL


def test_a_view_without_the_attribute_is_unknown(load: Load, engine: RegorusEngine) -> None:
    policies = load(policy("deny contains 1 if input.resource.tt.main.b == 1"))
    verdict = one(policies, engine, subject(view=TerraformView(type="tt", attributes={"a": 1})))
    assert verdict.cause == "the Terraform view of tt has no attribute `b`"


def test_a_type_without_a_view_is_unknown(load: Load, engine: RegorusEngine) -> None:
    verdict = one(load(policy("deny contains 1 if input.resource.tt.main.b == 1")), engine, subject())
    assert verdict.outcome is Outcome.UNKNOWN
    assert verdict.cause is not None
    assert "no Terraform view" in verdict.cause


def test_a_view_of_another_type_is_unknown(load: Load, engine: RegorusEngine) -> None:
    policies = load(policy("deny contains 1 if input.resource.tt.main.b == 1"))
    verdict = one(policies, engine, subject(view=TerraformView(type="uu", attributes={"b": 1})))
    assert verdict.cause == "the policy reads tt, and this is uu"


def test_rules_for_other_types_do_not_count(load: Load, engine: RegorusEngine) -> None:
    policies = load(
        "package p\ndeny contains 1 if input.resource.tt.main.a == 1\ndeny contains 2 if input.resource.uu.main.b == 1\n"
    )
    verdict = one(policies, engine, subject(view=TerraformView(type="tt", attributes={"a": 2})))
    assert verdict.outcome is Outcome.PASS


def test_relations_that_were_not_read_are_unknown(load: Load, engine: RegorusEngine) -> None:
    policies = load(policy('deny contains x.name if some x in data.inventory["aws.vpc"]'))
    bare = resource({})
    assert one(policies, engine, Subject(resource=bare)).outcome is Outcome.UNKNOWN
    other = one(policies, engine, Subject(resource=bare, inventory={"aws.subnet": []}))
    assert other.cause == "aws.vpc was not read completely, and the policy joins it"
    none = one(policies, engine, Subject(resource=bare, inventory={"aws.vpc": []}))
    assert none.outcome is Outcome.PASS
    some = one(policies, engine, Subject(resource=bare, inventory={"aws.vpc": [{"name": "v"}]}))
    assert some.text == "v"
    assert some.input_digest != none.input_digest


BODIES = st.sampled_from(
    [
        ("deny contains 1 if input.asset.document.{0} == 1", False),
        ("deny contains 1 if not input.asset.document.{0}", False),
        ('deny contains 1 if {{ d := input.asset.document; d["{0}"] == 1 }}', False),
        ('deny contains 1 if object.get(input.asset.document, "{0}", 0) == 1', False),
        ("deny contains 1 if count(input.asset.document) > 99", True),
        ("deny contains 1 if f(input)\nf(x) if x.asset.document.{0} == 1", True),
        ('deny contains 1 if walk(input, [_, "{0}"])', True),
        ('allow := object.get(input.asset.document, "{0}", null) == null', False),
        ("d := input.asset.document\nallow if d.{0} == 1", False),
        ('deny contains 1 if {{ some k in ["{0}"]; input.asset.document[k] == 1 }}', True),
    ]
)
FIELDS = st.sets(st.sampled_from("ABCDEF"))


_LOADED: dict[str, PolicySet] = {}


def loaded(engine: RegorusEngine, text: str, folders: pytest.TempPathFactory) -> PolicySet:
    """A policy, loaded once for all examples."""
    if text not in _LOADED:
        path = folders.mktemp("p") / "p.rego"
        path.write_text(text)
        _LOADED[text] = load_paths([path], engine)
    return _LOADED[text]


@settings(max_examples=80, deadline=None)
@given(body=BODIES, field=st.sampled_from("ABC"), unread=FIELDS, there=FIELDS)
def test_unknown_never_passes(
    engine: RegorusEngine,
    tmp_path_factory: pytest.TempPathFactory,
    body: tuple[str, bool],
    field: str,
    unread: set[str],
    there: set[str],
) -> None:
    """Whatever a policy reads and whatever could not be read: if they touch, the verdict is unknown."""
    text, reads_all = body
    policies = loaded(engine, policy(text.format(field)), tmp_path_factory)
    document = dict.fromkeys(there - unread, 1)
    verdict = one(policies, engine, subject(document, unread=dict.fromkeys(unread, "denied")))
    touched = field in unread or (reads_all and bool(unread))
    if touched:
        assert verdict.outcome is Outcome.UNKNOWN
    else:
        # It is judged as if the unread fields were not its business: they are not.
        assert verdict == one(policies, engine, subject(document)) or reads_all


@settings(max_examples=60, deadline=None)
@given(
    attributes=st.dictionaries(st.sampled_from("abcd"), st.sampled_from([1, None, []]), max_size=4),
    unread=st.sets(st.sampled_from("abcd")),
    read=st.sampled_from("abcd"),
)
def test_no_view_passes_without_the_attribute(
    engine: RegorusEngine,
    tmp_path_factory: pytest.TempPathFactory,
    attributes: dict[str, Any],
    unread: set[str],
    read: str,
) -> None:
    text = f"package p\ndeny contains 1 if input.resource.tt.main.{read} == 1\n"
    known = {k: v for k, v in attributes.items() if k not in unread}
    view = TerraformView(type="tt", attributes=known, unread=dict.fromkeys(unread, "denied"))
    verdict = one(loaded(engine, text, tmp_path_factory), engine, subject(view=view))
    if read not in known:
        assert verdict.outcome is Outcome.UNKNOWN
    else:
        assert verdict.outcome is (Outcome.FAIL if known[read] == 1 else Outcome.PASS)


def test_documents_that_are_no_json_are_unknown(load: Load, engine: RegorusEngine) -> None:
    policies = load(policy("deny contains 1 if input.asset.document.A == 1"))
    deep: Any = 1
    for _ in range(200):
        deep = [deep]
    deeper: Any = 1
    for _ in range(2000):
        deeper = [deeper]
    causes = [
        one(policies, engine, subject(document)).cause
        for document in ({"A": "\ud800"}, {"A": deep}, {"A": deeper}, {"A": 2**70}, {"A": object()})
    ]
    wanted = ("surrogate", "128 levels", "too deeply", "64 bits", "not JSON")
    for cause, word in zip(causes, wanted, strict=True):
        assert cause is not None
        assert word in cause


# Remembering


def test_digests_do_not_move_with_the_clock_or_with_what_is_not_read(
    load: Load, engine: RegorusEngine
) -> None:
    view = TerraformView(type="tt", attributes={"a": 1})
    policies = load(policy("deny contains 1 if input.resource.tt.main.a == 2"))
    first = one(policies, engine, subject({"x": 1}, view=view))
    again = one(policies, engine, subject({"x": 2}, view=view), now=NOW + timedelta(days=9))
    assert first == again
    moved = one(policies, engine, subject({"x": 1}, view=TerraformView(type="tt", attributes={"a": 3})))
    assert moved.input_digest != first.input_digest


def test_a_reader_of_the_clock_is_judged_anew(load: Load, engine: RegorusEngine) -> None:
    policies = load(
        policy('deny contains 1 if time.now_ns() > time.parse_rfc3339_ns("2026-06-01T00:00:00Z")')
    )
    assert policies.reading_clock == policies.policies
    early = one(policies, engine, subject())
    late = one(policies, engine, subject(), now=NOW + timedelta(days=200))
    assert (early.outcome, late.outcome) == (Outcome.PASS, Outcome.FAIL)
    assert early.input_digest != late.input_digest


def test_what_is_remembered_is_not_evaluated(load: Load, engine: RegorusEngine) -> None:
    policies = load(policy("deny contains 1 if input.asset.document.A == 1"))
    memory: dict[tuple[bytes, bytes], Verdict] = {}
    asked: list[bytes] = []

    def recall(policy_digest: bytes, input_digest: bytes) -> Verdict | None:
        asked.append(input_digest)
        return memory.get((policy_digest, input_digest))

    subjects = [subject({"A": n % 3}) for n in range(9)]
    for verdict in judge(policies, engine, *subjects, recall=recall):
        memory[verdict.policy_digest, verdict.input_digest] = verdict
    assert len(memory) == 3
    closed = RegorusEngine(Limits(workers=1))
    closed.close()  # anything evaluated now would raise
    with Judge(policies, engine=closed) as what:
        again = list(what.judge(subjects, now=NOW, recall=recall))
    assert [v.outcome for v in again] == [Outcome.FAIL if n % 3 == 1 else Outcome.PASS for n in range(9)]


def test_an_unread_field_changes_the_digest(load: Load, engine: RegorusEngine) -> None:
    policies = load(policy("deny contains 1 if input.asset.document.A == 1"))
    read, unread = one(policies, engine, subject()), one(policies, engine, subject(unread={"A": "denied"}))
    assert read.input_digest != unread.input_digest


def test_the_policys_digest_covers_what_decides(load: Load) -> None:
    base = policy("deny contains data.parameters.p")
    digests = {
        load(base).policies[0].digest,
        load(base + "\n").policies[0].digest,
        load(base, settings=PolicySettings(packs=(), parameters={"p": {"p": 1}})).policies[0].digest,
        load(base.replace("types: [t]", "types: [t]\n#   absent_block: null")).policies[0].digest,
    }
    assert len(digests) == 4
    milder = load(base, settings=PolicySettings(packs=(), severities={"p": "low"})).policies[0]
    assert milder.severity.value == "low"
    assert milder.digest in digests


def test_order_is_subject_by_subject_over_batches(load: Load, engine: RegorusEngine) -> None:
    policies = load(
        policy("deny contains input.asset.document.n", "a"),
        policy("deny contains input.asset.document.n", "b"),
    )
    unread = set(range(0, 230, 7))
    subjects = [
        subject({} if i in unread else {"n": i}, unread={"n": "x"} if i in unread else None)
        for i in range(230)
    ]
    verdicts = judge(policies, engine, *subjects)
    assert [v.policy_id for v in verdicts] == ["a", "b"] * 230
    assert [v.text for v in verdicts[::2]] == [
        "`n` was not read: x" if i in unread else str(i) for i in range(230)
    ]


def test_the_set_can_be_narrowed(load: Load, engine: RegorusEngine) -> None:
    policies = load(
        policy("deny contains 1", "a"), policy("deny contains 1", "b"), policy("deny contains 1", "c", "[u]")
    )
    chosen = [policies.by_id("b"), policies.by_id("c")]
    assert [v.policy_id for v in judge(policies, engine, subject(), policies=chosen)] == ["b"]


def test_a_naive_time_is_refused(load: Load, engine: RegorusEngine) -> None:
    with pytest.raises(ValueError, match="time zone"):
        judge(load(policy("deny contains 1")), engine, subject(), now=datetime(2026, 1, 1))  # noqa: DTZ001
