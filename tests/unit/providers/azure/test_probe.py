"""Who a token says we are: for showing only, and never an error."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from providers.azure.probe import who


def token(claims: Any) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"header.{body}.signature"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (token({"upn": "ada@example.org", "tid": "t1", "oid": "o"}), "ada@example.org in tenant t1"),
        (token({"appid": "app-1"}), "app-1"),
        (token({"tid": "t1"}), None),
        (token(["upn"]), None),
        (token({"upn": 1, "oid": "o1"}), "o1"),
        ("watchstander-sandbox", None),
        ("a.b.c", None),
        ("a.\u00e9.c", None),
        ("", None),
    ],
)
def test_a_token_tells_a_name_or_nothing(given: str, expected: str | None) -> None:
    assert who(given) == expected
