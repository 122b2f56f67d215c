"""Every test here runs on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from config.settings import StorageSettings
from policies.policy import Language, Phase, Policy
from policies.verdict import Message, Outcome, Verdict
from providers.memory.estate import Estate
from providers.memory.provider import MemoryProvider
from providers.provider import Selection, Severity
from providers.resource import Coverage, CoverageStatus, Resource, ResourceRef, Scope
from storage.database import Database
from storage.inventory import Inventory
from storage.values import Change

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
SCOPE = Scope("memory", "100000000000", "north-1", "memory.machine")


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Migrated, empty databases by kind, made when first asked for."""
    return {"folder": str(tmp_path_factory.mktemp("templates"))}


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh_url(request: pytest.FixtureRequest, tmp_path: Path, templates: dict[str, str]) -> Callable[[], str]:
    """Gives the URL of a new migrated database each time it is called."""
    kind: str = request.param
    count = iter(range(10_000))

    def sqlite() -> str:
        if kind not in templates:
            path = Path(templates["folder"]) / "template.db"
            with Database.open(StorageSettings(url=f"sqlite:///{path}")) as database:
                database.migrate()
            templates[kind] = str(path)
        copy = tmp_path / f"{next(count)}.db"
        shutil.copy(templates[kind], copy)
        return f"sqlite:///{copy}"

    def postgresql() -> str:
        make = request.getfixturevalue("make_postgres")
        if kind not in templates:
            url = make(None)
            with Database.open(StorageSettings(url=url)) as database:
                database.migrate()
            templates[kind] = url.partition("/test_")[2].partition("?")[0]
        return str(make(f"test_{templates[kind]}"))

    return sqlite if kind == "sqlite" else postgresql


@pytest.fixture
def settings(fresh_url: Callable[[], str]) -> StorageSettings:
    """The settings of a new migrated database."""
    return StorageSettings(url=fresh_url(), lock_timeout=timedelta(seconds=20))


@pytest.fixture
def database(settings: StorageSettings) -> Iterator[Database]:
    """A new migrated database."""
    with Database.open(settings) as opened:
        yield opened


@dataclass
class World:
    """A cloud in memory and an inventory, with a clock that only moves when told."""

    database: Database
    estate: Estate
    now: datetime = START
    cycle_id: int | None = None
    provider: MemoryProvider = field(init=False)
    inventory: Inventory = field(init=False)

    def __post_init__(self) -> None:
        self.provider = MemoryProvider(self.estate)
        self.inventory = Inventory(self.database)

    def later(self, **delta: float) -> datetime:
        """Move the clock."""
        self.now += timedelta(**delta or {"hours": 1})
        return self.now

    def cycle(
        self, selection: Selection | None = None, *, batch: int = 100, confirmations: int = 1
    ) -> list[Change]:
        """Read what is selected and record it."""
        changes: list[Change] = []
        for scope in self.provider.discover(selection or Selection()).scopes:
            recording = self.inventory.begin(scope, self.now, self.cycle_id, confirmations=confirmations)
            reading = self.provider.read(scope)
            resources = list(reading)
            for start in range(0, len(resources), batch):
                changes += recording.add(resources[start : start + batch])
            changes += recording.finish(reading.coverage)
        return changes

    def record(
        self, scope: Scope, resources: Sequence[Resource], coverage: Coverage | None = None, **options: Any
    ) -> list[Change]:
        """Record a reading made by hand; complete unless told otherwise."""
        recording = self.inventory.begin(scope, self.now, self.cycle_id, **options)
        changes = recording.add(resources)
        end = coverage or Coverage(scope=scope, status=CoverageStatus.COMPLETE, read=len(resources))
        return changes + recording.finish(end)


@pytest.fixture
def world(database: Database) -> World:
    """Forty resources in four scopes."""
    return World(database, Estate(resources=40, scopes=4))


@pytest.fixture
def empty_world(database: Database) -> World:
    """Nothing yet."""
    return World(database, Estate())


@pytest.fixture
def make_resource() -> Callable[..., Resource]:
    """A resource by name, with a small document."""

    def make(
        name: str,
        document: Mapping[str, Any] | None = None,
        *,
        scope: Scope = SCOPE,
        uid: str | None = None,
        unread: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Resource:
        ref = ResourceRef(
            provider=scope.provider,
            account=scope.account,
            region=scope.region,
            type=scope.type,
            uid=uid or f"mem:{scope.account}:{name}",
        )
        return Resource(
            ref=ref, name=name, document=document or {"Id": name}, tags=tags or {}, unread=unread or {}
        )

    return make


@pytest.fixture
def make_policy() -> Callable[..., Policy]:
    """A policy by id."""

    def make(
        policy_id: str, *, severity: Severity = Severity.HIGH, phase: Phase = Phase.PREPARATION, **values: Any
    ) -> Policy:
        return Policy(
            id=policy_id,
            title=f"Title of {policy_id}",
            description="",
            phase=phase,
            severity=severity,
            language=Language.REGO,
            source="",
            path=Path("policy.rego"),
            line=1,
            digest=values.pop("digest", b"digest of the policy"),
            types=frozenset({"memory.*"}),
            **values,
        )

    return make


@pytest.fixture
def make_verdict() -> Callable[..., Verdict]:
    """A verdict on a uid."""

    def make(
        uid: str, policy: Policy, outcome: Outcome, text: str = "it is wrong", cause: str | None = None
    ) -> Verdict:
        return Verdict(
            policy_id=policy.id,
            policy_digest=policy.digest,
            uid=uid,
            input_digest=b"input",
            outcome=outcome,
            messages=(Message(text=text),) if outcome is Outcome.FAIL else (),
            cause=cause,
        )

    return make
