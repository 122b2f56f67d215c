"""``import "http"``: closed by default, and open only as far as the host says."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from config.settings import PolicySettings
from policies.engine import Answer, Evaluation, Limits, Module, Program
from policies.engines import Engines
from policies.sentinel import HttpAccess, Options, SentinelResult, compile_policy

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def answer(request: httpx.Request) -> httpx.Response:
    path = request.url.path
    if path == "/json":
        return httpx.Response(
            200, json={"method": request.method, "auth": request.headers.get("authorization", "")}
        )
    if path == "/body":
        return httpx.Response(
            200, content=request.content, headers={"X-Seen": request.headers.get("x-mine", "")}
        )
    if path == "/missing":
        return httpx.Response(404, text="no")
    if path == "/away":
        return httpx.Response(302, headers={"location": "https://evil.example.net/json"})
    if path == "/along":
        return httpx.Response(302, headers={"location": "/json"})
    if path == "/round":
        return httpx.Response(302, headers={"location": "/round"})
    if path == "/large":
        return httpx.Response(200, content=b"x" * 100_000)
    raise httpx.ConnectError("no route", request=request)


def run(
    expression: str,
    handler: Callable[[httpx.Request], httpx.Response] = answer,
    hosts: frozenset[str] = frozenset({"api.example.org", "*.example.com", "local:8443"}),
    **access: Any,
) -> SentinelResult:
    allowed = HttpAccess(hosts=hosts, transport=httpx.MockTransport(handler), **access)
    source = f'import "http"\nimport "json"\nmain = {expression}\n'
    return compile_policy(source, Path("p.sentinel")).evaluate(now=NOW, options=Options(http=allowed))


def test_a_request_to_an_allowed_host() -> None:
    assert run('json.unmarshal(http.get("https://api.example.org/json").body).method').value == "GET"
    assert run('http.get("https://a.example.com/json").status_code').value == 200
    assert run('http.get("https://local:8443/json").status_code').value == 200


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example.net/json",
        "http://api.example.org/json",
        "https://api.example.org.evil.net/json",
        "https://api.example.org:8443/json",
        "https://example.com/json",
        "https://xexample.com/json",
        "file:///etc/passwd",
        "https://api.example.org@evil.example.net/json",
        "https://169.254.169.254/latest",
        "nonsense",
        "https://[::1",
        "",
    ],
)
def test_anything_else_is_refused(url: str) -> None:
    result = run(f'http.get("{url}").status_code')
    assert result.error is not None
    assert "is not allowed" in result.error.message


def test_a_redirect_is_held_to_the_list_too() -> None:
    result = run('http.get("https://api.example.org/away").status_code')
    assert result.error is not None
    assert "evil.example.net" in result.error.message
    assert run('http.get("https://api.example.org/along").status_code').value == 200
    result = run('http.get("https://api.example.org/round").status_code')
    assert result.error is not None
    assert "redirects more than 10 times" in result.error.message


def test_nothing_is_allowed_by_default() -> None:
    assert run('http.get("https://api.example.org/json").status_code', hosts=frozenset()).error is not None


def test_status_codes() -> None:
    result = run('http.get("https://api.example.org/missing").status_code')
    assert result.error is not None
    assert "status 404" in result.error.message
    assert (
        run('http.accept_status_codes([200, 404]).get("https://api.example.org/missing").status_code').value
        == 404
    )


def test_requests_are_built_by_methods() -> None:
    request = 'http.request("https://api.example.org/body").with_header("X-Mine", "v").with_body("hello")'
    assert run(f"http.post({request}).body").value == "hello"
    assert run(f'http.send("PUT", {request}).headers["x-seen"]').value == "v"
    auth = 'http.request("https://api.example.org/json").with_basic_auth("u", "p")'
    assert run(f"json.unmarshal(http.get({auth}).body).auth").value == "Basic dTpw"
    assert run(f"{request}.url").value == "https://api.example.org/body"
    assert run(f'http.get({request}.with_header("A", "b\\n")).body').error is not None


def test_clients() -> None:
    assert run("http.client.timeout").value == 10
    assert run("http.with_timeout(5).with_retries(3).retries").value == 3
    assert run("http.with_timeout(31)").error is not None
    assert run("http.with_retries(11)").error is not None
    assert run("http.without_certificate_verification().certificate_verification").error is not None
    assert (
        run("http.without_certificate_verification().certificate_verification", unverified=True).value
        is False
    )


def test_a_failing_host_is_tried_again_and_then_an_error() -> None:
    seen: list[str] = []
    waited: list[float] = []

    def failing(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.path)
        return httpx.Response(503)

    result = run(
        'http.with_retries(2).get("https://api.example.org/x").status_code', failing, wait=waited.append
    )
    assert result.error is not None
    assert "after 3 attempts" in result.error.message
    assert len(seen) == 3
    assert waited == [1.0, 2.0]
    result = run('http.get("https://api.example.org/broken").status_code')
    assert result.error is not None
    assert "no route" in result.error.message


def test_a_large_answer_is_refused() -> None:
    assert run('length(http.get("https://api.example.org/large").body)').value == 100_000
    result = run('length(http.get("https://api.example.org/large").body)', most_bytes=1000)
    assert result.error is not None
    assert "more than 1000 bytes" in result.error.message


def test_plain_http_is_allowed_by_name_only() -> None:
    assert run('http.get("http://api.example.org/json").status_code').error is not None
    plain = frozenset({"http://api.example.org"})
    assert run('http.get("http://api.example.org/json").status_code', hosts=plain).value == 200
    assert run('http.get("https://api.example.org/json").status_code', hosts=plain).error is not None
    below = frozenset({"http://*.example.org"})
    assert run('http.get("http://api.example.org/json").status_code', hosts=below).value == 200
    assert run('http.get("ftp://api.example.org/json").status_code', hosts=below).error is not None


def test_no_header_goes_along_to_another_host() -> None:
    seen: list[httpx.Headers] = []

    def moving(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers)
        if request.url.host == "a.example.com":
            return httpx.Response(302, headers={"location": "https://api.example.org/there"})
        return httpx.Response(200)

    request = 'http.request("https://a.example.com/here").with_header("X-Token", "secret")'
    assert run(f"http.get({request}).status_code", moving).value == 200
    assert [headers.get("x-token") for headers in seen] == ["secret", None]


class Trickle(BaseHTTPRequestHandler):
    """Answers ``/quick`` at once, and everything else a byte at a time until it is told to stop."""

    stop: threading.Event

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000000" if self.path != "/quick" else "2")
        self.end_headers()
        if self.path == "/quick":
            self.wfile.write(b"ok")
            return
        with contextlib.suppress(OSError):
            while not self.stop.wait(0.02):
                self.wfile.write(b"x")
                self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


@pytest.fixture
def trickling() -> Iterator[str]:
    handler = type("Handler", (Trickle,), {"stop": threading.Event()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"127.0.0.1:{server.server_address[1]}"
    handler.stop.set()
    server.shutdown()
    server.server_close()
    thread.join()


def judged(text: str, hosts: tuple[str, ...], folder: Path, seconds: float = 0.3) -> Answer:
    settings = PolicySettings(http_hosts=hosts, packs=())
    path = folder / "p.sentinel"
    module = Module(path=path, text=text)
    with contextlib.closing(Engines.configured(settings, Limits(seconds=seconds))) as engine:
        (checked,) = engine.check([module]).raise_first().modules
        assert checked.reads_clock, "what a server says is of its moment"
        program = Program(modules=((str(path), text, False),), data=b"{}", digest=b"d")
        evaluation = Evaluation(program=program, entrypoints=("data.sentinel.p.allow",), input=b"{}", now=NOW)
        (answer,) = engine.evaluate([evaluation])
    return answer


def test_the_configuration_opens_it(trickling: str, tmp_path: Path) -> None:
    text = f'import "http"\nmain = http.get("http://{trickling}/quick").body is "ok"\n'
    assert judged(text, (f"http://{trickling}",), tmp_path, seconds=5).failure is None
    refused = judged(text, ("api.example.org",), tmp_path).failure
    assert refused is not None
    assert "is not among the allowed hosts" in refused.cause


def test_an_answer_that_never_ends_is_given_up(trickling: str, tmp_path: Path) -> None:
    text = f'import "http"\nmain = http.get("http://{trickling}/slow").status_code is 200\n'
    failure = judged(text, (f"http://{trickling}",), tmp_path).failure
    assert failure is not None
    assert "longer than" in failure.cause or "no whole answer" in failure.cause


@pytest.mark.parametrize("host", ["https://a.example", "a.example/path", "A.example", "", "*", "a:0"])
def test_what_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(ValidationError, match="is no host"):
        PolicySettings(http_hosts=(host,))
