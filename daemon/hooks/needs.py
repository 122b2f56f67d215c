"""What the configured hooks may change in a cloud: the actions that its containment role must allow, and no others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from config.settings import HookSettings, Mode
from daemon.hooks import HOOKS


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """The actions that configured hooks ask one cloud for."""

    kinds: tuple[str, ...]
    """Of hooks that may act (``approve``, ``auto``), sorted."""
    rehearsing: Mapping[str, tuple[str, ...]]
    """Hook -> what it would need, of those that write nothing yet (``dry-run``)."""


def needs_of(cloud: str, hooks: Mapping[str, HookSettings]) -> Needs:
    """What these hooks need in a cloud. A hook that does not exist is the configuration's own error, told elsewhere."""
    kinds: set[str] = set()
    rehearsing: dict[str, tuple[str, ...]] = {}
    for name, settings in sorted(hooks.items()):
        hook = HOOKS.get(settings.use)
        wanted = tuple(kind for kind in hook.actions if kind.startswith(f"{cloud}.")) if hook else ()
        if not wanted or settings.mode is Mode.OFF:
            continue
        if settings.mode is Mode.DRY_RUN:
            rehearsing[name] = wanted
        else:
            kinds.update(wanted)
    return Needs(kinds=tuple(sorted(kinds)), rehearsing=rehearsing)
