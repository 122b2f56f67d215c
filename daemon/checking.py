"""What is wrong with a configuration beyond its types: hooks, schedules and policies that cannot be used.

The daemon finds the same when it starts; this finds all of it at once, without opening a database or a cloud.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

import httpx

from config.errors import ConfigurationError, Problem
from config.settings import Settings
from daemon.hooks.hook import Toolbox
from daemon.schedule import schedule_problems
from daemon.triggers import configure_hooks
from policies.engines import Engines
from policies.errors import EngineError, PolicyErrors
from policies.evaluate import limits
from policies.loader import load


def check(settings: Settings, clock: Callable[[], datetime]) -> None:
    """Raises ConfigurationError with every problem; an option is named where it stands (``containment.hooks.x.use``)."""
    problems = (*schedule_problems(settings.providers), *_hooks(settings, clock), *_policies(settings))
    if problems:
        raise ConfigurationError(problems)


def _hooks(settings: Settings, clock: Callable[[], datetime]) -> Iterator[Problem]:
    toolbox = Toolbox(providers={}, clock=clock, secret=str, http=httpx.Client)
    try:
        configure_hooks(settings, toolbox)
    except ConfigurationError as error:
        yield from error.problems


def _policies(settings: Settings) -> Iterator[Problem]:
    try:
        engine = Engines.configured(settings.policies, limits(settings.policies))
    except EngineError as unreachable:
        yield Problem("policies.opa_url", unreachable.message, unreachable.hint)
        return
    try:
        load(settings.policies, engine)
    except PolicyErrors as errors:
        for error in errors.errors:
            yield Problem(str(error.position), error.what, error.hint)
    finally:
        engine.close()
