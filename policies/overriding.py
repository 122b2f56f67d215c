"""What the configuration says of policies by their names: which names it means, and which mean nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from difflib import get_close_matches
from pathlib import Path

from config.settings import PolicySettings
from policies.errors import PackError, Position


def matches(patterns: Iterable[str], name: str) -> bool:
    """Whether one of the patterns is the name, or with a trailing ``*`` begins it."""
    return any(name == p or (p.endswith("*") and name.startswith(p[:-1])) for p in patterns)


def meaning_nothing(
    settings: PolicySettings, ids: Set[str], packs: Set[str], unmade: Iterable[str]
) -> Iterator[PackError]:
    """Names that no policy (or pack) has. ``unmade`` are texts in which the name of something stands that is wrong and is told of
    elsewhere: a name in one of them may be there."""
    texts = tuple(unmade)

    def may_be_unmade(name: str) -> bool:
        return any(name in text for text in texts)

    for name in settings.disabled:
        if not any(matches((name,), i) for i in ids) and not may_be_unmade(name.removesuffix("*")):
            yield _unknown("disabled", "policy", name, ids)
    for option in ("severities", "enforcement"):
        for name in getattr(settings, option):
            if name not in ids and not may_be_unmade(name):
                yield _unknown(option, "policy", name, ids)
    for name in settings.parameters:
        if name not in ids | packs and not may_be_unmade(name):
            yield _unknown("parameters", "policy or pack", name, ids | packs)


def _unknown(option: str, kind: str, name: str, names: Set[str]) -> PackError:
    near = get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"Did you mean `{near[0]}`?" if near else "`watchstander policy list` shows all."
    return PackError(f"no {kind} is called `{name}`", Position(Path(f"policies.{option}")), hint=hint)
