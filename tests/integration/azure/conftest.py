"""An emulated Azure for each module, and a provider on it that never really sleeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from providers.azure.provider import AzureProvider
from providers.sandbox.azure import AzureEmulator
from providers.sandbox.faults import FaultKind

START = datetime(2025, 6, 1, 12, tzinfo=UTC)


class Clock:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, step: timedelta) -> None:
        self.now += step


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def emulator(clock: Clock) -> Iterator[AzureEmulator]:
    with AzureEmulator(clock=clock) as started:
        yield started


@pytest.fixture
def naps() -> list[float]:
    """The waits asked for, in seconds."""
    return []


Make = Callable[..., AzureProvider]


@pytest.fixture
def make(emulator: AzureEmulator, clock: Clock, naps: list[float]) -> Iterator[Make]:
    """Makes providers on the emulator; keyword arguments are settings."""
    made: list[AzureProvider] = []

    def build(**settings: Any) -> AzureProvider:
        provider = AzureProvider(emulator.settings(**settings), clock=clock, sleep=naps.append)
        made.append(provider)
        return provider

    yield build
    for provider in made:
        provider.close()


@pytest.fixture
def provider(make: Make) -> AzureProvider:
    return make()


@pytest.fixture
def facing(make: Make) -> Callable[[FaultKind], AzureProvider]:
    """A provider to meet a kind of fault with: it gives up soon where an answer never comes, and else has time, so that nothing
    which does answer can be too slow for it."""
    return lambda kind: make(budget={"call_timeout": "0.3s"} if kind is FaultKind.TIMEOUT else {})
