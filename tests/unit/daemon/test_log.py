"""Log records: one line each, a sentence and a key, and never a secret."""

from __future__ import annotations

import io
import json
import logging
import traceback
import warnings
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
import structlog

from config.fields import SecretReference
from config.secrets import HIDDEN, Secrets, SecretValue
from config.settings import LogSettings
from daemon import log


@pytest.fixture(autouse=True)
def _leave_logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    yield
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    logging.captureWarnings(False)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_record_is_one_json_line_with_sentence_key_and_facts() -> None:
    stream = io.StringIO()
    log.configure(LogSettings(), stream=stream)
    structlog.get_logger("watchstander.cycle").info(
        "Read 312 of 320 scopes.", key="cycle.done", read=312, scopes={"a": [1]}
    )
    (record,) = lines(stream)
    assert list(record) == ["time", "level", "event", "key", "read", "scopes"]
    assert record["event"] == "Read 312 of 320 scopes."
    assert record["key"] == "cycle.done"
    assert record["time"].endswith("Z")
    assert datetime.fromisoformat(record["time"]).tzinfo is not None


def test_other_libraries_take_the_same_way() -> None:
    stream = io.StringIO()
    log.configure(LogSettings(), stream=stream)
    logging.getLogger("some.library").warning("Mind %s.", "the gap")
    logging.getLogger("botocore.hooks").info("every request")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old thing", UserWarning, stacklevel=1)
    first, second = lines(stream)
    assert (first["event"], first["key"], first["level"]) == ("Mind the gap.", "some.library", "warning")
    assert "old thing" in second["event"]


def test_the_level_is_obeyed_and_can_change_while_running() -> None:
    stream = io.StringIO()
    log.configure(LogSettings(level="warning"), stream=stream)
    logger = structlog.get_logger("x")
    logger.info("no")
    logging.getLogger("x").info("no")
    log.configure(LogSettings(level="debug"), stream=stream)
    logger.debug("yes")
    logging.getLogger("x").debug("yes too")
    assert [r["event"] for r in lines(stream)] == ["yes", "yes too"]


def test_configuring_twice_does_not_write_twice() -> None:
    stream = io.StringIO()
    log.configure(LogSettings(), stream=stream)
    log.configure(LogSettings(), stream=stream)
    logging.getLogger("x").warning("once")
    assert len(lines(stream)) == 1


def test_the_same_complaint_is_told_once_a_minute_and_in_one_line() -> None:
    sparing = log.Sparing()

    def told(text: str, at: float) -> str | None:
        record = logging.makeLogRecord({"msg": text, "created": at})
        return record.getMessage() if sparing.filter(record) else None

    away = "Exception listing queues: no server\n\tIs it running?\n(Background on this error at: here)"
    assert [told(away, at) for at in (0, 1, 59)] == ["Exception listing queues: no server", None, None]
    assert told("Another trouble.", 59) == "Another trouble."
    assert told(away, 60) == "Exception listing queues: no server"
    try:
        json.loads("")
    except ValueError:
        stack = f"Exception polling: {traceback.format_exc()}(Background on this error at: here)"
    assert (
        told(stack, 60)
        == "Exception polling: json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)"
    )
    assert told("", 60) == ""


def test_no_secret_passes() -> None:
    secrets = Secrets({"DB": "correct-horse-battery"})
    secrets.read(SecretReference(scheme="env", location="DB"))
    stream = io.StringIO()
    log.configure(LogSettings(), stream=stream, redact_text=secrets.redact)
    logger = structlog.get_logger("x")
    logger.warning(
        "connecting with correct-horse-battery", url="postgresql://w:hunter2@db/w", client_secret="hunter2"
    )
    logger.warning(
        "x",
        headers={"Authorization": "Bearer hunter2hunter2"},
        items=["correct-horse-battery"],
        value=SecretValue("hunter2"),
    )
    logging.getLogger("psycopg").error("no: %s", "password=hunter2 host=db")
    try:
        int("postgresql://w:hunter2@db/w refused correct-horse-battery")
    except ValueError as error:
        logger.exception("failed", cause=error)
    written = stream.getvalue()
    assert "hunter2" not in written
    assert "correct-horse" not in written
    assert written.count(HIDDEN) >= 7
    assert "Traceback" in lines(stream)[-1]["exception"]


def test_newlines_and_odd_values_stay_on_one_line() -> None:
    stream = io.StringIO()
    log.configure(LogSettings(), stream=stream)
    structlog.get_logger("x").warning("a\nb\x1b[31m", value=object(), big=2**80, half="\ud800")
    assert len(stream.getvalue().splitlines()) == 1


def test_people_get_text() -> None:
    stream = io.StringIO()
    log.configure(LogSettings(format="console"), stream=stream)
    structlog.get_logger("x").info("Read all.", key="cycle.done")
    assert "Read all." in stream.getvalue()
    assert "key=cycle.done" in stream.getvalue()
    assert "\x1b[" not in stream.getvalue()
