"""Decisions before acting: may this be contained? Only a clear yes is one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from policies.engine import Engine, Evaluation, Program
from policies.pack import CompiledPolicy, PolicySet
from policies.text import Unencodable, encode_json
from policies.verdict import Message, messages_of
from providers.normalise import encode, timestamp
from providers.resource import aware

MISSING: Final = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The answer of a containment policy. ``allowed`` is None where it could not be told: never act on that."""

    policy_id: str
    policy_digest: bytes
    rule: str
    allowed: bool | None
    messages: tuple[Message, ...] = ()
    """The policy's own reasons, where it gives any."""
    cause: str | None = None
    """Why it could not be told."""

    @property
    def text(self) -> str:
        """One line: the reasons, the cause, or the bare answer."""
        said = "; ".join(m.text for m in self.messages) or self.cause
        return said or ("allowed" if self.allowed else "not allowed")


def decide(
    policy_set: PolicySet,
    engine: Engine,
    policy_id: str,
    finding: Mapping[str, Any],
    *,
    now: datetime,
    rule: str | None = None,
    data: Mapping[str, Any] | None = None,
) -> Decision:
    """Ask a containment policy about a finding.

    ``rule`` is a boolean rule or a function of one argument, the finding; where not given, the policy's only ``allow``
    or ``allow_*``. ``data`` is seen as ``data.exceptions`` and ``data.parameters`` (over the policy's own). Raises
    KeyError for an unknown policy, ValueError where it has no such rule; everything the policy or the finding does is
    a decision without an answer.
    """
    compiled = policy_set.compiled(policy_id)
    reference, function = _find(compiled, rule)
    extra = dict(data or {})
    extra["parameters"] = {**compiled.policy.parameters, **extra.get("parameters", {})}
    extra["exceptions"] = list(extra.get("exceptions", ()))
    document = {
        "finding": finding,
        "context": {"now": timestamp(aware(now, "now")), "phase": compiled.policy.phase.value},
    }

    def answer(
        allowed: bool | None, messages: tuple[Message, ...] = (), cause: str | None = None
    ) -> Decision:
        return Decision(
            policy_id=policy_id,
            policy_digest=compiled.policy.digest,
            rule=reference.rpartition(".")[2],
            allowed=allowed,
            messages=messages,
            cause=cause,
        )

    try:
        text, seen = encode_json(document), encode(extra)
    except Unencodable as error:
        return answer(None, cause=str(error).replace("document", "finding"))
    except TypeError as error:
        return answer(None, cause=f"the data for the decision is not JSON: {error}")
    program = Program.of(compiled.modules, seen)
    query = f"{reference}(input.finding)" if function else reference
    asked = [Evaluation(program=program, entrypoints=(query,), input=text, now=now, query=function)]
    if compiled.reasons:
        asked.append(Evaluation(program=program, entrypoints=compiled.reasons, input=text, now=now))
    first, *others = engine.evaluate(asked)
    if first.failure is not None:
        return answer(None, cause=first.failure.cause)
    messages = [m for other in others for value in other.values.values() for m in messages_of(value, "")]
    value = first.values.get(query, MISSING)
    if isinstance(value, Mapping):
        reason = value.get("reason", value.get("msg", value.get("reasons")))
        messages += messages_of(reason, "")
        value = value.get("allow", value.get("allowed", MISSING))
    if isinstance(value, bool):
        return answer(value, tuple(messages))
    if value is MISSING:
        cause = f"{query} is undefined: a condition does not hold, or the finding lacks a field that it reads"
    else:
        cause = f"{query} is neither true nor false: {orjson.dumps(value).decode()[:200]}"
    return answer(None, tuple(messages), cause)


def _find(compiled: CompiledPolicy, rule: str | None) -> tuple[str, bool]:
    """(the rule's reference, whether it is a function)."""
    unary = [reference for reference, arity in compiled.functions.items() if arity == 1]
    there = [(reference, False) for reference in compiled.allows] + [(reference, True) for reference in unary]
    if rule is not None:
        there = [(reference, function) for reference, function in there if reference.endswith(f".{rule}")]
    if len(there) == 1:
        return there[0]
    wanted = f"`{rule}`" if rule else "only one `allow` or `allow_*`"
    names = sorted(reference.rpartition(".")[2] for reference in (*compiled.allows, *compiled.functions))
    raise ValueError(
        f"policy {compiled.policy.id} does not have {wanted} as a boolean rule or a function of one argument; "
        f"it has {', '.join(names) or 'no allow rule at all'}"
    )
