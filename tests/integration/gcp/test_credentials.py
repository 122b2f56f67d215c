"""google-auth's own classes against an exchange of ours: federation and impersonation, checked as Google would check them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import Request

from config.clouds import GcpSettings
from providers.gcp.credentials import credentials_of

POOL = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/clouds/providers/ours"
FIRST, LAST = "first@p.iam.gserviceaccount.com", "reader@p.iam.gserviceaccount.com"


class Exchange:
    """The token exchange (STS) and the IAM credentials API, on one port."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        self.refuse = False
        exchange = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: Any) -> None:
                """Silent."""

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = self.headers["Content-Type"].startswith("application/x-www-form")
                body = {k: v[0] for k, v in parse_qs(raw).items()} if form else json.loads(raw)
                exchange.asked.append((self.path, self.headers.get("Authorization", ""), body))
                if exchange.refuse:
                    self._send(403, {"error": {"code": 403, "message": "iam.serviceAccounts.getAccessToken"}})
                elif self.path == "/v1/token":
                    answer = {"access_token": "federated", "expires_in": 3600, "token_type": "Bearer"}
                    self._send(200, {**answer, "issued_token_type": body["requested_token_type"]})
                else:
                    until = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
                    self._send(200, {"accessToken": "became", "expireTime": until})

            def _send(self, status: int, body: dict[str, Any]) -> None:
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    made = Exchange()
    yield made
    made.close()


@pytest.fixture
def federated(exchange: Exchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An external account's configuration, as `gcloud iam workload-identity-pools create-cred-config` writes it."""
    (tmp_path / "subject").write_text("of-the-other-cloud")
    configuration = tmp_path / "external.json"
    configuration.write_text(
        json.dumps(
            {
                "type": "external_account",
                "audience": POOL,
                "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
                "token_url": f"{exchange.url}/v1/token",
                "credential_source": {"file": str(tmp_path / "subject")},
            }
        )
    )
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(configuration))
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "security-tools")


@pytest.mark.usefixtures("federated")
def test_another_clouds_token_is_exchanged(exchange: Exchange) -> None:
    credentials, project = credentials_of(GcpSettings(quota_project="quota"))
    credentials.refresh(Request())
    assert (credentials.token, project) == ("federated", "security-tools")
    [(path, _, body)] = exchange.asked
    assert path == "/v1/token"
    assert (body["audience"], body["subject_token"]) == (POOL, "of-the-other-cloud")
    headers: dict[str, str] = {}
    credentials.apply(headers)
    assert headers["x-goog-user-project"] == "quota"


@pytest.mark.usefixtures("federated")
def test_a_chain_of_accounts_is_become_by_the_federated_one(exchange: Exchange) -> None:
    settings = GcpSettings(impersonate=(FIRST, LAST), rest_endpoint=exchange.url)
    credentials, _ = credentials_of(settings)
    credentials.refresh(Request())
    assert credentials.token == "became"
    exchanged, became = exchange.asked
    assert exchanged[0] == "/v1/token"
    path, authorization, body = became
    assert path == f"/v1/projects/-/serviceAccounts/{LAST}:generateAccessToken"
    assert authorization == "Bearer federated"
    assert [name.rpartition("/")[2] for name in body["delegates"]] == [FIRST]
    assert body["scope"] == ["https://www.googleapis.com/auth/cloud-platform"]


@pytest.mark.usefixtures("federated")
def test_one_account_needs_no_delegates(exchange: Exchange) -> None:
    credentials, _ = credentials_of(GcpSettings(impersonate=(LAST,), rest_endpoint=exchange.url))
    credentials.refresh(Request())
    assert not exchange.asked[-1][2].get("delegates")


@pytest.mark.usefixtures("federated")
def test_an_account_that_may_not_be_become_is_an_error(exchange: Exchange) -> None:
    exchange.refuse = True
    credentials, _ = credentials_of(GcpSettings(impersonate=(LAST,), rest_endpoint=exchange.url))
    with pytest.raises(GoogleAuthError):
        credentials.refresh(Request())


def test_without_impersonation_googles_own_address_is_used() -> None:
    settings = GcpSettings(credential="anonymous")
    credentials, project = credentials_of(settings)
    assert (credentials.token, project) == (None, None)
