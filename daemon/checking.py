"""What is wrong with a configuration beyond its types: hooks, schedules and policies that cannot be used.

The daemon finds the same when it starts; this finds all of it at once, without opening a database or a cloud.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

import httpx

from config.errors import ConfigurationError, Problem, WatchstanderError
from config.settings import Settings
from daemon.hooks.hook import Toolbox
from daemon.schedule import cron_trigger
from daemon.triggers import configure_hooks
from policies.engines import Engines
from policies.errors import PolicyErrors
from policies.pack import load
from providers.registry import configured


def check(settings: Settings, clock: Callable[[], datetime]) -> None:
    """Raises ConfigurationError with every problem; an option is named where it stands (``containment.hooks.x.use``)."""
    problems = (*_schedules(settings), *_hooks(settings, clock), *_policies(settings))
    if problems:
        raise ConfigurationError(problems)


def _schedules(settings: Settings) -> Iterator[Problem]:
    for name, provider in configured(settings.providers).items():
        if provider.schedule.cron is not None:
            try:
                cron_trigger(provider.schedule.cron)
            except WatchstanderError as error:
                yield Problem(f"providers.{name}.schedule.cron", error.message, error.hint)


def _hooks(settings: Settings, clock: Callable[[], datetime]) -> Iterator[Problem]:
    with httpx.Client() as http:
        toolbox = Toolbox(providers={}, clock=clock, secret=str, http=http)
        try:
            configure_hooks(settings, toolbox)
        except ConfigurationError as error:
            yield from error.problems


def _policies(settings: Settings) -> Iterator[Problem]:
    engine = Engines()
    try:
        load(settings.policies, engine)
    except PolicyErrors as errors:
        for error in errors.errors:
            yield Problem(str(error.position), error.what, error.hint)
    finally:
        engine.close()
