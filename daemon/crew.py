"""What a configuration makes: the clouds' adapters, the policies, the judge and the hooks, as one bundle.

A reload makes a new crew beside the old one; the old one is closed when the last who works with it lets go, so a cycle
under way ends with what it began with.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import httpx

from config.errors import ConfigurationError
from config.fields import SecretReference
from config.secrets import Secrets
from config.settings import PolicySettings, Settings
from daemon.hooks.hook import Toolbox
from daemon.schedule import schedule_problems
from daemon.triggers import ConfiguredHook, configure_hooks
from policies.engines import Engines
from policies.evaluate import Judge, limits
from policies.loader import load
from policies.pack import PolicySet
from providers.provider import Provider
from providers.registry import configured, open_provider
from providers.resource import Resource
from providers.terraform import TerraformView

Clock = Callable[[], datetime]


@dataclass
class Crew:
    """Who stands the watch under one configuration. Immutable but for the count of its users."""

    settings: Settings
    providers: Mapping[str, Provider]
    policies: PolicySet
    judge: Judge
    hooks: Mapping[str, ConfiguredHook]
    _close: contextlib.ExitStack
    _users: int = 1
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def muster(
        cls,
        settings: Settings,
        clock: Clock,
        secrets: Secrets,
        providers: Mapping[str, Provider] | None = None,
    ) -> Crew:
        """Make a crew. ``providers`` stands in for the clouds the settings name. Raises ConfigurationError, PolicyErrors,
        ProviderError; then nothing is left open."""
        if problems := tuple(schedule_problems(settings.providers)):
            raise ConfigurationError(problems)
        with contextlib.ExitStack() as stack:
            engine = Engines.configured(settings.policies, limits(settings.policies))
            stack.callback(engine.close)
            policies = load(settings.policies, engine)
            judge = Judge(policies, settings.policies, engine=engine)
            stack.callback(judge.close)
            clients = stack.enter_context(contextlib.ExitStack())

            @functools.cache
            def http() -> httpx.Client:
                return clients.enter_context(httpx.Client())

            def secret(reference: SecretReference) -> str:
                return secrets.read(reference).reveal()

            opened = dict(providers or {})
            for name in configured(settings.providers) if providers is None else ():
                opened[name] = open_provider(name, settings.providers, clock, secret)
                stack.callback(opened[name].close)
            toolbox = Toolbox(providers=opened, clock=clock, secret=secret, http=http)
            hooks = configure_hooks(settings, toolbox)
            return cls(settings, opened, policies, judge, hooks, stack.pop_all())

    @contextlib.contextmanager
    def at_work(self) -> Iterator[Crew]:
        """Hold the crew while working with it."""
        with self._lock:
            self._users += 1
        try:
            yield self
        finally:
            self.dismiss()

    def dismiss(self) -> None:
        """Let go of it; the last one closes it."""
        with self._lock:
            self._users -= 1
            last = self._users == 0
        if last:
            self._close.close()

    def view(self, resource: Resource) -> TerraformView | None:
        """The resource in Terraform's words, where its cloud is configured and has a view of its type."""
        provider = self.providers.get(resource.ref.provider)
        return provider.terraform(resource) if provider is not None else None


def offline_policies(settings: PolicySettings) -> PolicySet:
    """The policies of a configuration, for commands that only look at them. Raises PolicyErrors."""
    with contextlib.closing(Engines.configured(settings, limits(settings))) as engine:
        return load(settings, engine)
