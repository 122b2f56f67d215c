"""Health over a moved clock, and over real HTTP."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from config.settings import ApiSettings
from daemon.api.server import Server, application
from daemon.errors import PortInUse
from daemon.health import Health
from daemon.metrics import Metrics
from daemon.report import CycleReport

START = datetime(2026, 3, 1, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def move(self, **delta: float) -> None:
        self.now += timedelta(**delta)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def health() -> Health:
    return Health(started=START)


@pytest.fixture
def client(health: Health, clock: Clock) -> Iterator[httpx.Client]:
    with (
        Server(application(health, Metrics(), clock), ApiSettings(port=0)) as server,
        httpx.Client(base_url=server.url) as http,
    ):
        yield http


def test_alive_until_the_loop_hangs(client: httpx.Client, health: Health, clock: Clock) -> None:
    assert client.get("/healthz").status_code == 200
    clock.move(seconds=61)
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["checks"][0]["detail"] == "the main loop beat 61 s ago"
    health.beat(clock())
    assert client.get("/healthz").status_code == 200


def test_ready_only_when_every_cloud_has_been_read_lately(
    client: httpx.Client, health: Health, clock: Clock
) -> None:
    assert client.get("/readyz").status_code == 200
    health.expect("aws", timedelta(minutes=15))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert {"name": "aws", "ok": False, "detail": "no cycle has ended yet"} in answer.json()["checks"]

    health.cycle_ended("aws", clock(), "Read it all.")
    assert client.get("/readyz").status_code == 200

    clock.move(minutes=31)
    health.beat(clock())
    assert "one is due every 900 s" in client.get("/readyz").text

    health.cycle_failed("aws", "the credentials have expired")
    assert "credentials have expired" in client.get("/readyz").text
    health.forget("aws")
    assert client.get("/readyz").status_code == 200


def test_a_database_that_does_not_answer_is_told(client: httpx.Client, health: Health) -> None:
    health.database("the disk is full")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "the disk is full" in answer.text
    assert client.get("/healthz").status_code == 200, "a restart would not help"
    health.database(None)
    assert client.get("/readyz").status_code == 200


def test_metrics_count_cycles(health: Health, clock: Clock) -> None:
    metrics = Metrics()
    report = CycleReport(
        cycle=1, providers=("aws",), read=7, scopes=2, created=3, evaluated=4, opened=1, seconds=2
    )
    metrics.cycle_ended("aws", report, START)
    with Server(application(health, metrics, clock), ApiSettings(port=0)) as server:
        text = httpx.get(f"{server.url}/metrics").text
    assert 'watchstander_cycles_total{provider="aws",result="complete"} 1.0' in text
    assert 'watchstander_changes_total{kind="created",provider="aws"} 3.0' in text
    assert (
        f'watchstander_last_complete_cycle_timestamp_seconds{{provider="aws"}} {START.timestamp():.9e}'[:60]
        in text
    )
    for name in metrics.declared():
        assert name.removesuffix("_total") in text


def test_a_port_in_use_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortInUse, match=str(port)):
            Server(application(Health(started=START), Metrics(), lambda: START), ApiSettings(port=port))
