"""Every language at once: one engine that sends each module to the engine of its language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from config.settings import PolicySettings
from policies.engine import Answer, Checked, Engine, Evaluation, Limits, Module
from policies.rego.engine import RegorusEngine
from policies.sentinel.engine import SentinelEngine
from policies.sentinel.imports.http import HttpAccess

SENTINEL = ".sentinel"


class Engines:
    """Rego and Sentinel behind one protocol. Closing it closes both."""

    name = "rego+sentinel"

    def __init__(
        self, limits: Limits | None = None, *, rego: Engine | None = None, http: HttpAccess | None = None
    ) -> None:
        self.rego: Engine = rego or RegorusEngine(limits)
        self.sentinel: Engine = SentinelEngine(limits, http=http)
        self.suffixes: tuple[str, ...] = (*self.rego.suffixes, *self.sentinel.suffixes)
        self.version = f"{self.rego.version} {self.sentinel.version}"

    @classmethod
    def configured(cls, settings: PolicySettings, limits: Limits) -> Engines:
        """The engines a configuration asks for. Raises EngineError where its OPA server cannot be had."""
        http = http_access(settings)
        if settings.opa_url is None:
            return cls(limits, http=http)
        from policies.rego.rest import OpaServerEngine

        return cls(limits, rego=OpaServerEngine(settings.opa_url, limits), http=http)

    def check(self, modules: Sequence[Module]) -> Checked:
        """Parse and examine modules, those of each language among themselves."""
        ours = [module for module in modules if module.path.suffix == SENTINEL]
        others = [module for module in modules if module.path.suffix != SENTINEL]
        parts = [self.rego.check(others)] if others or not ours else []
        if ours:
            parts.append(self.sentinel.check(ours))
        return Checked(
            modules=tuple(module for part in parts for module in part.modules),
            errors=tuple(error for part in parts for error in part.errors),
        )

    def evaluate(self, batch: Sequence[Evaluation]) -> list[Answer]:
        """An answer for each evaluation, in order."""
        answers: list[Answer | None] = [None] * len(batch)
        for engine, wanted in ((self.sentinel, True), (self.rego, False)):
            places = [place for place, one in enumerate(batch) if _is_sentinel(one) is wanted]
            if places:
                found = engine.evaluate([batch[place] for place in places])
                for place, answer in zip(places, found, strict=True):
                    answers[place] = answer
        return [answer for answer in answers if answer is not None]

    def coverage(self, batch: Sequence[Evaluation]) -> list[dict[str, Any]]:
        """The lines that evaluations reach, of the languages that count them."""
        return self.rego.coverage([one for one in batch if not _is_sentinel(one)])

    def close(self) -> None:
        """Let go of processes and connections."""
        self.rego.close()
        self.sentinel.close()


def http_access(settings: PolicySettings) -> HttpAccess | None:
    """What Sentinel's import "http" may reach; None where the import is closed."""
    return HttpAccess(hosts=frozenset(settings.http_hosts)) if settings.http_hosts else None


def _is_sentinel(evaluation: Evaluation) -> bool:
    modules = evaluation.program.modules
    return bool(modules) and modules[0][0].endswith(SENTINEL)
