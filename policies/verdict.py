"""What judging a resource by a policy gives: pass, fail, *unknown*, or not applicable.

Unknown is a verdict of its own, with a cause. It opens nothing, closes nothing and contains nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

import orjson


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


class Verdict(NamedTuple):
    """One policy's judgement of one resource. A pure function of ``policy_digest`` and ``input_digest``. A tuple, for millions
    are made."""

    policy_id: str
    policy_digest: bytes
    uid: str
    input_digest: bytes
    outcome: Outcome
    messages: tuple[Message, ...] = ()
    warnings: tuple[Message, ...] = ()
    """From ``warn`` rules: shown, never a finding."""
    doubts: tuple[Message, ...] = ()
    """From ``unknown`` rules: what the policy itself could not tell, whatever else it said."""
    cause: str | None = None
    """Why it is unknown, in one line."""

    transient: bool = False
    """Whether it came from a limit or a lost process: not a function of the digests, so not to be remembered."""

    @property
    def text(self) -> str:
        """All messages in one line, or the cause."""
        return "; ".join(m.text for m in self.messages) or self.cause or ""


def messages_of(value: Any, title: str) -> list[Message]:
    """The messages in what a ``deny`` rule gave: a set or list of texts or objects with ``msg``, one of these alone, an
    object whose keys are the messages (``deny[msg] if …``), or true."""
    if value is None or value is False:
        return []
    if value is True:
        return [Message(text=title)]
    if isinstance(value, list):
        if all(type(item) is str for item in value):
            return [Message(text=text) for text in value]
        return [message for item in value for message in messages_of(item, title)]
    if isinstance(value, Mapping):
        text = value.get("msg", value.get("message"))
        if text is not None:
            return [
                Message(
                    text=plain(text), details={k: v for k, v in value.items() if k not in ("msg", "message")}
                )
            ]
        if value and all(isinstance(item, bool) for item in value.values()):
            return [Message(text=str(key)) for key, held in value.items() if held]
        return [Message(text=title, details=value)] if value else []
    return [Message(text=plain(value))]


def plain(value: Any) -> str:
    """A value as one line of text."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()
