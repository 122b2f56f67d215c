"""What policies say about acting, and who is asked for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from daemon.hooks.hook import Trigger
from daemon.triggers import ConfiguredHook


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What a policy says about acting. ``allowed`` None is unknown: never acted on."""

    allowed: bool | None
    reasons: tuple[str, ...] = ()


class Gate(Protocol):
    """Decides and judges: the part of the house that knows policies."""

    def decide(self, hook: ConfiguredHook, trigger: Trigger, now: datetime) -> Ruling:
        """Ask the hook's containment policy about the trigger."""

    def still_stands(self, trigger: Trigger, now: datetime) -> Ruling:
        """Read what the trigger speaks of afresh and judge it again: does the reason to act still stand?"""
