"""What stands before moto: real paging, and failures on demand.

moto answers most listings whole, whatever page size was asked, never throttles and never denies. This WSGI application
understands each call (account, region, service, operation, resource), strikes it with the fault planned for it, and pages
what moto does not page.
"""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson

from providers.sandbox.aws.aggregator import ConfigAggregator
from providers.sandbox.aws.cloudcontrol import CloudControl
from providers.sandbox.aws.cloudtrail import EventHistory
from providers.sandbox.aws.recorded import recorded, region_of
from providers.sandbox.aws.wire import (
    Answer,
    Asked,
    Environ,
    failure,
    paginator,
    parse,
    serialise,
    take_body,
    understand,
    wire_name,
    without,
)
from providers.sandbox.caller import HEADER
from providers.sandbox.faults import Fault, FaultKind, Faults

CONTROL: Final = "/_sandbox/faults"
TOKEN: Final = "sandbox-page-"
BROKEN: Final = "sandbox-broken"

_HTML: Final = (
    b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head>"
    b"<body><h1>The proxy could not reach the service</h1></body></html>"
)

App = Callable[[Environ, Any], Iterable[bytes]]
StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class Front:
    """The WSGI application. ``page_size`` is the most a listing answers at once."""

    def __init__(
        self, app: App, faults: Faults, *, page_size: int, regions_of: Callable[[str], Mapping[str, str]]
    ) -> None:
        self.cloud_control = CloudControl()
        self.event_history = EventHistory()
        self.aggregator = ConfigAggregator()
        self._app = app
        self._faults = faults
        self._page_size = page_size
        self._buckets = regions_of
        self._closing = threading.Event()
        self._ends: dict[str, datetime] = {}
        self.ahead = timedelta()
        """How far the sandbox's clock is ahead of the machine's. Sessions end by it, as they do at AWS."""
        self._lock = threading.Lock()
        self.calls: dict[str, int] = {}
        """How often each ``service:Operation`` was called; for tests and for the curious."""

    def release(self) -> None:
        """Let every call that hangs on purpose go."""
        self._closing.set()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO") == CONTROL:
            return _send(start_response, self._control(environ))
        asked = understand(environ)
        name = f"{asked.call.service}:{asked.call.operation}"
        with self._lock:
            self.calls[name] = self.calls.get(name, 0) + 1
        ends = self._ends.get(asked.access_key)
        if ends is not None and ends <= self._now():
            return _send(start_response, _refusal(asked, FaultKind.EXPIRED))
        fault = self._faults.strike(asked.call)
        if fault is None:
            return _send(start_response, self._answer(environ, asked))
        return self._struck(environ, start_response, asked, fault)

    # Faults

    def _struck(
        self, environ: Environ, start_response: StartResponse, asked: Asked, fault: Fault
    ) -> Iterable[bytes]:
        if fault.kind is FaultKind.SLOW:
            self._closing.wait(fault.delay)
            return _send(start_response, self._answer(environ, asked))
        if fault.kind is FaultKind.TIMEOUT:
            self._hang(environ)
            return _cut(environ, start_response, b"")
        if fault.kind is FaultKind.HTML:
            return _send(start_response, (500, {"Content-Type": "text/html"}, _HTML))
        if fault.kind is FaultKind.RESET:
            return _cut(environ, start_response, self._answer(environ, asked)[2])
        if fault.kind is FaultKind.TRUNCATED:
            answer = self._answer(environ, asked, truncated=True)
            pages = asked.operation is not None and self._paging(asked) is not None
            return _send(start_response, answer) if pages else _cut(environ, start_response, answer[2])
        return _send(start_response, _refusal(asked, fault.kind))

    def _hang(self, environ: Environ) -> None:
        """Say nothing until the caller hangs up or the sandbox closes."""
        connection: socket.socket | None = environ.get("werkzeug.socket")
        while not self._closing.wait(0.05):
            if connection is None:
                continue
            try:
                readable, _, _ = select.select([connection], [], [], 0)
                if readable and not connection.recv(1, socket.MSG_PEEK):
                    return
            except (OSError, ValueError):
                return

    # Paging

    def _paging(self, asked: Asked) -> Mapping[str, Any] | None:
        if asked.operation is None:
            return None
        found = paginator(asked.call.service, asked.call.operation)
        return found if found and isinstance(found["input_token"], str) else None

    def _answer(self, environ: Environ, asked: Asked, *, truncated: bool = False) -> Answer:
        if asked.operation is not None and asked.call.operation == "AssumeRole":
            return self._session(asked, self._moto(environ, asked))
        paging = self._paging(asked)
        if paging is None:
            return self._moto(environ, asked)
        token_name = wire_name(asked, paging["input_token"])
        token = asked.parameters.get(token_name)
        if token == BROKEN:
            return _refusal(asked, FaultKind.ERROR)
        offset = 0
        if isinstance(token, str) and token.startswith(TOKEN):
            offset = int(token.removeprefix(TOKEN))
            without(environ, asked, {token_name})
        limit = self._page_size
        limit_key = paging.get("limit_key")
        if limit_key:
            limit_name = wire_name(asked, limit_key)
            asked_for = asked.parameters.get(limit_name)
            limit = min(limit, int(asked_for)) if asked_for else limit
            if asked.call.operation == "ListBuckets":
                # moto would cut here, and tell nobody that there is more.
                without(environ, asked, {limit_name, token_name})
        answer = self._moto(environ, asked)
        if answer[0] != 200:
            return answer
        result = parse(asked, answer)
        if asked.call.operation == "ListBuckets":
            self._add_regions(asked, result)
        total = _page(result, paging, offset, limit, truncated=truncated)
        changed = offset or truncated or total > limit or asked.call.operation == "ListBuckets"
        return serialise(asked, result) if changed else answer

    def _now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def _session(self, asked: Asked, answer: Answer) -> Answer:
        """Let a session end by the sandbox's clock."""
        if answer[0] != 200:
            return answer
        result = parse(asked, answer)
        given = result["Credentials"]
        given["Expiration"] += self.ahead
        self._ends[given["AccessKeyId"]] = given["Expiration"]
        return serialise(asked, result)

    def _add_regions(self, asked: Asked, result: dict[str, Any]) -> None:
        regions = self._buckets(asked.call.account)
        for bucket in result.get("Buckets", ()):
            bucket["BucketRegion"] = regions.get(bucket["Name"])
            bucket["BucketArn"] = f"arn:aws:s3:::{bucket['Name']}"

    def _moto(self, environ: Environ, asked: Asked) -> Answer:
        for double in (self.cloud_control, self.event_history, self.aggregator):
            own = double.answer(asked)
            if own is not None:
                return own
        head: list[Any] = []

        def start(status: str, headers: list[tuple[str, str]], _: Any = None) -> Callable[[bytes], None]:
            head[:] = [int(status.split(" ", 1)[0]), dict(headers)]
            return lambda _: None

        try:
            body = b"".join(self._app(environ, start))
        except (NotImplementedError, AttributeError):
            # What moto raises for an operation, or a whole service, that it does not know.
            message = f"The sandbox does not do {asked.call.service}:{asked.call.operation or '?'}."
            return failure(asked, 501, "NotImplemented", message)
        answer = (head[0], head[1], body)
        if head[0] < 300:
            self._remember(environ, asked, answer)
        return answer

    def _remember(self, environ: Environ, asked: Asked, answer: Answer) -> None:
        """Tell the event history of a change. What is there from the beginning was made long ago, by nobody."""
        if "HTTP_X_MOTO_ACCOUNT_ID" in environ or asked.operation is None:
            return
        user = environ.get(f"HTTP_{HEADER.upper().replace('-', '_')}", "watchstander")
        done = recorded(asked, answer, user=user, at=self._now())
        if done is not None:
            self.event_history.record(asked.call.account, region_of(asked, self._buckets), done)

    # The control

    def _control(self, environ: Environ) -> Answer:
        body = take_body(environ)
        method = environ["REQUEST_METHOD"]
        headers = {"Content-Type": "application/json"}
        if method == "POST":
            try:
                self._faults.add(_fault(orjson.loads(body)))
            except (orjson.JSONDecodeError, TypeError, ValueError) as error:
                kinds = ", ".join(kind.value for kind in FaultKind)
                message = {"error": f"Not a fault: {error}.", "kinds": kinds}
                return 400, headers, orjson.dumps(message)
        elif method == "DELETE":
            self._faults.clear()
        elif method != "GET":
            return 405, headers, orjson.dumps({"error": "GET lists, POST adds one, DELETE clears."})
        planned = [asdict(fault) for fault in self._faults.planned()]
        return 200, headers, orjson.dumps({"faults": planned})


