"""Text that is safe in each format, whatever a cloud or a policy wrote."""

from __future__ import annotations

import html
import re
from datetime import datetime
from typing import Any, Final

import orjson

REPLACEMENT: Final = "\ufffd"
_SURROGATES: Final = re.compile("[\ud800-\udfff]")
_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, escaped or not."""
_CONTROLS: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufffe\uffff]"
)
"""Control characters, and those that turn the direction of what follows them."""


def valid(text: str) -> str:
    """Text without lone surrogates: what UTF-8 can hold."""
    return _SURROGATES.sub(REPLACEMENT, text)


def json_line(value: Any) -> str:
    """A value as JSON on one line; lone surrogates replaced."""
    return orjson.dumps(_valid_all(value)).decode()


def _valid_all(value: Any) -> Any:
    if isinstance(value, str):
        return valid(value)
    if isinstance(value, dict):
        return {valid(str(key)): _valid_all(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_valid_all(item) for item in value]
    return value


def xml(text: str) -> str:
    """Text for an XML element or a quoted attribute."""
    escaped = html.escape(_NOT_XML.sub(REPLACEMENT, text), quote=True)
    # A parser would turn these into spaces within an attribute.
    return escaped.replace("\n", "&#10;").replace("\r", "&#13;").replace("\t", "&#9;")


def markup(text: str) -> str:
    """Text for an HTML element or a quoted attribute: escaped, nothing invisible, nothing that turns the line around."""
    return html.escape(_CONTROLS.sub(REPLACEMENT, valid(text)), quote=True)


def shortened(text: str, most: int) -> str:
    """At most ``most`` characters, the end marked where some were cut off."""
    return text if len(text) <= most else text[: most - 1] + "…"


def rfc3339(moment: datetime) -> str:
    """A time in UTC to the millisecond: ``2024-05-01T12:00:00.000Z``."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970."""
    return round(moment.timestamp() * 1000)
