"""What every message of Google Cloud has in common: its envelope, its times, and how far its form is trusted."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import orjson

from providers.gcp import names
from providers.gcp.document import PROVIDER
from providers.resource import ResourceRef

Json = Mapping[str, Any]

_WELCOME: Final = "You have successfully configured"
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(\.\d+)?\s*(Z|[+-]\d\d:\d\d)?")


class ProjectNames(Protocol):
    """The two names of a project: messages use either, the inventory the id for its account and the number in its own uid. And
    where a folder lies, which its messages do not say."""

    def id_of(self, project: str) -> str | None:
        """The id of a project given by id or number; None for a number that is not known."""

    def number_of(self, project: str) -> str | None:
        """The number of a project given by id or number; None for an id that is not known."""

    def above(self, folder: str) -> tuple[str, ...] | None:
        """What a folder lies in, the closest first; None for a folder that is not known."""


def unwrap(body: Json) -> Json | None:
    """The message without its Pub/Sub envelope; None for Pub/Sub's own chatter. Raises ``ValueError``."""
    message = body.get("message")
    inner = message if isinstance(message, Mapping) and "data" in message else body
    data = inner.get("data")
    if not isinstance(data, str) or not ({"messageId", "message_id", "publishTime"} & set(inner)):
        return body
    try:
        raw = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"the data of a Pub/Sub message is not base64: {error}") from error
    if raw.decode("utf-8", "replace").startswith(_WELCOME):
        return None
    try:
        content = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"the data of a Pub/Sub message is not JSON: {error}") from error
    if not isinstance(content, Mapping):
        raise ValueError("the data of a Pub/Sub message is not a JSON object")
    return content


def moment(value: Any, what: str) -> datetime:
    """A time as Google writes it (nine decimals, or BigQuery's without a zone). Raises ``ValueError``."""
    found = _TIME.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"{what} is not a time: {str(value)[:60]!r}")
    day, clock, fraction, zone = found.groups()
    text = f"{day}T{clock}{(fraction or '.0')[:7]}{'+00:00' if zone in (None, 'Z') else zone}"
    return datetime.fromisoformat(text).astimezone(UTC)


def ref_of(name: str, type_: str, account: str, place: Any) -> ResourceRef:
    where = str(place).lower() if place else names.location_in(name)
    return ResourceRef(provider=PROVIDER, account=account, region=where, type=type_, uid=name)


def pick(fields: Json, key: str) -> Any:
    """A field under its name, or all lower case as log exports through BigQuery write it."""
    found = fields.get(key)
    if found is not None:
        return found
    return next((v for k, v in fields.items() if k.lower() == key.lower()), None)


def mapping(value: Any) -> Json:
    """A field that should be an object, or nothing: a message is not trusted to keep its own form."""
    return value if isinstance(value, Mapping) else {}


def items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def text_of(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def known(**facts: Any) -> dict[str, Any]:
    return {key: value for key, value in facts.items() if value is not None}
