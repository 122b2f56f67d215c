"""Logging, configured once: each record is a human sentence (``event``) and a machine key (``key``) with its facts.

    log = structlog.get_logger("watchstander.cycle")
    log.info("Read 312 of 320 scopes in 41 s.", key="cycle.done", read=312, unread=8)

One JSON object a line for machines, aligned text on a terminal; times are RFC 3339 UTC. What other libraries log with
the standard library goes the same way, with the logger's name as its key. No secret passes: see ``Redactor``.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from typing import IO, Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from config.secrets import HIDDEN, SecretValue, redact
from config.settings import LogSettings
from daemon.cli.output import dumps

_HANDLER = "watchstander"
_QUIETER = {
    # Libraries that tell every request at INFO; their warnings are kept.
    "azure": logging.WARNING,
    "alembic": logging.WARNING,
    "apscheduler": logging.WARNING,
    "boto3": logging.WARNING,
    "botocore": logging.WARNING,
    "dbos": logging.WARNING,
    "google": logging.WARNING,
    "httpcore": logging.WARNING,
    "httpx": logging.WARNING,
    "uvicorn.access": logging.WARNING,
}
_SECRET_KEYS = (
    "password",
    "passwd",
    "secret",
    "token",
    "authorization",
    "api_key",
    "private_key",
    "credential",
)


class Redactor:
    """Takes secrets out of a record: by the name of the fact, by value where known, by form where not."""

    def __init__(self, redact_text: Callable[[str], str] = redact) -> None:
        self._redact_text = redact_text

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {key: self._clean(key, value) for key, value in event.items()}

    def _clean(self, key: Any, value: Any) -> Any:
        if isinstance(value, SecretValue):
            return HIDDEN
        if isinstance(value, str):
            return HIDDEN if value and _names_a_secret(key) else self._redact_text(value)
        if isinstance(value, Mapping):
            return {k: self._clean(k, v) for k, v in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._clean(key, item) for item in value]
        if isinstance(value, BaseException):
            return self._redact_text(f"{type(value).__name__}: {value}")
        return value


class Sparing(logging.Filter):
    """Lets the same complaint of a library through once a minute, in one line: DBOS's threads ask a server that is away each second,
    and one of them tells the whole stack each time."""

    AGAIN = 60.0
    """Seconds after which the same is told again."""
    _STACK = "Traceback (most recent call last):"

    def __init__(self) -> None:
        super().__init__()
        self._told: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written; it is cut to its first line, or to what its stack ends with."""
        said, _, stack = record.getMessage().partition(self._STACK)
        raised = [line for line in stack.splitlines() if line and not line[0].isspace()]
        errors = [line for line in raised if not line.startswith("(Background on this error")]
        text = said.splitlines()[0] if said else ""
        record.msg, record.args = text + (errors[-1] if errors else ""), ()
        self._told = {text: at for text, at in self._told.items() if record.created - at < self.AGAIN}
        if record.msg in self._told:
            return False
        self._told[record.msg] = record.created
        return True


def _names_a_secret(key: Any) -> bool:
    name = str(key).lower().replace("-", "_")
    return any(word in name for word in _SECRET_KEYS)


def configure(
    settings: LogSettings,
    *,
    stream: IO[str] | None = None,
    redact_text: Callable[[str], str] = redact,
) -> None:
    """Route structlog and the standard library to ``stream`` (standard error), replacing what was configured before.

    ``redact_text`` is ``Secrets.redact`` where secrets have been read. Call it again to change the level.
    """
    stream = stream or sys.stderr
    machine = settings.format == "json" or (settings.format == "auto" and not stream.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.StackInfoRenderer(),
    ]
    last: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if machine:
        last += [structlog.processors.format_exc_info, Redactor(redact_text), _json]
    else:
        last += [
            structlog.processors.format_exc_info,
            Redactor(redact_text),
            structlog.dev.ConsoleRenderer(colors=stream.isatty(), timestamp_key="time", pad_event_to=0),
        ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[_name_as_key, *shared],
        processors=last,
    )
    handler = logging.StreamHandler(stream)
    handler.set_name(_HANDLER)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    for old in [h for h in root.handlers if h.get_name() == _HANDLER]:
        root.removeHandler(old)
    root.addHandler(handler)
    level = getattr(logging, settings.level.upper())
    root.setLevel(level)
    for name, quieter in _QUIETER.items():
        logging.getLogger(name).setLevel(max(level, quieter))
    logging.captureWarnings(True)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        # A logger made before a reload must obey the new level.
        cache_logger_on_first_use=False,
    )


def _name_as_key(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    record = event.get("_record")
    if isinstance(record, logging.LogRecord):
        event.setdefault("key", record.name)
    return event


def _json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    """One JSON object on one line, the fields people look for first."""
    first = {name: event.pop(name) for name in ("time", "level", "event", "key") if name in event}
    return dumps({**first, **event})
