"""Answers that botocore would take for empty ones.

botocore reads half a JSON document, an empty body and a proxy's page with status 200 as a success without members
(docs/decisions/0010): a listing would then be complete and empty, and everything in it would look deleted. Every answer
passes here before it is parsed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson
from botocore.model import StructureShape
from botocore.parsers import ResponseParserError

_JSON: Final = frozenset({"json", "rest-json"})


def refuse_half_answers(operation_model: Any, response_dict: Mapping[str, Any], **_: Any) -> None:
    """A handler of botocore's ``before-parse`` event. Raises ResponseParserError for what is not a whole answer."""
    status: int = response_dict["status_code"]
    body = response_dict["body"]
    if status >= 300 or operation_model.has_streaming_output or not isinstance(body, bytes):
        return
    if operation_model.http.get("method") == "HEAD":
        return
    headers = response_dict["headers"]
    promised = headers.get("Content-Length")
    if promised and promised.isdigit() and not headers.get("Content-Encoding") and int(promised) > len(body):
        raise ResponseParserError(f"{len(body)} of {promised} bytes came before the connection broke")
    if not body:
        if _has_body(operation_model.output_shape):
            raise ResponseParserError("the answer is empty")
        return
    if body[:256].lstrip().lower().startswith((b"<!doctype html", b"<html")):
        raise ResponseParserError("the answer is a web page, not the service's")
    if operation_model.service_model.resolved_protocol in _JSON:
        try:
            orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise ResponseParserError(f"the answer is not JSON: {error}") from error


def _has_body(shape: Any) -> bool:
    """Whether an answer of this shape says anything outside the headers."""
    if not isinstance(shape, StructureShape):
        return False
    return any(member.serialization.get("location") is None for member in shape.members.values())