def _fault(body: Any) -> Fault:
    if not isinstance(body, dict):
        raise TypeError("a fault is an object")
    return Fault(**{**body, "kind": FaultKind(str(body.get("kind")))})


def _page(
    result: dict[str, Any], paging: Mapping[str, Any], offset: int, limit: int, *, truncated: bool
) -> int:
    """Cut ``result`` to one page in place, with the token of the next; returns how many items there are in all."""
    keys = paging["result_key"]
    keys = [keys] if isinstance(keys, str) else keys
    holders = [(_holder(result, key), key.rpartition(".")[2]) for key in keys]
    lists = [(holder, key, holder.get(key) or []) for holder, key in holders if holder is not None]
    total = sum(len(items) for _, _, items in lists)
    end = min(offset + limit, total)
    if truncated:
        end = offset + (end - offset + 1) // 2
    start = 0
    for holder, key, items in lists:
        if items:
            holder[key] = items[max(0, offset - start) : max(0, end - start)]
        start += len(items)
    more = truncated or end < total
    token = BROKEN if truncated else f"{TOKEN}{end}"
    output = str(paging["output_token"]).partition(" ||")[0]
    tokens = _holder(result, output)
    if tokens is not None and (more or offset):
        name = output.rpartition(".")[2]
        tokens.pop(name, None)
        if more:
            tokens[name] = token
        flag = paging.get("more_results")
        if flag:
            (_holder(result, flag) or result)[flag.rpartition(".")[2]] = more
    return total


