"""The least role a configuration needs, as a document to apply: each cloud's own form, and Terraform's.

Everything is declared: the types that are read and the actions there are name their permissions. So a role is made
without credentials, without a network and without a configuration.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from config.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A role: what it allows, in the cloud's own form, and how to apply that."""

    cloud: str
    title: str
    permissions: tuple[str, ...]
    """Everything it allows, sorted."""
    documents: tuple[Mapping[str, Any], ...]
    """The cloud's own form; several where one would be larger than the cloud takes."""
    terraform: str
    """The same in Terraform's language."""
    apply: str
    """The command that applies a document, ``FILE`` standing for it and ``N`` for its number where there are several."""
    notes: tuple[str, ...] = ()
    """What to know before applying it."""


def chosen_kinds(known: Collection[str], wanted: Collection[str]) -> tuple[str, ...]:
    """The actions asked for; all where none is. Raises UsageError for one that is not known."""
    if unknown := sorted(set(wanted) - set(known)):
        raise UsageError(
            f"There is no action {unknown[0]!r}.", hint=f"There are: {', '.join(sorted(known))}."
        )
    return tuple(sorted(wanted or known))
