"""Looking around a cloud with the credentials at hand: who we are there, and what we can and cannot see.

A probe makes a few light calls and concludes nothing about what there is: it is for setting up, not for the inventory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from providers.errors import ProviderError


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One thing that was looked for."""

    what: str
    """``the regions of account 111122223333``."""
    answer: str | None = None
    """What was seen; None: it could not be."""
    cause: str | None = None
    """Why not, in one line."""
    permission: str | None = None
    """The permission that seems to be missing."""
    optional: bool = False
    """Whether the inventory of what is at hand does without it."""

    @property
    def seen(self) -> bool:
        """Whether it could be seen."""
        return self.answer is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What was found out about one cloud."""

    cloud: str
    identity: str | None = None
    """Who we are there; None: there are no usable credentials."""
    cause: str | None = None
    """Why there is no identity."""
    hint: str | None = None
    """What to do about that."""
    source: str | None = None
    """Where the credentials were found."""
    looks: tuple[Look, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What the configuration of this cloud should say, beyond what was given; None for what it should not say."""
    advice: tuple[str, ...] = ()
    """Lines for the person who sets it up: what more could be watched, and how."""

    @property
    def found(self) -> bool:
        """Whether we are somebody there."""
        return self.identity is not None


def look(what: str, ask: Callable[[], str], *, optional: bool = False) -> Look:
    """Ask, and note the answer or why there is none."""
    try:
        return Look(what=what, answer=ask(), optional=optional)
    except ProviderError as error:
        return Look(what=what, cause=error.message, permission=error.permission, optional=optional)


def nobody(cloud: str, error: ProviderError) -> Probe:
    """The probe of a cloud that did not accept us."""
    return Probe(cloud=cloud, cause=error.message, hint=error.hint)
