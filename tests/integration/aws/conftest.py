"""One emulated AWS for all tests of this folder; each test leaves it as it found it, or uses resources of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from config.clouds import AwsSettings
from providers.aws.provider import AwsProvider
from providers.sandbox.aws import AwsEmulator, Estate


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def emulator(aws: AwsEmulator) -> AwsEmulator:
    return aws


@pytest.fixture
def estate(emulator: AwsEmulator) -> Estate:
    return emulator.estate


@pytest.fixture
def account(estate: Estate) -> str:
    """The production account."""
    return estate.drifting_bucket[0]


Make = Callable[..., AwsProvider]


@pytest.fixture
def make(emulator: AwsEmulator) -> Iterator[Make]:
    """Makes providers, with settings changed by keyword; closes them at the end."""
    made: list[AwsProvider] = []

    def provider(
        settings: dict[str, Any] | None = None, budget: dict[str, Any] | None = None, **more: Any
    ) -> AwsProvider:
        base = emulator.settings()
        changed: dict[str, Any] = {"budget": base.budget.model_copy(update=budget or {}), **(settings or {})}
        dumped = base.model_copy(update=changed)
        assert isinstance(dumped, AwsSettings)
        made.append(AwsProvider(dumped, **{"clock": now, "attempts": 1, **more}))
        return made[-1]

    yield provider
    for one in made:
        one.close()


@pytest.fixture
def provider(make: Make) -> AwsProvider:
    return make()
