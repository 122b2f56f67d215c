"""``import "base64"``"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any, Final

from policies.sentinel.functions import function, text
from policies.sentinel.run import Run
from policies.sentinel.values import Fault, Value

_STANDARD: Final = re.compile(rb"[A-Za-z0-9+/\r\n]*={0,2}[\r\n]*")
_URL: Final = re.compile(rb"[A-Za-z0-9_\-\r\n]*={0,2}[\r\n]*")


def _encode(run: Run, value: Value) -> Value:
    plain = text(value)
    run.hold_string(4 * len(plain) // 3 + 4)
    return base64.b64encode(plain)


def _url_encode(run: Run, value: Value) -> Value:
    plain = text(value)
    run.hold_string(4 * len(plain) // 3 + 4)
    return base64.urlsafe_b64encode(plain)


def _decode(run: Run, value: Value, alphabet: re.Pattern[bytes] = _STANDARD) -> Value:
    coded = text(value)
    run.hold_string(len(coded))
    if not alphabet.fullmatch(coded):
        raise Fault("not base64")
    try:
        return base64.b64decode(coded.translate(bytes.maketrans(b"-_", b"+/"), b"\r\n"))
    except binascii.Error as error:
        raise Fault(f"not base64: {error}") from None


def members() -> Mapping[str, Any]:
    """The functions of the import."""
    return {
        "encode": function("encode", _encode, 1),
        "decode": function("decode", _decode, 1),
        "urlencode": function("urlencode", _url_encode, 1),
        "urldecode": function("urldecode", lambda run, value: _decode(run, value, _URL), 1),
    }
