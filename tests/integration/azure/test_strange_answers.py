"""Answers no service should give, credentials that do not work, many threads: said clearly, never taken for absence."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from config.clouds import AzureSettings
from providers.azure.credentials import credential_of
from providers.azure.names import parse, ref_of
from providers.azure.provider import AzureProvider
from providers.azure.session import LONGEST_WAIT
from providers.errors import Expired, Gone, ProviderError, Refused
from providers.provider import Selection
from providers.resource import ANY, CoverageStatus, Scope
from providers.sandbox.azure import AzureEmulator
from providers.sandbox.azure.estate import DEVELOPMENT, PRODUCTION

SCOPE = Scope("azure", "s1", ANY, ANY)
ACCOUNT = ref_of(parse("/subscriptions/s1/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a"))
Answer = tuple[int, dict[str, str], bytes]
Serve = Callable[[Answer], AzureProvider]
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def asked() -> list[str]:
    """The paths a strange server was asked for."""
    return []


@pytest.fixture
def serve(asked: list[str]) -> Iterator[Serve]:
    """A provider on a server that gives one answer to everything."""
    started: list[tuple[ThreadingHTTPServer, AzureProvider]] = []

    def start(answer: Answer) -> AzureProvider:
        class Handler(BaseHTTPRequestHandler):
            def reply(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                asked.append(self.path)
                status, headers, body = answer
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PATCH = reply  # noqa: N815 - the base class names them so

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        settings = AzureSettings(endpoint=f"http://127.0.0.1:{server.server_address[1]}", credential="static")
        provider = AzureProvider(settings, clock=lambda: datetime.now(UTC), sleep=lambda _s: None)
        started.append((server, provider))
        return provider

    yield start
    for server, provider in started:
        provider.close()
        server.shutdown()
        server.server_close()


def page(data: Any, **more: Any) -> bytes:
    return json.dumps(
        {"totalRecords": 0, "count": 0, "resultTruncated": "false", "data": data, **more}
    ).encode()


ROW = {"id": ACCOUNT.uid, "type": ACCOUNT.type, "name": "a", "properties": {}}
STRANGE: dict[str, Answer] = {
    "html with 200": (200, {"Content-Type": "text/html"}, b"<html>welcome to the hotel network</html>"),
    "html called json": (200, JSON, b"<html>"),
    "half a document": (200, JSON, b'{"data": [{"id": "/subscr'),
    "a list": (200, JSON, b"[]"),
    "an empty object": (200, JSON, b"{}"),
    "nothing": (200, JSON, b""),
    "null": (200, JSON, b"null"),
    "not utf-8": (200, JSON, b'{"data": "\xff\xfe"}'),
    "data that is a number": (200, JSON, page(5)),
    "data that is text": (200, JSON, page("abc")),
    "rows that are numbers": (200, JSON, page([1, 2])),
    "rows without an id": (200, JSON, page([{"name": "x"}], totalRecords=1)),
    "a table without columns": (200, JSON, page({"rows": [[1]]})),
    "a total that is a word": (200, JSON, page([], totalRecords="many")),
    "fewer rows than promised": (200, JSON, page([ROW], totalRecords=7)),
    "an answer cut without a token": (200, JSON, page([ROW], totalRecords=1, resultTruncated="true")),
    "the same page for ever": (200, JSON, page([ROW], totalRecords=9, **{"$skipToken": "again"})),
    "a redirect in a circle": (302, {"Location": "/again"}, b""),
    "gone, says a proxy": (404, {"Content-Type": "text/html"}, b"<html>404</html>"),
    "no content": (204, {}, b""),
    "an error that is no object": (500, JSON, b'"boom"'),
}


@pytest.mark.parametrize("name", STRANGE)
def test_a_strange_answer_is_no_complete_reading(serve: Serve, name: str) -> None:
    reading = serve(STRANGE[name]).read(SCOPE)
    resources = list(reading)
    assert not reading.coverage.complete
    assert reading.coverage.status in (CoverageStatus.UNAVAILABLE, CoverageStatus.PARTIAL)
    assert reading.coverage.read == len(resources)
    assert reading.coverage.cause
    assert len(reading.coverage.cause) < 800


@pytest.mark.parametrize("name", STRANGE)
def test_a_strange_answer_proves_no_absence_and_discovers_nothing(serve: Serve, name: str) -> None:
    provider = serve(STRANGE[name])
    with pytest.raises(ProviderError) as caught:
        provider.reread(ACCOUNT)
    assert not isinstance(caught.value, Gone)
    with pytest.raises(ProviderError):
        provider.discover(Selection())


def test_a_wait_that_is_too_long_is_not_waited_for(serve: Serve, asked: list[str]) -> None:
    body = b'{"error": {"code": "TooManyRequests", "message": "later"}}'
    reading = serve((429, {**JSON, "Retry-After": str(int(LONGEST_WAIT) + 1)}, body)).read(SCOPE)
    assert list(reading) == []
    assert reading.coverage.status is CoverageStatus.THROTTLED
    assert len(asked) == 1


def test_nobody_there_is_unavailable() -> None:
    settings = AzureSettings(endpoint="http://127.0.0.1:9", credential="static")
    provider = AzureProvider(settings, clock=lambda: datetime.now(UTC), sleep=lambda _s: None)
    reading = provider.read(SCOPE)
    assert list(reading) == []
    provider.close()
    assert reading.coverage.status is CoverageStatus.UNAVAILABLE


def test_a_credential_that_gives_no_token_is_expired(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")  # no `az` to ask
    settings = AzureSettings(endpoint="https://127.0.0.1:9", credential="cli")
    provider = AzureProvider(settings, clock=lambda: datetime.now(UTC), sleep=lambda _s: None)
    reading = provider.read(SCOPE)
    assert list(reading) == []
    assert reading.coverage.status is CoverageStatus.EXPIRED
    with pytest.raises(Expired, match="no token could be had"):
        provider.discover(Selection())
    provider.close()


@pytest.mark.parametrize("kind", ["default", "managed-identity", "cli"])
def test_credentials_are_made_without_a_call(kind: str) -> None:
    credential = credential_of(AzureSettings.model_validate({"credential": kind, "client_id": "c"}))
    assert callable(credential.get_token)
    close = getattr(credential, "close", None)
    if close is not None:
        close()


def test_a_service_principal_needs_all_three_and_its_secret_is_read_late() -> None:
    with pytest.raises(Refused, match="needs tenant_id, client_id and client_secret"):
        credential_of(AzureSettings(credential="client-secret", tenant_id="t"), lambda _reference: "x")
    read: list[str] = []
    settings = AzureSettings.model_validate(
        {
            "credential": "client-secret",
            "tenant_id": "t",
            "client_id": "c",
            "client_secret": "env:AZ",
            "cloud": "government",
        }
    )
    with pytest.raises(Refused, match="nobody resolves secrets"):
        credential_of(settings)
    credential = credential_of(settings, lambda reference: read.append(str(reference)) or "secret")
    assert read == ["env:AZ"]
    assert callable(credential.get_token)


def test_a_workload_identity_outside_a_cluster_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(Refused, match=r"azure\.credential"):
        credential_of(AzureSettings(credential="workload-identity"))


def test_a_real_credential_is_not_sent_over_plain_http() -> None:
    with pytest.raises(Refused, match="plain http"):
        AzureProvider(AzureSettings(endpoint="http://127.0.0.1:9"), clock=lambda: datetime.now(UTC))


@pytest.mark.parametrize(
    ("cloud", "host"),
    [
        ("public", "https://management.azure.com"),
        ("government", "https://management.usgovcloudapi.net"),
        ("china", "https://management.chinacloudapi.cn"),
    ],
)
def test_each_cloud_has_its_own_address(cloud: str, host: str) -> None:
    settings = AzureSettings.model_validate({"cloud": cloud, "credential": "static"})
    provider = AzureProvider(settings, clock=lambda: datetime.now(UTC))
    assert provider._session.base_url == host
    provider.close()


def test_many_threads_read_what_one_reads(
    make: Callable[..., AzureProvider], emulator: AzureEmulator
) -> None:
    provider = make()
    scopes = [Scope("azure", account, ANY, ANY) for account in (PRODUCTION, DEVELOPMENT)] * 4
    with ThreadPoolExecutor(8) as pool:
        readings = list(
            pool.map(lambda scope: (lambda r: (list(r), r.coverage))(provider.read(scope)), scopes)
        )
    assert [(c.complete, c.read) for _, c in readings] == [(True, 47), (True, 46)] * 4
    assert all(readings[i][0] == readings[i % 2][0] for i in range(8))