def _holder(result: dict[str, Any], path: str) -> dict[str, Any] | None:
    """The object in ``result`` that holds the last name of a dotted path."""
    *above, _ = path.split(".")
    found: Any = result
    for key in above:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else None


_JSON_PROTOCOLS: Final = frozenset({"json", "rest-json", "smithy-rpc-v2-cbor"})


def _refusal(asked: Asked, kind: FaultKind) -> Answer:
    """How this service says that it will not."""
    ec2, s3 = asked.protocol == "ec2", asked.call.service == "s3"
    json = asked.protocol in _JSON_PROTOCOLS
    call = asked.call
    if kind is FaultKind.DENIED:
        status, code = 400 if json else 403, "AccessDeniedException" if json else "AccessDenied"
        code = "UnauthorizedOperation" if ec2 else code
        message = (
            f"User: arn:aws:sts::{call.account}:assumed-role/WatchstanderRead/watchstander is not authorized"
            f" to perform this operation ({call.service} {call.operation})"
        )
        return failure(asked, status, code, message)
    if kind is FaultKind.THROTTLED:
        status, code = 503 if ec2 or s3 else 400, "ThrottlingException" if json else "Throttling"
        code = "RequestLimitExceeded" if ec2 else "SlowDown" if s3 else code
        return failure(asked, status, code, "Rate exceeded")
    if kind is FaultKind.EXPIRED:
        code = "ExpiredTokenException" if json else "RequestExpired" if ec2 else "ExpiredToken"
        return failure(
            asked,
            400 if json or s3 or ec2 else 403,
            code,
            "The security token included in the request is expired",
        )
    if kind is FaultKind.SKEWED:
        code = (
            "InvalidSignatureException" if json else "RequestTimeTooSkewed" if s3 else "SignatureDoesNotMatch"
        )
        code = "AuthFailure" if ec2 else code
        message = "Signature expired: 20260301T090000Z is now earlier than 20260301T115500Z (20260301T120000Z - 5 min.)"
        return failure(asked, 401 if ec2 else 400 if json else 403, code, message)
    code = "InternalServerException" if json else "InternalError" if ec2 or s3 else "InternalFailure"
    return failure(asked, 500, code, "We encountered an internal error. Please try again.")


def _send(start_response: StartResponse, answer: Answer) -> Iterable[bytes]:
    status, headers, body = answer
    headers = {k: v for k, v in headers.items() if k.lower() not in ("content-length", "connection")}
    length = [] if status == 204 else [("Content-Length", str(len(body)))]
    start_response(f"{status} Answer", [*headers.items(), *length])
    return [body]


def _cut(environ: Environ, start_response: StartResponse, body: bytes) -> Iterator[bytes]:
    """Half an answer, then the connection breaks."""
    promised = max(len(body), 2)
    start_response("200 OK", [("Content-Length", str(promised)), ("Connection", "close")])
    yield body[: promised // 2]
    connection: socket.socket | None = environ.get("werkzeug.socket")
    if connection is not None:
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return
