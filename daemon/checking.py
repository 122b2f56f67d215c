"""What is wrong with a configuration beyond its types: hooks, schedules and policies that cannot be used.

The daemon finds the same when it starts; this finds all of it at once, without opening a database or a cloud.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

import httpx

from config.errors import ConfigurationError, Problem
from config.settings import Mode, Settings
from daemon.hooks.hook import Toolbox
from daemon.schedule import schedule_problems
from daemon.triggers import ConfiguredHook, configure_hooks
from policies.engines import Engines
from policies.errors import EngineError, PolicyErrors
from policies.evaluate import limits
from policies.loader import load
from policies.pack import PolicySet


def check(settings: Settings, clock: Callable[[], datetime]) -> None:
    """Raises ConfigurationError with every problem; an option is named where it stands (``containment.hooks.x.use``)."""
    problems = list(schedule_problems(settings.providers))
    hooks = _hooks(settings, clock, problems)
    policies = _policies(settings, problems)
    if policies is not None:
        problems += _undecided(hooks, policies)
    if problems:
        raise ConfigurationError(tuple(problems))


def _hooks(
    settings: Settings, clock: Callable[[], datetime], problems: list[Problem]
) -> Mapping[str, ConfiguredHook]:
    """The hooks; none where something is wrong with one, which is added to ``problems``."""
    toolbox = Toolbox(providers={}, clock=clock, secret=str, http=httpx.Client)
    try:
        return configure_hooks(settings, toolbox)
    except ConfigurationError as error:
        problems += error.problems
        return {}


def _policies(settings: Settings, problems: list[Problem]) -> PolicySet | None:
    """The policies; None where something is wrong with one, which is added to ``problems``."""
    try:
        engine = Engines.configured(settings.policies, limits(settings.policies))
    except EngineError as unreachable:
        problems.append(Problem("policies.opa_url", unreachable.message, unreachable.hint))
        return None
    try:
        return load(settings.policies, engine)
    except PolicyErrors as errors:
        problems += [Problem(str(error.position), error.what, error.hint) for error in errors.errors]
        return None
    finally:
        engine.close()


def _undecided(hooks: Mapping[str, ConfiguredHook], policies: PolicySet) -> Iterator[Problem]:
    """Hooks whose containment policy is not in force: nothing would ever be allowed to them."""
    for name, hook in hooks.items():
        if hook.policy is not None and hook.policy not in policies and hook.settings.mode is not Mode.OFF:
            yield Problem(
                f"containment.hooks.{name}.policy",
                f"the containment policy `{hook.policy}` is not in force, so the hook would never act",
                "`watchstander policy list` shows those that are; `policies.packs`, `paths` and `disabled` decide it.",
            )
