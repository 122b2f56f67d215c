"""Dictionaries trained anew: only where it pays, once, and every version ever written stays readable."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.settings import StorageSettings
from providers.memory.estate import Estate
from providers.resource import Coverage, CoverageStatus, Resource, ResourceRef, Scope
from storage import codec
from storage.check import check
from storage.database import Database
from storage.errors import Damaged
from storage.history import History
from storage.inventory import Inventory
from storage.mending import mend_dictionaries
from storage.query import Filter
from storage.retraining import WINDOW, Trial, retrain
from storage.tables import CODEC, VERSION
from storage.times import OPEN
from storage.transfer import backup

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
SCOPE = Scope("memory", "100000000000", "north-1", "memory.machine")
COUNT = 600


def document(form: int, number: int, turn: int) -> dict[str, Any]:
    """Documents of a form have their own words, as when a cloud adds fields or an organisation its tags."""
    words = [f"setting-{form}-{n:02d}-{'abcdefgh'[(n * form) % 8] * 6}" for n in range(30)]
    return {"Turn": turn, "Number": number, **{w: f"value of {w} in form {form}" for w in words}}


def record(database: Database, at: datetime, form: int, turn: int, count: int = COUNT) -> None:
    recording = Inventory(database).begin(SCOPE, at)
    for start in range(0, count, 200):
        batch = []
        for number in range(start, min(count, start + 200)):
            ref = ResourceRef(
                provider="memory",
                account=SCOPE.account,
                region=SCOPE.region,
                type=SCOPE.type,
                uid=f"mem:{number}",
            )
            batch.append(Resource(ref=ref, name=f"m-{number}", document=document(form, number, turn)))
        recording.add(batch)
    recording.finish(Coverage(scope=SCOPE, status=CoverageStatus.COMPLETE, read=count))


def average(database: Database, since: datetime) -> float:
    from storage.times import to_us

    query = sa.select(sa.func.avg(sa.func.length(VERSION.c.data))).where(VERSION.c.valid_from >= to_us(since))
    with database.read() as connection:
        return float(connection.scalar(query))


def dictionaries(database: Database) -> int:
    with database.read() as connection:
        return int(connection.scalar(sa.select(sa.func.count()).where(CODEC.c.dictionary.is_not(None))) or 0)


def test_a_new_form_gets_a_new_dictionary_once(database: Database, settings: StorageSettings) -> None:
    record(database, START, 1, 0)
    assert dictionaries(database) == 1
    assert retrain(database, START + timedelta(hours=1)) == [], "it was trained just now"
    later = START + 2 * WINDOW
    record(database, later, 1, 1)
    (trial,) = retrain(database, later + timedelta(hours=1))
    assert (trial.pays, dictionaries(database)) == (False, 1), "nothing is gained by the same form"

    later += 2 * WINDOW
    record(database, later, 2, 2)
    before = average(database, later)
    (trial,) = retrain(database, later + timedelta(hours=1))
    assert (trial.type, trial.written, trial.tested) == ("memory.machine", COUNT, 300)
    assert trial.pays
    assert dictionaries(database) == 2
    assert retrain(database, later + timedelta(hours=2)) == []
    record(database, later + timedelta(hours=3), 2, 3)
    assert average(database, later + timedelta(hours=3)) < 0.6 * before

    with Database.open(settings) as fresh:
        assert [e.fields[0].after for e in History(fresh).timeline("mem:7")[1:]] == [1, 2, 3]
        for at, form, turn in ((START, 1, 0), (later, 2, 2), (later + timedelta(hours=3), 2, 3)):
            (stored,) = (
                r
                for batch in Inventory(fresh).find(Filter(), at + timedelta(minutes=1))
                for r in batch
                if r.uid == "mem:599"
            )
            assert stored.resource.document == document(form, 599, turn)
        assert list(check(fresh)) == []
        record(fresh, later + timedelta(hours=4), 2, 4)
        assert average(fresh, later + timedelta(hours=4)) < 0.6 * before, "another process writes with it"


@pytest.mark.parametrize(
    ("written", "current", "candidate", "pays"),
    [
        (10_000, 100_000, 80_000, True),
        (10_000, 100_000, 91_000, False),  # less than a tenth
        (600, 100_000, 80_000, True),
        (600, 30_000, 20_000, False),  # less than it costs to keep
        (600, 100_000, 120_000, False),
        (600, 0, 0, False),
    ],
)
def test_what_pays(written: int, current: int, candidate: int, pays: bool) -> None:
    trial = Trial(type="t", written=written, tested=300, current=current, candidate=candidate)
    assert trial.pays is pays


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("retraining") / "template.db"
    with Database.open(StorageSettings(url=f"sqlite:///{path}")) as made:
        made.migrate()
    return path


STEPS = st.lists(
    st.tuples(st.integers(1, 3), st.sampled_from(["go on", "retrain", "another process"])),
    min_size=1,
    max_size=4,
)


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_is_trained_when_every_version_reads_as_it_was_written(
    template: Path, steps: list[tuple[int, str]]
) -> None:
    path = template.with_name("copy.db")
    shutil.copy(template, path)
    database = Database.open(StorageSettings(url=f"sqlite:///{path}"))
    written, at = {}, START
    try:
        for turn, (form, then) in enumerate(steps):
            record(database, at, form, turn, count=520)
            written[at] = (form, turn)
            at += WINDOW + timedelta(hours=1)
            if then == "retrain":
                retrain(database, at - timedelta(hours=2))
            elif then == "another process":
                database.close()
                database = Database.open(StorageSettings(url=f"sqlite:///{path}"))
        for when, (form, turn) in written.items():
            for batch in Inventory(database).find(Filter(), when):
                for stored in batch:
                    number = int(stored.uid.removeprefix("mem:"))
                    assert stored.resource.document == document(form, number, turn)
    finally:
        database.close()


def test_what_changed_is_compressed_harder(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "_ENCODERS", 1)  # of two types, the encoder of one is let go for the other's
    made = Estate(resources=400, scopes=2)
    for cycle in range(2):
        for scope in made.all_scopes():
            found = list(made.read(scope))
            recording = Inventory(database).begin(scope, START + timedelta(hours=cycle))
            recording.add(found)
            recording.finish(Coverage(scope=scope, status=CoverageStatus.COMPLETE, read=len(found)))
        for index in range(400):
            made.change(made.uid(index), {"Status": "changed"})
    codecs = database.codecs
    query = sa.select(VERSION.c.codec_id, VERSION.c.data).where(VERSION.c.codec_id != codec.PLAIN)
    for valid, most, least in ((VERSION.c.valid_to < OPEN, 1, 1), (VERSION.c.valid_to == OPEN, 0.95, 0.8)):
        with database.read() as connection:
            rows = connection.execute(query.where(valid)).all()
        at_first = sum(len(codecs.encode(row.codec_id, codecs.decode(*row))) for row in rows)
        assert least * at_first <= sum(len(row.data) for row in rows) <= most * at_first
    assert list(check(database)) == []


def test_a_dictionary_that_is_gone_is_taken_from_a_backup(
    database: Database, settings: StorageSettings, tmp_path: Path
) -> None:
    record(database, START, 1, 0)
    file, old = tmp_path / "backup.db", tmp_path / "old.db"
    backup(database, file)
    shutil.copy(file, old)
    with Database.open(StorageSettings(url=f"sqlite:///{old}")) as other, other.write() as connection:
        connection.execute(sa.update(CODEC).where(CODEC.c.id > 0).values(dictionary=b"another one"))
    assert mend_dictionaries(database, file).taken == ()
    for spoilt in (b"", b"rubbish" * 100):
        with database.write() as connection:
            connection.execute(sa.update(CODEC).where(CODEC.c.id > 0).values(dictionary=spoilt))
        with Database.open(settings) as fresh:
            with pytest.raises(Damaged) as caught:
                Inventory(fresh).get("mem:1")
            if not spoilt:
                assert "dictionary 1 is gone" in caught.value.message
                assert "db dictionaries BACKUP" in (caught.value.hint or "")
            assert mend_dictionaries(fresh, old).missing == (1,), "a wrong one is not taken"
            done = mend_dictionaries(fresh, file)
            assert (done.taken, done.missing) == ((1,), ())
            stored = Inventory(fresh).get("mem:1")
            assert stored is not None
            assert list(check(fresh)) == []
