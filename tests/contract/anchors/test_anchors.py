"""One contract for every kind of anchor: what is noted is there, stays, and finds a ledger that was rewritten as a whole."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from config.ledger import LedgerSettings
from daemon.anchoring import Disagrees, Noting, Witness, open_anchors, witnesses
from daemon.anchors.anchor import AnchorFailed
from storage.database import Database
from storage.ledger import Ledger
from storage.notes import Notary, Note

from .conftest import AT, Here, clone, git, repository

Write = Callable[[int], None]


def witness(database: Database, here: Here) -> Witness:
    wanted = here.ledger()
    (one,) = witnesses(Notary(database, wanted.name), open_anchors(wanted))
    return one


def forge(database: Database, actors: str) -> None:
    """Another ledger, whose chain holds, in the place of the old one."""
    with database.write() as connection:
        for name in ("ledger_no_update", "ledger_no_delete"):
            connection.execute(sa.text(f"DROP TRIGGER IF EXISTS {name}"))
        connection.execute(sa.text("DELETE FROM ledger"))
        for number, actor in enumerate(actors):
            name = {"a": "alice", "m": "mallory"}[actor]
            Ledger(database).append("act", name, f"user/{number}", {}, AT)


def test_what_is_noted_is_there_and_finds_what_was_rewritten(
    here: Here, database: Database, write: Write
) -> None:
    noting = here.noting(database)
    write(3)
    assert noting.note("there", AT) == 3
    assert noting.note("there", AT + timedelta(minutes=1)) == 0
    write(2)
    assert here.noting(database).note("there", AT + timedelta(minutes=2)) == 2, "a new process goes on"
    here.settle(2)
    said = witness(database, here).record()
    assert (said["ok"], said["notes"], said["upto"], said["spoilt"]) == (True, 2, 5, 0)

    forge(database, "amaaa")
    assert Ledger(database).verify().ok
    said = witness(database, here).record()
    assert (said["ok"], said["first_bad"], said["fault"]) == (False, 2, "altered"), said["why"]
    if here.receiver is None:
        for process in (noting, here.noting(database)):
            with pytest.raises(Disagrees, match="entry 5 is gone or another one"):
                process.note("there", AT + timedelta(minutes=3))
    forge(database, "aaaa")
    said = witness(database, here).record()
    assert (said["first_bad"], said["fault"]) == (5, "truncated")
    forge(database, "aaaaa")
    assert witness(database, here).record()["ok"] is True


def test_an_anchor_that_is_away_is_told_and_catches_up(here: Here, database: Database, write: Write) -> None:
    if here.kind in ("udp", "s3"):
        pytest.skip("UDP tells nobody; for S3 see below")
    away = here.folder / "away"
    if here.receiver is not None:
        here.receiver.close()
        (here.folder / "log.sock").unlink(missing_ok=True)
    elif here.kind == "file":
        here.settings = {"file": {"path": str(away / "notes")}}
    else:
        (here.folder / ("origin.git" if here.kind == "git-remote" else "repo")).rename(away)
    noting = here.noting(database)
    write(2)
    with pytest.raises(AnchorFailed) as caught:
        noting.note("there", AT)
    assert caught.value.hint
    assert "Traceback" not in str(caught.value)
    assert noting.failing("there")
    assert noting.waiting("there", AT + timedelta(seconds=30))
    assert not noting.waiting("there", AT + timedelta(seconds=61))
    if here.receiver is not None:
        return
    if here.kind == "file":
        away.mkdir()
    else:
        away.rename(here.folder / ("origin.git" if here.kind == "git-remote" else "repo"))
    assert noting.note("there", AT + timedelta(minutes=2)) == 2
    assert not noting.failing("there")
    assert witness(database, here).record()["upto"] == 2


@pytest.mark.parametrize("here", ["file", "git", "git-remote"], indirect=True)
def test_notes_that_were_taken_away_are_noticed(here: Here, database: Database, write: Write) -> None:
    noting = here.noting(database)
    for number in range(2):
        write(1)
        noting.note("there", AT + timedelta(minutes=number))
    if here.kind == "file":
        path = here.folder / "notes"
        path.write_text("".join(path.read_text().splitlines(keepends=True)[:1]))
    else:
        bare = here.folder / ("origin.git" if here.kind == "git-remote" else "repo")
        git(bare, "update-ref", "refs/notes/watchstander", "refs/notes/watchstander^")
    with pytest.raises(Disagrees, match="ended at entry 2, and now ends at 1"):
        noting.note("there", AT + timedelta(minutes=3))


def test_a_file_that_was_cut_short_or_written_into_goes_on(
    tmp_path: Path, database: Database, write: Write
) -> None:
    path = tmp_path / "notes"
    here = Here("file", {"file": {"path": str(path)}}, tmp_path)
    write(1)
    here.noting(database).note("there", AT)
    path.write_bytes(path.read_bytes() + b"\xff\xfe rubbish\n" + path.read_bytes()[:60])
    write(1)
    assert here.noting(database).note("there", AT) == 1
    said = witness(database, here)
    assert (said.record()["upto"], said.spoilt, said.record()["ok"]) == (2, 1, True)


def test_two_daemons_on_one_remote_take_turns(tmp_path: Path, database: Database, write: Write) -> None:
    one = clone(tmp_path)
    git(tmp_path, "clone", "--quiet", "origin.git", "other")
    both = [
        Here("git-remote", {"git": {"repository": str(at), "remote": "origin"}}, tmp_path).noting(database)
        for at in (one, tmp_path / "other")
    ]
    for number in range(4):
        write(1)
        assert both[number % 2].note("there", AT + timedelta(minutes=number)) == 1
    assert len(git(tmp_path / "origin.git", "log", "--format=%H", "refs/notes/watchstander").split()) == 4
    shown = git(tmp_path / "origin.git", "log", "-1", "--format=%N", "--notes=watchstander", "main")
    assert '"seq":4' in shown, "people see the newest beside the commit"


def test_s3_objects_are_locked_and_the_first_version_counts(
    locked_bucket: str, tmp_path: Path, database: Database, write: Write
) -> None:
    import boto3

    client = boto3.client("s3", region_name="us-east-1")
    here = Here("s3", {"s3": {"bucket": locked_bucket, "mode": "governance", "retain": "9000d"}}, tmp_path)
    write(3)
    here.noting(database).note("there", AT)
    (version,) = client.list_object_versions(Bucket=locked_bucket)["Versions"]
    assert version["Key"] == "watchstander/ours/000000000000003.txt"
    lock = client.head_object(Bucket=locked_bucket, Key=version["Key"])
    assert lock["ObjectLockMode"] == "GOVERNANCE"
    assert lock["ObjectLockRetainUntilDate"] == AT + timedelta(days=9000)
    with pytest.raises(client.exceptions.ClientError, match="AccessDenied"):
        client.delete_object(Bucket=locked_bucket, Key=version["Key"], VersionId=version["VersionId"])

    # Whoever may write can put a version over it and a delete marker on it; neither hides the first one.
    forge(database, "maa")
    (note,) = Notary(database, "ours").since(0, AT, 10)
    client.put_object(Bucket=locked_bucket, Key=version["Key"], Body=note.line().encode())
    client.delete_object(Bucket=locked_bucket, Key=version["Key"])
    said = witness(database, here).record()
    assert (said["first_bad"], said["fault"], said["notes"]) == (1, "altered", 1)

    # A key that somebody else wrote first.
    forge(database, "aaa")
    write(2)
    client.put_object(Bucket=locked_bucket, Key="watchstander/ours/000000000000005.txt", Body=b"mine")
    with pytest.raises(AnchorFailed, match="written by somebody else"):
        here.noting(database).note("there", AT)


def test_s3_answers_that_are_lost_and_buckets_without_lock(
    aws: Any, locked_bucket: str, tmp_path: Path, database: Database, write: Write
) -> None:
    import boto3

    here = Here("s3", {"s3": {"bucket": locked_bucket, "mode": "governance"}}, tmp_path)
    write(2)
    wanted = here.ledger()
    (anchor,) = open_anchors(wanted).values()
    (note,) = Notary(database, "ours").since(0, AT, 10)
    anchor.append(note)
    anchor.append(
        Note(ledger="ours", after=0, seq=2, hash=note.hash, marks=note.marks, at=AT + timedelta(hours=1))
    )

    boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="ledger-unlocked")
    unlocked = Here("s3", {"s3": {"bucket": "ledger-unlocked"}}, tmp_path)
    with pytest.raises(AnchorFailed) as caught:
        unlocked.noting(database).note("there", AT)
    assert "Object Lock must be on" in str(caught.value)
    nowhere = Here("s3", {"s3": {"bucket": "ledger-nowhere"}}, tmp_path)
    with pytest.raises(AnchorFailed, match="NoSuchBucket"):
        nowhere.noting(database).note("there", AT)
    assert witness(database, nowhere).error


def test_git_without_repository_commit_or_command(
    tmp_path: Path, database: Database, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(1)

    def failure(path: Path) -> str:
        here = Here("git", {"git": {"repository": str(path)}}, tmp_path)
        with pytest.raises(AnchorFailed) as caught:
            here.noting(database).note("there", AT)
        return caught.value.message

    (tmp_path / "plain").mkdir()
    assert "not a git repository" in failure(tmp_path / "plain")
    empty = tmp_path / "empty"
    empty.mkdir()
    git(empty, "init", "--quiet")
    assert "HEAD" in failure(empty)
    there = repository(tmp_path / "there")
    monkeypatch.setenv("PATH", str(empty))
    assert "the git command is not installed" in failure(there)


def test_a_ledger_kept_by_another_name_is_not_ours(tmp_path: Path, database: Database, write: Write) -> None:
    here = Here("file", {"file": {"path": str(tmp_path / "notes")}}, tmp_path)
    write(2)
    here.noting(database).note("there", AT)
    renamed = LedgerSettings(name="after-restore", anchors=here.ledger().anchors)
    forge(database, "m")
    assert Noting(database, renamed, open_anchors(renamed)).note("there", AT) == 1
    (said,) = witnesses(Notary(database, "after-restore"), open_anchors(renamed))
    assert said.record()["ok"] is True


def test_settings_that_cannot_be() -> None:
    from pydantic import ValidationError

    from config.ledger import AnchorSettings

    for wrong, why in (
        ({}, "exactly one"),
        ({"file": {"path": "/x"}, "syslog": {"address": "unix:/x"}}, "exactly one"),
        ({"syslog": {"address": "http://x:1"}}, "udp://host:514"),
        ({"syslog": {"address": "udp://x:99999"}}, "udp://host:514"),
        ({"syslog": {"address": "udp://x:514", "facility": "mail"}}, "must be one of"),
        ({"git": {"repository": "/x", "ref": "refs/heads/main"}}, "refs/notes/"),
        ({"git": {"repository": "/x", "remote": "--upload-pack=x"}}, "not an option"),
    ):
        with pytest.raises(ValidationError, match=why):
            AnchorSettings.model_validate(wrong)
