"""Every verb that asks says where there is no database, and makes none."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from daemon.cli import app
from daemon.cli.context import State

NOW = datetime(2026, 5, 10, 12, tzinfo=UTC)

ASKING = (
    "inventory",
    "show mem:1",
    "history mem:1",
    "diff --from 1h",
    "exposure --where document.Public --from 1h",
    "flapping --from 1h",
    "findings",
    "findings --stats severity",
    "export --as csv",
    "audit list",
    "audit verify",
    "audit export",
    "plan list",
    "pause because",
    "resume",
    "exempt list",
    "baseline list",
    "baseline drift x",
    "coverage",
    "status",
    "db status",
    "db check",
    "db prune",
    "db backup {folder}/backup.db",
    "db dictionaries {folder}/text",
    "db dead-letters",
    "db copy --to sqlite:///{folder}/copy.db",
)


def test_asking_where_there_is_no_database_says_so_and_makes_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text").write_text("not a database at all")
    before = sorted(tmp_path.rglob("*"))
    places = {
        "none/w.db": "There is no database at",
        "": "is a folder, not a database",
        "text": "is not a SQLite database",
        "text/w.db": "a part of that path is no folder",
    }
    for number, verb in enumerate(ASKING):
        # Every verb where there is nothing, and each strange place with some of them.
        for place, said in [*places.items()][: 1 if number % 7 else 4]:
            environment = {"WATCHSTANDER_STORAGE__URL": f"sqlite:///{tmp_path / place}"}
            words = verb.format(folder=tmp_path).split()
            status = app.run(words, State(environment=environment, clock=lambda: NOW))
            out, err = capsys.readouterr()
            assert (status, out) == (2, ""), (verb, place, err)
            assert said in err, (verb, place)
            assert str(tmp_path) in err
            assert sorted(tmp_path.rglob("*")) == before, f"{verb} made something"


def test_a_file_that_may_not_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")  # nobody can read this, root neither
    environment = {"WATCHSTANDER_STORAGE__URL": f"sqlite:///{tmp_path / 'loop'}"}
    assert app.run(["inventory"], State(environment=environment, clock=lambda: NOW)) == 2
    assert "cannot be read: Too many levels of symbolic links" in capsys.readouterr().err


def test_filling_makes_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    environment = {"WATCHSTANDER_STORAGE__URL": f"sqlite:///{tmp_path / 'a' / 'w.db'}"}
    assert app.run(["db", "migrate"], State(environment=environment, clock=lambda: NOW)) == 0
    assert app.run(["inventory"], State(environment=environment, clock=lambda: NOW)) == 0
