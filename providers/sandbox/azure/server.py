"""The emulated Azure on a port of this machine: HTTP, bearer tokens, faults.

Nothing here is a shortcut for our own provider: the real SDK clients talk to it, and so can ``az rest``. It binds to
127.0.0.1 only. Faults are given by :class:`~providers.sandbox.faults.Faults` or over HTTP at ``/_sandbox/faults``.
"""

from __future__ import annotations

import threading
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson

from config.clouds import AzureSettings
from providers.sandbox.azure import estate, queues
from providers.sandbox.azure.arm import ArmError, ArmStore, Caller
from providers.sandbox.azure.queues import Queue, QueueError
from providers.sandbox.azure.routes import API_CALLER, Answer, Api, Request, denied
from providers.sandbox.caller import HEADER
from providers.sandbox.faults import Call, Fault, FaultKind, Faults
from providers.sandbox.http import LocalHandler, LocalServer

MAX_BODY = 4 * 2**20
"""ARM itself refuses larger requests."""


class AzureEmulator:
    """Azure Resource Manager and Resource Graph on this machine.

    ``clock`` says what time its change records bear; ``seed`` fills it with the estate of :mod:`.estate`. Start it, use
    :attr:`endpoint` or :meth:`settings`, close it; or use it as a context manager.
    """

    def __init__(
        self, *, faults: Faults | None = None, seed: bool = True, clock: Callable[[], datetime] | None = None
    ) -> None:
        self.faults = faults if faults is not None else Faults()
        self.clock = clock or (lambda: datetime.now(UTC))
        self.store = ArmStore(self.clock)
        self.api = Api(self.store, self.clock)
        self.calls: deque[tuple[str, str]] = deque(maxlen=10_000)
        """The latest calls, as (method, path with query); for tests and for the curious."""
        self.closing = threading.Event()
        self._server: _Server | None = None
        if seed:
            estate.seed(self.store)
        self.queue = Queue(self.clock)
        self.store.told = self.queue.tell

    def start(self) -> Self:
        """Listen on a free port."""
        self._server = _Server(self)
        self._server.start()
        return self

    def close(self) -> None:
        """Stop listening and drop every connection."""
        self.closing.set()
        if self._server is not None:
            self._server.close()
            self._server = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def endpoint(self) -> str:
        """``http://127.0.0.1:port``."""
        if self._server is None:
            raise RuntimeError("the emulator has not been started")
        return self._server.url

    @property
    def queue_url(self) -> str:
        """Where changes are told."""
        return f"{self.endpoint}/queues/{queues.NAME}"

    def settings(self, **overrides: Any) -> AzureSettings:
        """Settings that point a provider here."""
        return AzureSettings.model_validate({"endpoint": self.endpoint, "credential": "static", **overrides})

    def answer(self, request: Request) -> Answer:
        """One call, faults apart. Never raises for what a caller may send."""
        try:
            return self.api.answer(request)
        except ArmError as error:
            return _error(error)


def _error(error: ArmError) -> Answer:
    headers = {"Retry-After": str(error.retry_after)} if error.retry_after is not None else {}
    return Answer(error.status, error.document(), headers)


class _Server(LocalServer):
    def __init__(self, emulator: AzureEmulator) -> None:
        self.emulator = emulator
        super().__init__(_Handler, "azure-emulator")


