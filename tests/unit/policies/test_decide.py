"""Decisions: only a clear yes is one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.settings import PolicySettings
from policies.decide import Decision, decide
from policies.engine import Limits
from policies.loader import load, load_paths
from policies.pack import PolicySet
from policies.rego.engine import RegorusEngine

NOW = datetime(2026, 3, 1, tzinfo=UTC)
REVOKE = "containment.aws.allow_credential_revocation"


@pytest.fixture(scope="module")
def engine() -> Iterator[RegorusEngine]:
    with RegorusEngine(Limits(seconds=0.5, workers=1)) as engine:
        yield engine


@pytest.fixture(scope="module")
def built_in(engine: RegorusEngine) -> PolicySet:
    return load(PolicySettings(packs=("containment", "detection")), engine)


def ask(
    engine: RegorusEngine, folder: Path, body: str, finding: Any, rule: str | None = None, **data: Any
) -> Decision:
    (folder / "p.rego").write_text(f"package p\n{body}\n")
    return decide(load_paths([folder], engine), engine, "p", finding, now=NOW, rule=rule, data=data)


@pytest.mark.parametrize(
    ("body", "allowed"),
    [
        ("allow if input.finding.n == 1", True),
        ("allow if input.finding.n == 2", None),
        ("default allow := false\nallow if input.finding.n == 2", False),
        ("allow(finding) if finding.n == 1", True),
        ("allow(finding) if finding.n == 2", None),
        ("default allow(_) := false\nallow(finding) if finding.n == 2", False),
        ('allow := "true"', None),
        ("allow := 1", None),
        ("allow := null", None),
        ("allow if to_number(input.finding.t) > 1", None),
        (
            "allow if { some i in numbers.range(1, 9000); some j in numbers.range(1, 9000); i * j == -1 }",
            None,
        ),
        ("allow := true if input.finding.n\nallow := false if input.finding.n", None),
        ('allow := {"allow": true, "reason": "r"}', True),
        ('allow := {"allow": false}', False),
        ('allow := {"reason": "r"}', None),
    ],
)
def test_only_a_clear_yes_is_yes(
    engine: RegorusEngine, tmp_path: Path, body: str, allowed: bool | None
) -> None:
    decision = ask(engine, tmp_path, body, {"n": 1, "t": "abc"})
    assert decision.allowed is allowed
    assert (decision.cause is not None) == (allowed is None)
    assert decision.text


def test_old_syntax_decides_too(engine: RegorusEngine, tmp_path: Path) -> None:
    body = 'allow_credential_revocation(finding) {\n finding.severity == "high"\n not exempt(finding)\n}\nexempt(f) { data.exceptions[_] == f.user }'
    high = {"severity": "high", "user": "ann"}
    rule = "allow_credential_revocation"
    assert ask(engine, tmp_path, body, high, rule).allowed is True
    assert ask(engine, tmp_path, body, high, rule, exceptions=["ann"]).allowed is None
    assert ask(engine, tmp_path, body, {"severity": "low", "user": "ann"}, rule).allowed is None


def test_parameters_given_go_over_the_policys_own(engine: RegorusEngine, tmp_path: Path) -> None:
    assert ask(engine, tmp_path, "allow if data.parameters.x == 1", {}, parameters={"x": 1}).allowed is True


def test_a_rule_must_be_named_where_there_are_several(engine: RegorusEngine, tmp_path: Path) -> None:
    body = "allow_a if input.finding.x\nallow_b(f) if f.x"
    assert ask(engine, tmp_path, body, {"x": 1}, "allow_b").allowed is True
    for rule in (None, "allow_c"):
        with pytest.raises(ValueError, match="it has allow_a, allow_b"):
            ask(engine, tmp_path, body, {"x": 1}, rule)


@pytest.mark.parametrize("finding", [{"x": "\ud800"}, {"x": object()}])
def test_a_finding_that_is_no_json_is_unknown(engine: RegorusEngine, tmp_path: Path, finding: Any) -> None:
    decision = ask(engine, tmp_path, "allow := true", finding)
    assert decision.allowed is None
    assert decision.cause


def test_reasons_are_told(engine: RegorusEngine, built_in: PolicySet) -> None:
    finding = {"severity": "low", "user_name": "ann", "access_key_id": "A"}
    decision = decide(built_in, engine, REVOKE, finding, now=NOW, data={"exceptions": ["ann"]})
    assert decision.allowed is False
    assert decision.text == "the severity is too low; the user or key is on the list of exceptions"


values = (
    st.none()
    | st.booleans()
    | st.integers(0, 9)
    | st.sampled_from(["", "high", "critical", "ann", "IAMUser", "A"])
)
findings = st.dictionaries(
    st.sampled_from(["severity", "user_name", "access_key_id", "user_type", "principal_id"]),
    values | st.lists(values),
    max_size=5,
)


@settings(max_examples=150, deadline=None)
@given(
    finding=findings,
    exceptions=st.lists(st.sampled_from(["ann", "A", "arn:aws:iam::1:user/ann", "x"]), max_size=2),
)
def test_revocation_is_allowed_only_where_everything_is_certain(
    engine: RegorusEngine, built_in: PolicySet, finding: dict[str, Any], exceptions: list[str]
) -> None:
    decision = decide(built_in, engine, REVOKE, finding, now=NOW, data={"exceptions": exceptions})
    user, key = finding.get("user_name"), finding.get("access_key_id")
    certain = (
        finding.get("severity") in ("high", "critical")
        and all(isinstance(v, str) and v for v in (user, key))
        and finding.get("user_type", "IAMUser") == "IAMUser"
    )
    names = {v.lower() for v in (user, key, finding.get("principal_id")) if isinstance(v, str)}
    excepted = any(e.lower() == n or e.lower().endswith(f"/{n}") for e in exceptions for n in names)
    assert (decision.allowed is True) == (certain and not excepted)
