"""``import "http"``: only for policies that the host gives an :class:`HttpAccess`, and only to what it names.

The host's list holds for the first request and for every redirect; the time a request may take counts against the
evaluation's budget.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from policies.sentinel.functions import a_list, function, integer, text
from policies.sentinel.run import ImportMap, Run
from policies.sentinel.values import Fault, Value, a_kind, text_of

MOST_TIMEOUT: Final = 30
MOST_RETRIES: Final = 10
MOST_REDIRECTS: Final = 10
_PLAIN: Final = "http://"
_PORTS: Final = {"https": 443, "http": 80}
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAccess:
    """What a policy may reach. ``hosts`` are names, ``*.example.org`` for all below one, ``name:port`` for a port other
    than the scheme's own; ``http://name`` is reached without TLS. Nothing is reachable by default."""

    hosts: frozenset[str] = frozenset()
    unverified: bool = False
    """Whether ``without_certificate_verification`` is obeyed rather than refused."""
    most_bytes: int = 4 * 1024 * 1024
    """Of one response."""
    wait: Callable[[float], None] | None = None
    """Waits the given seconds between retries; none are waited where None."""
    transport: Any = None
    """An ``httpx`` transport to use instead of the network's."""

    def refusal(self, url: str) -> str | None:
        """Why a URL is not reachable; None where it is."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            return "it is not a URL"
        host = (parts.hostname or "").lower()
        if parts.scheme not in _PORTS:
            return f'"{parts.scheme}" is not a scheme that is ever allowed'
        name = host if port in (None, _PORTS[parts.scheme]) else f"{host}:{port}"
        start = _PLAIN if parts.scheme == "http" else ""
        if start + name in self.hosts:
            return None
        for allowed in self.hosts:
            if allowed.startswith(f"{start}*.") and name.endswith(allowed[len(start) + 1 :]):
                return None
        return f'"{start}{name}" is not among the allowed hosts'


_Answer = tuple[int, Mapping[str, str], bytes]
"""Status, headers and body."""


@dataclass(frozen=True, slots=True)
class _Client:
    timeout: int = 10
    retries: int = 1
    verify: bool = True
    accepted: tuple[int, ...] = (200,)


@dataclass(frozen=True, slots=True)
class _Request:
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


def _request_object(request: _Request) -> ImportMap:
    headers = {
        name.encode(): value.encode("utf-8", "surrogateescape") for name, value in request.headers.items()
    }
    data = {"url": request.url.encode("utf-8", "surrogateescape"), "headers": headers, "body": request.body}

    def with_header(_run: Run, name: Value, value: Value) -> Value:
        return _request_object(replace(request, headers={**request.headers, _plain(name): _plain(value)}))

    def with_basic_auth(_run: Run, user: Value, word: Value) -> Value:
        pair = base64.b64encode(text(user, "the user") + b":" + text(word, "the password")).decode()
        return _request_object(
            replace(request, headers={**request.headers, "Authorization": f"Basic {pair}"})
        )

    def with_body(_run: Run, body: Value) -> Value:
        return _request_object(replace(request, body=text(body, "the body")))

    return ImportMap(
        data,
        {
            "with_header": function("with_header", with_header, 2),
            "with_basic_auth": function("with_basic_auth", with_basic_auth, 2),
            "with_body": function("with_body", with_body, 1),
        },
    )


def _plain(value: Value) -> str:
    written = text_of(text(value))
    if not written.isascii() or any(ord(character) < 32 for character in written):
        raise Fault("a header holds printable ASCII only")
    return written


def _read_request(value: Value) -> _Request:
    if isinstance(value, bytes):
        return _Request(text_of(value))
    if isinstance(value, dict) and isinstance(value.get(b"url"), bytes):
        headers = value.get(b"headers")
        given = headers if isinstance(headers, dict) else {}
        body = value.get(b"body")
        return _Request(
            text_of(value[b"url"]),
            {_plain(name): _plain(item) for name, item in given.items()},
            body if isinstance(body, bytes) else b"",
        )
    raise Fault(f"a request is a URL or made by http.request, not {a_kind(value)}")


def _client_methods(client: _Client) -> dict[str, Any]:
    def changed(**changes: Any) -> ImportMap:
        return _client_object(replace(client, **changes))

    def with_timeout(_run: Run, seconds: Value) -> Value:
        if not 0 < integer(seconds) <= MOST_TIMEOUT:
            raise Fault(f"the timeout is 1 to {MOST_TIMEOUT} seconds")
        return changed(timeout=seconds)

    def with_retries(_run: Run, count: Value) -> Value:
        if not 0 <= integer(count) <= MOST_RETRIES:
            raise Fault(f"the number of retries is 0 to {MOST_RETRIES}")
        return changed(retries=count)

    def accept(_run: Run, codes: Value) -> Value:
        return changed(accepted=tuple(integer(code, "a status code") for code in a_list(codes)))

    def unverified(run: Run) -> Value:
        if not _access(run).unverified:
            raise Fault("the host allows no request without verifying the certificate")
        return changed(verify=False)

    def send(method: str) -> Callable[[Run, Value], Value]:
        return lambda run, request: _send(run, client, method, _read_request(request))

    return {
        "get": function("get", send("GET"), 1),
        "post": function("post", send("POST"), 1),
        "send": function(
            "send", lambda run, method, r: _send(run, client, _method(method), _read_request(r)), 2
        ),
        "with_timeout": function("with_timeout", with_timeout, 1),
        "with_retries": function("with_retries", with_retries, 1),
        "accept_status_codes": function("accept_status_codes", accept, 1),
        "without_certificate_verification": function("without_certificate_verification", unverified, 0),
    }


def _method(value: Value) -> str:
    method = text_of(text(value, "the method")).upper()
    if method not in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}:
        raise Fault(f'"{method[:40]}" is not a method')
    return method


def _client_object(client: _Client) -> ImportMap:
    data = {
        "timeout": client.timeout,
        "retries": client.retries,
        "certificate_verification": client.verify,
        "accepted_status_codes": list(client.accepted),
    }
    return ImportMap(data, _client_methods(client))


def _access(run: Run) -> HttpAccess:
    access = run.services.get("http")
    if not isinstance(access, HttpAccess):
        raise Fault('the import "http" is closed: the host allows this policy no requests')
    return access


def _send(run: Run, client: _Client, method: str, request: _Request) -> Value:
    import httpx

    access = _access(run)
    failure = ""
    for attempt in range(client.retries + 1):
        if attempt and access.wait is not None:
            access.wait(min(30.0, 2.0 ** (attempt - 1)))
        run.charge(1024)
        left = run.deadline - run.clock()
        if left <= 0:
            run.refuel()
        most = min(float(client.timeout), left)
        try:
            # The environment may hold a proxy, and a .netrc passwords, that are the host's own and no policy's.
            with httpx.Client(
                verify=client.verify, timeout=most, transport=access.transport, trust_env=False
            ) as session:
                exchange = partial(_follow, session, access, method, request)
                status, headers, body = _within(most, exchange)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            failure = f"{type(error).__name__}: {error}"
            continue
        if status < 500 or status == 501:
            break
        failure = f"status {status}"
    else:
        raise Fault(f"{request.url} did not answer after {client.retries + 1} attempts: {failure}")
    if status not in client.accepted:
        raise Fault(f"{request.url} answered with status {status}, which is not accepted")
    run.hold_string(len(body))
    found = {name.encode(): value.encode("utf-8", "surrogateescape") for name, value in headers.items()}
    return ImportMap({"status_code": status, "headers": found, "body": body}, {})


def _within(seconds: float, exchange: Callable[[], _Answer]) -> _Answer:
    """The outcome of an exchange that ends in time. The client's own limit is for each read of the connection, so that a server which
    sends a byte now and then would be waited for without end. Raises ReadTimeout; the thread of a late one ends with its client."""
    import httpx

    ended: list[_Answer | BaseException] = []

    def work() -> None:
        try:
            ended.append(exchange())
        except BaseException as error:  # noqa: BLE001 - carried to the waiting thread below, whatever it is
            ended.append(error)

    thread = threading.Thread(target=work, name="sentinel-http", daemon=True)
    thread.start()
    thread.join(seconds)
    if not ended:
        raise httpx.ReadTimeout(f"no whole answer within {seconds:.1f} s")
    (outcome,) = ended
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


def _follow(session: Any, access: HttpAccess, method: str, request: _Request) -> _Answer:
    url, headers, body = request.url, dict(request.headers), request.body
    for _ in range(MOST_REDIRECTS + 1):
        refusal = access.refusal(url)
        if refusal is not None:
            raise Fault(f"{url} is not allowed: {refusal}")
        with session.stream(method, url, headers=headers, content=body or None) as answer:
            target = answer.headers.get("location") if answer.status_code in _REDIRECTS else None
            if target is None:
                return answer.status_code, dict(answer.headers), _limited(answer, access.most_bytes)
        following = urljoin(url, target)
        if urlsplit(following)[:2] != urlsplit(url)[:2]:
            headers = {}  # they were meant for the first host, and any of them may be a credential
        if answer.status_code in {301, 302, 303} and method != "HEAD":
            method, body = "GET", b""
        url = following
    raise Fault(f"{request.url} redirects more than {MOST_REDIRECTS} times")


def _limited(answer: Any, most: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    for part in answer.iter_bytes():
        size += len(part)
        if size > most:
            raise Fault(f"the answer has more than {most} bytes")
        parts.append(part)
    return b"".join(parts)


def members() -> Mapping[str, Any]:
    """The functions of the import: those of the default client, and ``request``."""
    return {
        **_client_methods(_Client()),
        "client": lambda _run: _client_object(_Client()),
        "request": function("request", lambda _run, url: _request_object(_Request(text_of(text(url)))), 1),
    }