class _Handler(LocalHandler):
    METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")

    @property
    def _emulator(self) -> AzureEmulator:
        assert isinstance(self.server, _Server)
        return self.server.emulator

    def now(self) -> datetime:
        """The time in the emulated cloud."""
        return self._emulator.clock()

    def serve(self) -> None:
        """One call: of the management API, of the queue, or to plan a fault."""
        try:
            length = int(self.headers.get("Content-Length") or 0)
        except ValueError:
            length = -1
        if not 0 <= length <= MAX_BODY:
            self.close_connection = True
            self._send(
                _error(ArmError(413, "RequestContentTooLarge", "The request content size exceeds the limit."))
            )
            return
        raw = self.rfile.read(length)
        split = urlsplit(self.path)
        path = unquote(split.path).replace("//", "/")
        if path == "/_sandbox/faults":
            self._send(self._faults(raw))
            return
        self._emulator.calls.append((self.command, self.path))
        if path.startswith("/queues/"):
            self._queue(path, {k.lower(): v for k, v in parse_qsl(split.query)})
            return
        try:
            body = orjson.loads(raw) if raw else None
        except orjson.JSONDecodeError:
            self._send(
                _error(ArmError(400, "InvalidRequestContent", "The request content is not valid JSON."))
            )
            return
        authorization = self.headers.get("Authorization", "")
        if not authorization.startswith("Bearer "):
            error = ArmError(
                401, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing."
            )
            self._send(_error(error))
            return
        query = {k.lower(): v for k, v in parse_qsl(split.query, keep_blank_values=True)}
        request = Request(
            method=self.command,
            path=path,
            query=query,
            body=body,
            base=self._emulator.endpoint,
            tenant=authorization.partition("watchstander-sandbox:")[2] or None,
            caller=Caller(name=name) if (name := self.headers.get(HEADER)) else API_CALLER,
        )
        # A query over several subscriptions fails as a whole where one of them does.
        fault = next(filter(None, map(self._emulator.faults.strike, calls_of(request))), None)
        if fault is None:
            self._send(self._emulator.answer(request))
        else:
            self._struck(fault, request)

    def _queue(self, path: str, query: dict[str, str]) -> None:
        """One call of the storage queue, which answers in XML."""
        signed = "SharedKey " in self.headers.get("Authorization", "")
        fault = self._emulator.faults.strike(
            Call(service="queue", operation=self.command, resource=path.split("/")[2])
        )
        try:
            if fault is None:
                status, body = self._emulator.queue.answer(self.command, path, query, signed=signed)
            else:
                self.strikes(fault.kind)
                status, body = queues.broken(fault.kind)
        except QueueError as error:
            headers = {"Content-Type": "application/xml", "x-ms-error-code": error.code}
            self._write(error.status, error.document(), headers)
        else:
            self._write(status, body, {"Content-Type": "application/xml"})

    def _struck(self, fault: Fault, request: Request) -> None:
        kind = fault.kind
        if kind in (FaultKind.SLOW, FaultKind.TIMEOUT):
            self._emulator.closing.wait(fault.delay)
            if kind is FaultKind.TIMEOUT:
                self.close_connection = True
            else:
                self._send(self._emulator.answer(request))
        elif kind is FaultKind.HTML:
            page = b"<html><head><title>502 Bad Gateway</title></head><body>proxy error</body></html>"
            self._write(500, page, {"Content-Type": "text/html"})
        elif kind is FaultKind.RESET:
            self.close_connection = True
            answer = self._emulator.answer(request)
            data = orjson.dumps(answer.body)
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data) + 100))
            self.end_headers()
            self.wfile.write(data[: len(data) // 2])
        elif kind is FaultKind.TRUNCATED:
            options = request.body.get("options") if isinstance(request.body, dict) else None
            if "$skiptoken" in request.query or (isinstance(options, dict) and options.get("$skipToken")):
                self._send(_error(ArmError(500, "InternalServerError", "Encountered internal server error.")))
            else:
                self._send(self._emulator.answer(replace(request, half=True)))
        else:
            self.strikes(kind)
            self._send(_error(_fault_error(kind, request)))

    def _faults(self, raw: bytes) -> Answer:
        faults = self._emulator.faults
        if self.command == "DELETE":
            faults.clear()
        elif self.command == "POST":
            try:
                given = orjson.loads(raw)
                faults.add(Fault(**{**given, "kind": FaultKind(given["kind"])}))
            except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
                return Answer(400, {"error": f"not a fault: {error}"})
        return Answer(200, {"faults": [asdict(fault) for fault in faults.planned()]})

    def _send(self, answer: Answer) -> None:
        data = b"" if answer.body is None else orjson.dumps(answer.body)
        self._write(
            answer.status, data, {"Content-Type": "application/json; charset=utf-8", **answer.headers}
        )

    def _write(self, status: int, data: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("x-ms-request-id", str(uuid.uuid4()))
        if status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD" and status != 204:
            self.wfile.write(data)
        self.wfile.flush()


def _fault_error(kind: FaultKind, request: Request) -> ArmError:
    if kind is FaultKind.DENIED:
        return denied(request)
    if kind is FaultKind.THROTTLED:
        return ArmError(
            429,
            "TooManyRequests",
            "The request is being throttled as the limit has been reached.",
            retry_after=1,
        )
    if kind in (FaultKind.EXPIRED, FaultKind.SKEWED):
        # A clock that is behind takes an old token for a good one.
        return ArmError(
            401,
            "ExpiredAuthenticationToken",
            "The access token expiry UTC time is earlier than current UTC time.",
        )
    return ArmError(500, "InternalServerError", "Encountered internal server error.")


def calls_of(request: Request) -> list[Call]:
    """A call as fault plans name it: the subscription, the namespace (or ``resourcegraph``), the method, the path; once for
    each subscription it asks."""
    parts = [p.lower() for p in request.parts]
    if parts == ["providers", "microsoft.resourcegraph", "resources"]:
        body = request.body if isinstance(request.body, dict) else {}
        asked = body.get("subscriptions") or []
        table = str(body.get("query", "")).partition("|")[0].strip()
        return [
            Call(account=str(account), service="resourcegraph", operation=request.method, resource=table)
            for account in (asked if isinstance(asked, list) and asked else [""])
        ]
    account = request.parts[1] if len(parts) > 1 and parts[0] == "subscriptions" else ""
    if parts[1:3] == ["microsoft.management", "managementgroups"] and len(parts) > 3:
        account = f"managementgroups/{parts[3]}"
    at = len(parts) - 1 - parts[::-1].index("providers") if "providers" in parts else -1
    service = parts[at + 1] if 0 <= at < len(parts) - 1 else "microsoft.resources"
    return [Call(account=account, service=service, operation=request.method, resource=request.path)]
