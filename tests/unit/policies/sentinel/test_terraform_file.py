"""Plan and state files of any size: what a policy asks for is read when it asks, and says the same."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from beside import loaded
from hypothesis import given
from hypothesis import strategies as st

from policies.sentinel import (
    Budget,
    SentinelResult,
    TerraformFileError,
    compile_policy,
    deferred,
    read_terraform,
    terraform_file,
)
from policies.sentinel.terraform import from_document

A_PLAN = loaded(Path(__file__).with_name("a_plan.py"))
JSON, NOW, PLAN, judge = A_PLAN.JSON, A_PLAN.NOW, A_PLAN.PLAN, A_PLAN.judge


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(PLAN))
    assert set(read_terraform(path)) == {"tfplan/v2", "tfconfig/v2", "tfstate/v2", "tfrun"}
    for text, expected in [
        ("{\n", "plan.json:2:1: not JSON: the file ends in the middle of a value"),
        ("{} {}", "plan.json:1:4: more after the end"),
        ("[]", "holds no object"),
        ("{}", "is neither a Terraform plan nor a state"),
        ("[" * 100_000, "holds no object"),
        ('{"a":' * 100_000, "plan.json:1:6: the JSON nests too deeply"),
    ]:
        path.write_text(text)
        with pytest.raises(TerraformFileError) as raised:
            read_terraform(path)
        assert expected in str(raised.value)
        assert raised.value.exit_status == 2
    with pytest.raises(TerraformFileError, match="No such file"):
        read_terraform(tmp_path / "none.json")


def everything(data: Mapping[str, Any]) -> list[Any]:
    """What a policy finds in all members of the imports, in order."""
    found = []
    for name in ("tfplan/v2", "tfstate/v2", "tfconfig/v2"):
        for member in data[name]:
            source = f'import "{name}" as t\nmain = t.{member}'
            result = compile_policy(source, Path("p.sentinel")).evaluate(data, now=NOW)
            assert result.error is None, result.error
            found.append((name, member, json.dumps(result.value)))
    return found


def test_a_file_gives_what_its_document_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deferred, "WORTH", 1)
    path = tmp_path / "plan.json"
    for document in (PLAN, {"values": PLAN["planned_values"], "terraform_version": "1"}):
        path.write_text(json.dumps(document))
        assert everything(read_terraform(path)) == everything(from_document(document))
        path.write_bytes(gzip.compress(json.dumps(document).encode("utf-16")))
        assert everything(read_terraform(path)) == everything(from_document(document))


SOURCES = [
    'import "tfplan/v2" as t\nmain = rule { all t.resource_changes as _, r { r.change.after.a is 1 else false } }',
    'import "tfplan/v2" as t\nmain = length(filter t.planned_values.resources as _, r { "a" in r.values })',
    'import "tfstate/v2" as t\nmain = rule { all t.resources as _, r { r.values is {} or r.values.a is defined } }',
    'import "tfplan/v2" as t\nmain = rule { t.resource_changes is t.resource_drift }',
    """
import "tfplan/v2" as t
made = {}
for t.resource_changes as key, change {
  after = change.change.after
  after["b"] = key
  delete(after, "a")
  made[key] = after
}
print(made)
main = made
""",
]


@given(data=st.data())
def test_verdicts_over_a_file_are_those_over_its_document(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    values = st.none() | st.dictionaries(st.sampled_from("abc"), JSON, max_size=3)
    named = {"address": st.sampled_from(["t.x", "t.y", "t.z"]), "type": st.just("t")}
    entry = st.fixed_dictionaries(named, optional={"values": values})
    change = st.fixed_dictionaries(
        {**named, "change": st.fixed_dictionaries({"after": values}, optional={"before": values})}
    )
    module = st.recursive(
        st.fixed_dictionaries({"resources": st.lists(entry, max_size=2)}),
        lambda inner: st.fixed_dictionaries(
            {"child_modules": st.lists(inner, max_size=2)},
            optional={"resources": st.lists(entry, max_size=2)},
        ),
        max_leaves=4,
    ).map(lambda root: {"root_module": root})
    document = data.draw(
        st.fixed_dictionaries(
            {"planned_values": module, "resource_changes": st.lists(change, max_size=3)},
            optional={
                "prior_state": st.fixed_dictionaries({"values": module}),
                "resource_drift": st.lists(change, max_size=2),
            },
        )
        | st.fixed_dictionaries({"values": module})
    )
    path = tmp_path_factory.mktemp("plan") / "plan.json"
    path.write_text(json.dumps(document))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deferred, "WORTH", 1)
        read = read_terraform(path)
        for source in SOURCES:
            assert said(judge(source, read)) == said(judge(source, from_document(document)))


def said(result: SentinelResult) -> Any:
    return json.dumps([result.result, result.value, result.prints, result.cause])


def test_what_a_policy_does_not_look_into_is_not_decoded(tmp_path: Path) -> None:
    """Eight megabytes of changes, of one type each: only that of the type asked for becomes values."""
    after = {f"a{n}": "x" * 40 for n in range(50)}
    changes = [
        {"address": f"t{n}.r", "type": f"t{n}", "change": {"actions": ["create"], "after": after}}
        for n in range(3000)
    ]
    path = tmp_path / "plan.json"
    path.write_text(json.dumps({"resource_changes": changes, "planned_values": {}}))
    budget = Budget(memory=60_000)
    one = 'import "tfplan/v2" as t\nmain = rule { all filter t.resource_changes as _, r { r.type is "t7" } as _, r { r.change.after.a1 is "x" } }'
    every = one.replace('r.type is "t7"', "r.change.after.a1 is not null")
    policy = compile_policy(one, Path("p.sentinel"))
    assert policy.evaluate(read_terraform(path), now=NOW, budget=budget).result is False
    refused = compile_policy(every, Path("p.sentinel")).evaluate(read_terraform(path), now=NOW, budget=budget)
    assert refused.error is not None
    assert f"asks for more of {path} than fits into 60000 bytes" in refused.error.message


def test_raw_is_the_whole_file_and_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(PLAN))
    source = 'import "tfplan/v2" as t\nmain = t.raw.format_version is not "1.2"'
    assert judge(source, read_terraform(path)).result is False
    monkeypatch.setattr(terraform_file, "MOST_WHOLE", 100)
    error = judge(source, read_terraform(path)).error
    assert error is not None
    assert f"{path} is {path.stat().st_size:,} bytes" in error.message
    assert "Ask for `resource_changes`" in error.message
