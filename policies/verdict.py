"""What judging a resource by a policy gives: pass, fail, *unknown*, or not applicable.

Unknown is a verdict of its own, with a cause. It opens nothing, closes nothing and contains nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """The four things a judgement may say."""

    PASS = "pass"
    FAIL = "fail"
    UNKNOWN = "unknown"
    """A field was not read, a relation not covered, the evaluation failed or was stopped."""
    NOT_APPLICABLE = "not-applicable"
    """The policy does not speak of such a resource."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One thing a policy said about a resource."""

    text: str
    details: Mapping[str, Any] = field(default_factory=dict)
    """Where the policy gave an object instead of a string: everything but its ``msg``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One policy's judgement of one resource. A pure function of ``policy_digest`` and ``input_digest``."""

    policy_id: str
    policy_digest: bytes
    uid: str
    input_digest: bytes
    outcome: Outcome
    messages: tuple[Message, ...] = ()
    warnings: tuple[Message, ...] = ()
    """From ``warn`` rules: shown, never a finding."""
    cause: str | None = None
    """Why it is unknown, in one line."""

    @property
    def text(self) -> str:
        """All messages in one line, or the cause."""
        return "; ".join(m.text for m in self.messages) or self.cause or ""
