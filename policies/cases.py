"""YAML cases: what a policy should say of a resource or a finding, beside the policy (``NAME.yaml`` for ``NAME.rego``).

cases:
  - name: a bucket without logging fails
    type: aws.s3_bucket
    document: {Name: logs, Logging: null}
    terraform: {type: aws_s3_bucket, attributes: {logging: !absent}}
    expect: fail
    messages: ["S3 bucket logging is not enabled."]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson

from policies.decide import decide
from policies.engine import Engine, Program
from policies.errors import PackError, PolicyError, Position
from policies.evaluate import Judge
from policies.files import Files
from policies.metadata import Declared, Reader
from policies.pack import CompiledPolicy, PolicySet
from policies.subject import Subject
from policies.verdict import Outcome
from policies.yaml import load_yaml
from providers.normalise import encode
from providers.resource import Resource, ResourceRef
from providers.terraform import ABSENT_BLOCK, TerraformView

KEYS: Final = (
    "name",
    "expect",
    "messages",
    "type",
    "document",
    "tags",
    "unread",
    "terraform",
    "inventory",
    "context",
    "parameters",
    "now",
    "finding",
    "exceptions",
    "rule",
)
DEFAULT_NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
JUDGED: Final = tuple(outcome.value for outcome in Outcome)
DECIDED: Final = {"allowed": True, "refused": False, "unknown": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case."""

    name: str
    position: Position
    expect: str
    messages: tuple[str, ...] | None
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """How one case went. ``status`` is ``pass``, ``fail`` or ``error``."""

    path: str
    case: str
    status: str
    detail: str = ""


def read_cases(path: Path, files: Files) -> tuple[tuple[Case, ...], tuple[PolicyError, ...]]:
    """The cases of a file and everything that is wrong with them."""
    try:
        values, places = load_yaml(files.text(path), path)
    except PackError as error:
        return (), (error,)
    reader = Reader(Declared(values=values, where=lambda key: Position(path, *places.get(key, (1, 1)))))
    reader.unknown_keys(("cases",))
    entries = values.get("cases")
    if not isinstance(entries, list) or not entries:
        reader.wrong("cases", "`cases` must be a list with at least one case")
        return (), tuple(reader.errors)
    cases = []
    for index, entry in enumerate(entries):
        at = f"cases[{index}]"
        if not isinstance(entry, Mapping):
            reader.wrong(at, "a case must be a mapping")
            continue

        def where(key: str, at: str = at) -> Position:
            return Position(path, *places.get(f"{at}.{key}", places.get(at, (1, 1))))

        one = Reader(Declared(values=entry, where=where))
        case = _case(one, entry, where("name"))
        reader.errors += one.errors
        if case is not None and not one.errors:
            cases.append(case)
    return tuple(cases), tuple(reader.errors)


def _case(reader: Reader, entry: Mapping[str, Any], position: Position) -> Case | None:
    reader.unknown_keys(KEYS)
    for key in ("document", "tags", "unread", "terraform", "inventory", "context", "parameters", "finding"):
        reader.mapping(key)
    name = reader.text("name", "")
    expect = reader.text("expect", "")
    allowed = DECIDED if "finding" in entry else JUDGED
    if not name:
        reader.wrong("name", "a case needs a `name`")
    if expect not in allowed:
        reader.wrong("expect", f"`expect` must be one of {', '.join(allowed)}, not {expect!r}")
    messages = entry.get("messages")
    if messages is not None and not isinstance(messages, list):
        reader.wrong("messages", "`messages` must be a list of texts")
        return None
    said = None if messages is None else tuple(str(message) for message in messages)
    return Case(name=name, position=position, expect=expect, messages=said, values=entry)


