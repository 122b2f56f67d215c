"""The emulated Google Cloud's HTTP face: REST answers, error bodies, faults, and ``/_sandbox/faults``."""

from __future__ import annotations

import threading
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

import orjson

from providers.sandbox.caller import HEADER
from providers.sandbox.faults import Call, Fault, FaultKind, Faults
from providers.sandbox.gcp.grpc_server import fault_error
from providers.sandbox.gcp.routes import API_CALLER, Api, Request
from providers.sandbox.gcp.store import GcpError
from providers.sandbox.http import LocalHandler, LocalServer

MAX_BODY: Final = 4 * 2**20
HTML: Final = (
    b"<!DOCTYPE html><html><head><title>Error 500</title></head><body>That's an error.</body></html>"
)
CODES: Final = {
    "INVALID_ARGUMENT": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ABORTED": 409,
    "ALREADY_EXISTS": 409,
    "RESOURCE_EXHAUSTED": 429,
    "INTERNAL": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}


class RestServer(LocalServer):
    """The emulated Google Cloud's REST server."""

    def __init__(self, api: Api, faults: Faults, closing: threading.Event) -> None:
        self.api = api
        self.faults = faults
        self.closing = closing
        self.calls: list[tuple[str, str]] = []
        super().__init__(_Handler, "gcp-emulator")


class _Handler(LocalHandler):
    METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

    @property
    def _rest(self) -> RestServer:
        assert isinstance(self.server, RestServer)
        return self.server

    def now(self) -> datetime:
        """The time in the emulated cloud."""
        return self._rest.api.clock()

    def serve(self) -> None:
        """One call: of a service, or to plan a fault."""
        length = self.headers.get("Content-Length") or "0"
        if not length.isdigit() or int(length) > MAX_BODY:
            self.close_connection = True
            self._fail(GcpError("INVALID_ARGUMENT", "Request payload size exceeds the limit."))
            return
        raw = self.rfile.read(int(length))
        split = urlsplit(self.path)
        path = unquote(split.path)
        if path == "/_sandbox/faults":
            self._plan(raw)
            return
        self._rest.calls.append((self.command, self.path))
        try:
            body = orjson.loads(raw) if raw else None
            request = Request(
                method=self.command,
                path=path,
                query=parse_qs(split.query, keep_blank_values=True),
                body=body,
                base=self._rest.url,
                caller=self.headers.get(HEADER) or API_CALLER,
            )
            call, answer = self._rest.api.route(request)
            fault = self._rest.faults.strike(call)
            if fault is not None and not self._broken(fault, call):
                return
            self._send(200, orjson.dumps(answer(fault)))
        except orjson.JSONDecodeError:
            self._fail(GcpError("INVALID_ARGUMENT", "Invalid JSON payload received."))
        except GcpError as error:
            self._fail(error)

    def _broken(self, fault: Fault, call: Call) -> bool:
        """Answer as the fault says; True where the right answer is still to come."""
        kind = fault.kind
        if kind in (FaultKind.SLOW, FaultKind.TIMEOUT):
            # A caller more patient than the fault hears from the gateway in the end: 504.
            self._rest.closing.wait(fault.delay)
            if kind is FaultKind.SLOW:
                return True
        if kind is FaultKind.TRUNCATED and call.operation == "ListAssets":
            return True
        if kind is FaultKind.HTML:
            self._send(500, HTML, "text/html; charset=utf-8")
            return False
        if kind in (FaultKind.RESET, FaultKind.TRUNCATED):
            # The head promises more than comes.
            self.send_response(200)
            self.send_header("Content-Type", "application/json; charset=UTF-8")
            self.send_header("Content-Length", "4096")
            self.end_headers()
            self.wfile.write(b'{"kind": "')
            self.wfile.flush()
            self.close_connection = True
            return False
        self.strikes(kind)
        raise fault_error(kind, call)

    def _fail(self, error: GcpError) -> None:
        code = CODES.get(error.status, 500)
        if error.reason == "conditionNotMet":
            code = 412
        body: dict[str, Any] = {"code": code, "message": error.message, "status": error.status}
        if error.reason:
            body["errors"] = [{"message": error.message, "domain": "global", "reason": error.reason}]
            body["details"] = [
                {
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                    "reason": error.reason,
                    "domain": "googleapis.com",
                    "metadata": error.metadata,
                }
            ]
        if code == 412:
            del body["status"]
        self._send(code, orjson.dumps({"error": body}))

    def _plan(self, raw: bytes) -> None:
        if self.command == "POST":
            try:
                given = orjson.loads(raw)
                self._rest.faults.add(Fault(**{**given, "kind": FaultKind(given["kind"])}))
            except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
                self._fail(GcpError("INVALID_ARGUMENT", f"Not a fault: {error}"))
                return
        elif self.command == "DELETE":
            self._rest.faults.clear()
        self._send(200, orjson.dumps([asdict(fault) for fault in self._rest.faults.planned()]))

    def _send(self, code: int, body: bytes, kind: str = "application/json; charset=UTF-8") -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
