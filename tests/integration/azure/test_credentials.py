"""azure-identity's own classes against a token endpoint of ours: what they send is checked as Entra would check it."""

from __future__ import annotations

import base64
import json
import ssl
import stat
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from azure.core.pipeline.transport import RequestsTransport
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from config.clouds import AzureSettings
from providers.azure.credentials import CLOUDS, credential_of
from providers.errors import Refused

TENANT = "5b2d6c1e-0000-4000-8000-000000000001"
CLIENT = "c1000000-0000-4000-8000-000000000001"
SCOPE = "https://management.azure.com/.default"
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def certified(key: Key, name: str = "watchstander") -> x509.Certificate:
    """A certificate signed by itself."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )


def pem(key: Key, certificate: x509.Certificate) -> bytes:
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)


class Entra:
    """The token endpoint of one tenant, over TLS, and an App Service's identity endpoint, over plain HTTP."""

    def __init__(self, folder: Path) -> None:
        self.accept: Callable[[dict[str, str]], bool] = lambda _form: True
        self.forms: list[dict[str, str]] = []
        self.asked: list[tuple[str, dict[str, str]]] = []
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.trust = folder / "entra.pem"
        self.trust.write_bytes(pem(key, certified(key)))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.trust)
        self._servers = [ThreadingHTTPServer(("127.0.0.1", 0), self._handler()) for _ in range(2)]
        self._servers[0].socket = context.wrap_socket(self._servers[0].socket, server_side=True)
        self.tls, self.plain = (f"127.0.0.1:{server.server_address[1]}" for server in self._servers)
        self._threads = [
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
            for server in self._servers
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()
        for thread in self._threads:
            thread.join()

    @property
    def options(self) -> dict[str, Any]:
        return {
            "authority": self.tls,
            "disable_instance_discovery": True,
            "transport": RequestsTransport(connection_verify=str(self.trust)),
        }

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        entra = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: Any) -> None:
                """Silent."""

            def do_GET(self) -> None:
                base = f"https://{entra.tls}/{TENANT}"
                entra.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
                if urlsplit(self.path).path == "/msi/token":
                    until = str(int(datetime.now(UTC).timestamp()) + 3600)
                    self._send(200, {"access_token": "managed", "expires_on": until, "token_type": "Bearer"})
                elif self.path.endswith("/v2.0/.well-known/openid-configuration"):
                    self._send(
                        200,
                        {
                            "token_endpoint": f"{base}/oauth2/v2.0/token",
                            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                            "issuer": f"{base}/v2.0",
                        },
                    )
                else:
                    self._send(404, {})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = {k: v[0] for k, v in parse_qs(body).items()}
                entra.forms.append(form)
                if entra.accept(form):
                    self._send(200, {"token_type": "Bearer", "expires_in": 3600, "access_token": "ours"})
                else:
                    self._send(401, {"error": "invalid_client", "error_description": "AADSTS7000215: no"})

            def _send(self, status: int, body: dict[str, Any]) -> None:
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        return Handler


