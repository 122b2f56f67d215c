"""The emulated Google Cloud, and providers that reach it through Google's own clients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from providers.gcp.provider import GcpProvider
from providers.sandbox.gcp import GcpEmulator


class Clock:
    """A clock that moves when told to; sleeping moves it."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)
        self.slept: list[float] = []

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)


Connect = Callable[..., GcpProvider]


@pytest.fixture(scope="session")
def still() -> Iterator[GcpEmulator]:
    """An emulator that no test changes."""
    with GcpEmulator() as emulator:
        yield emulator


@pytest.fixture
def emulator() -> Iterator[GcpEmulator]:
    """An emulator of the test's own."""
    with GcpEmulator() as emulator:
        yield emulator


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def connect(clock: Clock) -> Iterator[Connect]:
    """Open providers on an emulator; they are closed after the test."""
    opened: list[GcpProvider] = []

    def _connect(emulator: GcpEmulator, **overrides: Any) -> GcpProvider:
        provider = GcpProvider(emulator.settings(**overrides), clock=clock, sleep=clock.sleep)
        opened.append(provider)
        return provider

    yield _connect
    for provider in opened:
        provider.close()
