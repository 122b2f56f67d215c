"""An OPA server's REST API over regorus: what :class:`policies.rego.rest.OpaServerEngine` relies on, and ways to break it.

Statuses and bodies are those of OPA 1.x: 400 with ``errors`` and their locations for a module that does not compile, 500 for
an evaluation that fails (with ``strict-builtin-errors``), no ``result`` for what is undefined.
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections import deque
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson
import regorus

from policies.engine import Module
from policies.errors import PolicyError
from policies.rego import builtins
from policies.rego.inspect import bad_calls, inspect, recursion
from policies.rego.worker import describe

Fault = Callable[["Handler"], bool]
"""Handles a request in its own way; False lets it be served."""
PLACE = re.compile(r"^(?P<file>.*?):(?P<row>\d+):(?P<col>\d+): (?P<what>.*)$", re.DOTALL)


class OpaDouble:
    """The server. ``faults`` are used up by requests in order; ``log`` has (method, path) of each."""

    def __init__(self) -> None:
        self.policies: dict[str, str] = {}
        self.version = "1.20.0"
        self.revision = 0
        self.faults: deque[Fault] = deque()
        self.log: list[tuple[str, str]] = []
        self.let_go = threading.Event()
        """Ends every request that hangs."""
        self.lock = threading.Lock()
        self._start(0)

    def _start(self, port: int) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self._server.double = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def forget(self) -> None:
        """As a restart does: no policies."""
        with self.lock:
            self.policies.clear()
            self.revision += 1

    def close(self) -> None:
        if self.let_go.is_set():
            return
        self.let_go.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextlib.contextmanager
def opa_double() -> Iterator[OpaDouble]:
    double = OpaDouble()
    try:
        yield double
    finally:
        double.close()


def drop(handler: Handler) -> bool:
    """The connection ends without an answer."""
    handler.close_connection = True
    handler.connection.close()
    return True


def hang(handler: Handler) -> bool:
    """No answer as long as the test lasts."""
    handler.double.let_go.wait(30)
    return drop(handler)


def status(code: int, body: bytes = b"<html>proxy</html>") -> Fault:
    """An answer that is not OPA's."""

    def fault(handler: Handler) -> bool:
        handler.reply(code, body)
        return True

    return fault


def forget(handler: Handler) -> bool:
    """The server has been restarted just before this request."""
    handler.double.forget()
    return False


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one segment: the second of two waits 40 ms to be acknowledged
    local = threading.local()

    @property
    def double(self) -> OpaDouble:
        return self.server.double  # type: ignore[attr-defined,no-any-return]

    def log_message(self, *_: Any) -> None:
        """Silent."""

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError, ValueError):
            super().handle()

    def reply(self, code: int, body: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def say(self, code: int, value: Any) -> None:
        self.reply(code, orjson.dumps(value))

    def _serve(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(size)
        path = unquote(urlsplit(self.path).path)
        self.double.log.append((self.command, path))
        if self.double.let_go.is_set():
            drop(self)
            return
        fault = self.double.faults.popleft() if self.double.faults else None
        if fault is not None and fault(self):
            return
        if path.startswith("/v1/policies"):
            self._policies(path.removeprefix("/v1/policies").strip("/"), body)
        elif path == "/v1/data/system/version":
            self.say(200, {"result": {"version": self.double.version}})
        elif path.startswith("/v1/data/") and self.command == "POST":
            self._evaluate(path.removeprefix("/v1/"), body)
        else:
            self.say(404, {"code": "resource_not_found", "message": f"no {path}"})

    do_GET = do_PUT = do_POST = do_DELETE = _serve  # noqa: N815 - the base class calls them so

    def _policies(self, name: str, body: bytes) -> None:
        double = self.double
        with double.lock:
            if self.command == "GET":
                self.say(200, {"result": [{"id": i, "raw": t} for i, t in double.policies.items()]})
            elif self.command == "DELETE":
                known = double.policies.pop(name, None)
                double.revision += 1
                self.say(200 if known is not None else 404, {} if known else {"code": "resource_not_found"})
            else:
                errors = compile_errors({**double.policies, name: body.decode()}, name)
                if errors:
                    message = "error(s) occurred while compiling module(s)"
                    self.say(400, {"code": "invalid_parameter", "message": message, "errors": errors})
                    return
                double.policies[name] = body.decode()
                double.revision += 1
                self.say(200, {})

    def _evaluate(self, reference: str, body: bytes) -> None:
        try:
            given = orjson.loads(body)["input"]
        except (orjson.JSONDecodeError, KeyError) as error:
            message = f"body contains malformed input document: {error}"
            self.say(400, {"code": "invalid_parameter", "message": message})
            return
        engine = self._engine()
        try:
            # Numbers of any size pass through as they came.
            engine.set_input_json(body[len(b'{"input":') : -1].decode())
            found = orjson.loads(engine.eval_query_as_json(reference.replace("/", "."))).get("result") or []
        except RuntimeError as error:
            self.say(500, failed(describe(error)))
            return
        del given
        self.say(200, {"result": found[0]["expressions"][0]["value"]} if found else {})

    def _engine(self) -> Any:
        """regorus must stay in its thread; each connection has one."""
        with self.double.lock:
            held = getattr(self.local, "held", None)
            if held is None or held[:2] != (id(self.double), self.double.revision):
                held = (id(self.double), self.double.revision, engine_of(self.double.policies))
                self.local.held = held
        return held[2]


def engine_of(policies: dict[str, str]) -> Any:
    engine = regorus.Engine()
    for name, (arity, function) in builtins.ADDED.items():
        engine.add_extension(name, arity, function)
    for name, text in policies.items():
        engine.set_rego_v0(is_v0(text))
        engine.add_policy(name, text)
    return engine


def is_v0(text: str) -> bool:
    """OPA has one syntax for all (``--v0-compatible``); the double takes either."""
    engine = regorus.Engine()
    engine.set_rego_v0(False)
    try:
        engine.add_policy("p", text)
    except RuntimeError:
        return True
    return False


def compile_errors(policies: dict[str, str], name: str) -> list[dict[str, Any]]:
    """What OPA says at PUT; it compiles everything together."""
    try:
        engine_of({name: policies[name]})
        text = policies[name]
        alone = regorus.Engine()
        alone.set_rego_v0(is_v0(text))
        alone.add_policy(name, text)
        found = inspect(Module(path=Path(name), text=text), is_v0(text), alone.get_ast_as_json())
        assert not isinstance(found, PolicyError)
        calls = [e for e in bad_calls([found[0]]) if not text.startswith("package watchstander.")]
        wrong = [*calls, *recursion([found[0]])]
        if wrong:
            return [located(f"{error.position}: {error.what}", "rego_type_error") for error in wrong]
        engine = engine_of(policies)
        engine.set_input_json("{}")
        engine.eval_query_as_json("true")
    except RuntimeError as error:
        return [located(describe(error), "rego_compile_error")]
    return []


def failed(text: str) -> dict[str, Any]:
    errors = [located(text, "eval_builtin_error")]
    message = "error(s) occurred while evaluating query"
    return {"code": "internal_error", "message": message, "errors": errors}


def located(text: str, code: str) -> dict[str, Any]:
    match = PLACE.match(text)
    if match is None:
        return {"code": code, "message": text}
    place = {"file": match["file"], "row": int(match["row"]), "col": int(match["col"])}
    return {"code": code, "message": match["what"], "location": place}