@pytest.fixture
def entra(tmp_path: Path) -> Iterator[Entra]:
    made = Entra(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def settings(credential: str, **more: Any) -> AzureSettings:
    return AzureSettings.model_validate(
        {"credential": credential, "tenant_id": TENANT, "client_id": CLIENT, **more}
    )


@pytest.mark.parametrize("form", ["pem", "pkcs12"])
def test_a_certificate_signs_what_entra_can_check(
    entra: Entra, tmp_path: Path, key: rsa.RSAPrivateKey, form: str
) -> None:
    certificate = certified(key)
    path = tmp_path / f"principal.{form}"
    more: dict[str, Any] = {"client_certificate": str(path)}
    if form == "pem":
        path.write_bytes(pem(key, certificate))
    else:
        secret = serialization.BestAvailableEncryption(b"opensesame")
        path.write_bytes(pkcs12.serialize_key_and_certificates(b"w", key, certificate, None, secret))
        more["client_certificate_password"] = "env:PFX"

    def accept(given: dict[str, str]) -> bool:
        assertion = given["client_assertion"]
        claims = jwt.decode(
            assertion,
            key.public_key(),
            algorithms=["RS256", "PS256"],
            audience=f"https://{entra.tls}/{TENANT}/oauth2/v2.0/token",
        )
        chain = jwt.get_unverified_header(assertion)["x5c"]
        leaf = x509.load_der_x509_certificate(base64.b64decode(chain if isinstance(chain, str) else chain[0]))
        return (claims["iss"], claims["sub"], leaf) == (CLIENT, CLIENT, certificate)

    entra.accept = accept
    credential = credential_of(settings("client-certificate", **more), lambda _r: "opensesame", entra.options)
    assert credential.get_token(SCOPE).token == "ours"
    assert entra.forms[0]["scope"].split() == [SCOPE]


@pytest.mark.parametrize(
    ("content", "password", "told"),
    [
        (None, None, "cannot be read"),
        (b"not a certificate", None, "cannot be used"),
        ("elliptic", None, "cannot be used"),
        ("locked", "wrong", "cannot be used"),
        ("locked", None, "cannot be used"),
    ],
)
def test_a_certificate_that_cannot_be_used_is_refused_by_name(
    tmp_path: Path, key: rsa.RSAPrivateKey, content: bytes | str | None, password: str | None, told: str
) -> None:
    path = tmp_path / "principal.pem"
    if content == "elliptic":
        curve = ec.generate_private_key(ec.SECP256R1())
        path.write_bytes(pem(curve, certified(curve)))
    elif content == "locked":
        secret = serialization.BestAvailableEncryption(b"opensesame")
        path.write_bytes(pkcs12.serialize_key_and_certificates(b"w", key, certified(key), None, secret))
    elif isinstance(content, bytes):
        path.write_bytes(content)
    more = {"client_certificate": str(path)}
    if password:
        more["client_certificate_password"] = "env:PFX"
    with pytest.raises(Refused, match=f"azure.client_certificate: .*principal.pem {told}") as caught:
        credential_of(settings("client-certificate", **more), lambda _r: password or "")
    assert "opensesame" not in str(caught.value)


def test_a_certificate_needs_all_three() -> None:
    with pytest.raises(Refused, match="needs tenant_id, client_id and client_certificate"):
        credential_of(settings("client-certificate"))


def test_a_secret_is_sent_to_the_tenant(entra: Entra) -> None:
    entra.accept = lambda form: (form["client_id"], form["client_secret"]) == (CLIENT, "s3cret")
    credential = credential_of(
        settings("client-secret", client_secret="env:AZ"), lambda _r: "s3cret", entra.options
    )
    assert credential.get_token(SCOPE).token == "ours"


def test_the_clusters_token_is_exchanged(
    entra: Entra, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = tmp_path / "token"
    token.write_text("of-the-cluster")
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(token))
    entra.accept = lambda form: form["client_assertion"] == "of-the-cluster"
    credential = credential_of(settings("workload-identity"), options=entra.options)
    assert credential.get_token(SCOPE).token == "ours"


def test_a_managed_identity_asks_its_machine(entra: Entra, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://{entra.plain}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "proof")
    credential = credential_of(settings("managed-identity"))
    assert credential.get_token(SCOPE).token == "managed"
    path, headers = entra.asked[-1]
    assert parse_qs(urlsplit(path).query)["client_id"] == [CLIENT]
    assert headers["x-identity-header"] == "proof"


def test_the_cli_is_asked_for_the_clouds_own_resource(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    az = tmp_path / "az"
    az.write_text(
        "#!/bin/sh\n"
        f'echo "$@" > {tmp_path}/asked\n'
        """echo '{"accessToken": "of-the-person", "expires_on": 4102444800}'\n"""
    )
    az.chmod(az.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    credential = credential_of(settings("cli", cloud="government"))
    assert credential.get_token("https://management.usgovcloudapi.net/.default").token == "of-the-person"
    asked = (tmp_path / "asked").read_text()
    assert "https://management.usgovcloudapi.net" in asked
    assert TENANT in asked


@pytest.mark.parametrize(("cloud", "authority"), [(c, host) for c, (_, host) in CLOUDS.items()])
def test_each_cloud_has_its_own_authority(cloud: str, authority: str) -> None:
    credential: Any = credential_of(
        settings("client-secret", client_secret="env:AZ", cloud=cloud), lambda _r: "s3cret"
    )
    assert credential._authority == f"https://{authority}"
