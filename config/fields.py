"""What settings are made of: durations, references to secrets, paths, and the base of every model."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, PlainSerializer

_DURATION = re.compile(r"(?P<n>\d+(?:\.\d+)?)\s*(?P<unit>ms|s|m|h|d|w)")
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def parse_duration(value: Any) -> timedelta:
    """``15m`` or ``1h30m`` (or a number of seconds) as a timedelta. Raises ValueError."""
    if isinstance(value, timedelta):
        return value
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _not_negative(timedelta(seconds=value))
        text = str(value).strip()
        parts = list(_DURATION.finditer(text))
        if not parts or "".join(m.group(0) for m in parts) != text:
            raise ValueError(f"{text[:60]!r} is not a duration; write 30s, 15m, 2h or 7d")
        return timedelta(seconds=sum(float(m["n"]) * _UNITS[m["unit"]] for m in parts))
    except OverflowError:
        raise ValueError("the duration is too long") from None


def _not_negative(value: timedelta) -> timedelta:
    if value < timedelta(0):
        raise ValueError("a duration cannot be negative")
    return value


def format_duration(value: timedelta) -> str:
    """A duration as one writes it: ``1h30m``."""
    seconds = value.total_seconds()
    if seconds != int(seconds) or seconds == 0:
        return f"{seconds:g}s"
    rest, out = int(seconds), ""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        out += f"{count}{unit}" if count else ""
    return out


Duration = Annotated[
    timedelta, BeforeValidator(parse_duration), PlainSerializer(format_duration, return_type=str)
]


class SecretReference(BaseModel):
    """Where a secret is kept. Its value is read when needed and never printed."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    scheme: Literal["env", "file", "aws-secretsmanager", "aws-ssm"]
    location: str

    @classmethod
    def parse(cls, value: Any) -> Any:
        """``env:NAME`` as a reference. Raises ValueError without echoing what might be a secret."""
        if isinstance(value, str):
            scheme, colon, location = value.partition(":")
            if not colon or scheme not in ("env", "file", "aws-secretsmanager", "aws-ssm") or not location:
                raise ValueError(
                    "write a secret as a reference: env:NAME, file:/path, aws-secretsmanager:ID or aws-ssm:NAME"
                )
            return {"scheme": scheme, "location": location}
        return value

    def __str__(self) -> str:
        return f"{self.scheme}:{self.location}"


Secret = Annotated[
    SecretReference, BeforeValidator(SecretReference.parse), PlainSerializer(str, return_type=str)
]


class FileUrl:
    """Marks a URL that may hold a relative path (``sqlite:///watch.db``), which is relative to the configuration."""


DatabaseUrl = Annotated[str, FileUrl()]


_PATH = re.compile(
    r"""(?: [^.\[\]"\s][^.\[\]"]* | \["[^"]+"\] )      # Tags, @tags, ["a.b"]
        (?: \.[^.\[\]"]+ | \[[^\[\]]*\] )*            # .Value, [Team], [*], []""",
    re.VERBOSE,
)


def _field_path(value: str) -> str:
    if not _PATH.fullmatch(value):
        raise ValueError(
            f"{value[:60]!r} is not the path of a field; write Tags[Team].Value as `diff` shows it"
        )
    return value


FieldPath = Annotated[str, AfterValidator(_field_path)]
"""A field of a document, as differences name it."""


def _type_pattern(value: str) -> str:
    if not re.fullmatch(r"[^\s*]+\*?|\*", value):
        raise ValueError(f"{value[:60]!r} is no type; write aws.s3_bucket, or aws.s3_* for all that begin so")
    return value


TypePattern = Annotated[str, AfterValidator(_type_pattern)]
"""A type, or with a trailing ``*`` all that begin so."""


class Model(BaseModel):
    """Base of all settings: frozen, unknown keys refused, fields documented by their docstrings."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, validate_default=True
    )
