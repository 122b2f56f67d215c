"""Documents as JSON text, or why they cannot be."""

from __future__ import annotations

from typing import Any

import orjson


class Unencodable(Exception):
    """A document cannot be written as JSON; the message says why."""


def encode_json(value: Any) -> bytes:
    """Canonical JSON text. Raises Unencodable."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except (TypeError, RecursionError) as error:
        text = str(error)
        if "surrogate" in text or "UTF-8" in text:
            raise Unencodable("a text of the document is not valid Unicode (a lone surrogate)") from None
        if "ecursion" in text:
            raise Unencodable("the document nests too deeply to be written as JSON") from None
        if "64-bit" in text:
            raise Unencodable("the document holds an integer of more than 64 bits") from None
        raise Unencodable(f"the document is not JSON: {text}") from None
