"""The policies that a verb works with, and the engines that run them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from daemon.cli.context import State

if TYPE_CHECKING:
    from policies.engine import Engine
    from policies.pack import PolicySet


def engine_of(cli: State) -> Engine:
    """An engine of every language with the configured limits, closed with the verb."""
    from policies.engines import Engines
    from policies.evaluate import limits

    engine = Engines(limits(cli.settings.policies))
    cli.closing.callback(engine.close)
    return engine


def rego_of(cli: State) -> Engine:
    """A Rego engine alone, for what is done to each language in its own way."""
    from policies.evaluate import limits
    from policies.rego.engine import RegorusEngine

    engine = RegorusEngine(limits(cli.settings.policies))
    cli.closing.callback(engine.close)
    return engine


def policies_of(cli: State, engine: Engine, paths: list[Path] | None = None) -> PolicySet:
    """The policies in ``paths``, or the configured ones. Raises PolicyErrors."""
    from config.settings import PolicySettings
    from policies.loader import load, load_paths

    settings = cli.settings.policies
    if not paths:
        return load(settings, engine)
    return load_paths(paths, engine, PolicySettings(packs=(), bundle_keys=settings.bundle_keys))