def run_case(case: Case, compiled: CompiledPolicy, engine: Engine) -> CaseResult:
    """Judge or decide as the case says, and compare."""
    parameters = case.values.get("parameters")
    if parameters:
        merged = {**compiled.policy.parameters, **parameters}
        data = {**orjson.loads(compiled.program.data), "parameters": merged}
        program = Program.of(compiled.modules, encode(data))
        compiled = replace(compiled, program=program, policy=replace(compiled.policy, parameters=merged))
    only = PolicySet([compiled])
    try:
        now = _now(case.values.get("now"))
        if "finding" in case.values:
            got, said, why = _decided(case, only, compiled, engine, now)
        else:
            got, said, why = _judged(case, only, compiled, engine, now)
    except ValueError as error:
        return CaseResult(
            path=str(case.position.path), case=case.name, status="error", detail=f"{case.position}: {error}"
        )
    wrong = []
    if got != case.expect:
        wrong.append(f"expected {case.expect}, got {got}" + (f" ({why})" if why else ""))
    if case.messages is not None and sorted(case.messages) != sorted(said):
        wrong.append(f"expected messages {list(case.messages)}, got {list(said)}")
    detail = f"{case.position}: {'; '.join(wrong)}" if wrong else ""
    return CaseResult(
        path=str(case.position.path), case=case.name, status="fail" if wrong else "pass", detail=detail
    )


def _judged(
    case: Case, only: PolicySet, compiled: CompiledPolicy, engine: Engine, now: datetime
) -> tuple[str, Sequence[str], str]:
    judge = Judge(only, engine=engine)
    subject = subject_of(case.values, compiled)
    try:
        if compiled.policy.gathers:
            verdicts = [judge.judge_place(compiled.policy, subject, now=now)]
        else:
            verdicts = list(judge.judge([subject], now=now))
    finally:
        judge.close()
    if not verdicts:
        return Outcome.NOT_APPLICABLE.value, (), "the policy does not judge this type"
    verdict = verdicts[0]
    return verdict.outcome.value, [m.text for m in verdict.messages], verdict.text


def _decided(
    case: Case, only: PolicySet, compiled: CompiledPolicy, engine: Engine, now: datetime
) -> tuple[str, Sequence[str], str]:
    data = {"exceptions": case.values.get("exceptions", [])}
    rule = case.values.get("rule")
    decision = decide(only, engine, compiled.policy.id, case.values["finding"], now=now, rule=rule, data=data)
    got = next(word for word, allowed in DECIDED.items() if allowed is decision.allowed)
    return got, [m.text for m in decision.messages], decision.text


def subject_of(values: Mapping[str, Any], compiled: CompiledPolicy) -> Subject:
    """The subject a case describes. Raises ValueError."""
    policy = compiled.policy
    kind = values.get("type") or next(iter(sorted(t for t in policy.types if not t.endswith("*"))), "")
    view = values.get("terraform")
    terraform = None
    if view is not None:
        name = view.get("type") or next(iter(sorted(policy.terraform_types)), "")
        if not name:
            raise ValueError("`terraform` needs a `type`")
        attributes = {key: _block(value) for key, value in (view.get("attributes") or {}).items()}
        terraform = TerraformView(type=name, attributes=attributes, unread=view.get("unread") or {})
    kind = str(kind or f"terraform/{terraform.type if terraform else 'unknown'}")
    ref = ResourceRef(
        provider=kind.partition(".")[0], account="123456789012", region="eu-central-1", type=kind, uid="case"
    )
    resource = Resource(
        ref=ref,
        name="case",
        document=values.get("document") or {},
        tags={str(k): str(v) for k, v in (values.get("tags") or {}).items()},
        unread=values.get("unread") or {},
    )
    return Subject(
        resource=resource,
        view=terraform,
        inventory=values.get("inventory"),
        context=values.get("context") or {},
    )


def _block(value: Any) -> Any:
    """``!absent`` stands for a block that is not configured."""
    if str(getattr(getattr(value, "tag", None), "value", "")) == "!absent":
        return ABSENT_BLOCK
    if isinstance(value, Mapping):
        return {key: _block(item) for key, item in value.items()}
    return [_block(item) for item in value] if isinstance(value, list) else value


def _now(value: Any) -> datetime:
    if value is None:
        return DEFAULT_NOW
    what = f"`now` must be a time and its zone (2026-01-01T00:00:00Z), not {value}"
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        raise ValueError(what) from None
    if found.tzinfo is None:
        raise ValueError(what)
    return found
