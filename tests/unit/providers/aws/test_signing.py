"""What we send is what plain botocore sends, to the byte, for every operation that a type declares."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from beside import loaded
from botocore.awsrequest import AWSResponse
from botocore.credentials import Credentials

from config.clouds import AwsSettings, Budget
from providers.aws import signing
from providers.aws.calling import Call, Watch, on_behalf_of
from providers.aws.catalog import catalog
from providers.aws.clients import Clients
from providers.aws.described import new_session
from providers.budget import CallBudgets

REGION = "eu-west-1"
KEYS = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "a/token+of=many//signs")
BUDGET = CallBudgets(Budget(), clock=lambda: 0.0).of("", "")
ODD = "a b/../c+d~e*f%g?h=i&j'k\u00e9"
"""What a canonical form is made for."""
OPERATIONS: Mapping[str, list[str]] = {
    service: sorted(
        {call.operation for one in catalog().values() for named, call in one.calls() if named == service}
    )
    for service in sorted({service for one in catalog().values() for service, _ in one.calls()})
}
WRITES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("s3", "PutBucketPolicy", {"Bucket": "bucket", "Policy": "{}"}),
    ("s3", "PutPublicAccessBlock", {"Bucket": "bucket", "PublicAccessBlockConfiguration": {}}),
    ("s3", "PutObject", {"Bucket": "bucket", "Key": ODD, "Body": b"content", "ContentType": "text/plain"}),
    ("s3", "PutObject", {"Bucket": "bucket", "Key": "key", "Body": b"content", "ContentMD5": "given"}),
    ("s3", "GetObject", {"Bucket": "bucket", "Key": ODD, "Range": "bytes=0-  1"}),
    ("sts", "AssumeRoleWithWebIdentity", {"RoleArn": "r", "RoleSessionName": "s", "WebIdentityToken": "t"}),
    ("lambda", "InvokeAsync", {"FunctionName": ODD, "InvokeArgs": b"{}"}),
    ("cognito-idp", "GetUser", {"AccessToken": "unsigned"}),
)
"""Operations that are signed in ways of their own: other headers and paths, no digest of the body, no signature."""
HOSTS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("s3", "ListObjectsV2", {"Bucket": "arn:aws:s3:eu-west-1:123456789012:accesspoint/mine", "Prefix": ODD}),
    ("s3", "ListObjectsV2", {"Bucket": "bucket--use1-az4--x-s3"}),
)
"""Operations with hosts of their own, which an emulator does not have."""


FILLED = loaded(Path(__file__).with_name("filled.py"))


class Body:
    """What botocore reads an answer from."""

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield b""


class Wire:
    """Stands where the network is, and keeps what came last."""

    def __init__(self) -> None:
        self.sent: tuple[str, str, dict[str, str], Any] | None = None

    def __call__(self, request: Any, **_: Any) -> AWSResponse:
        def text(value: Any) -> str:
            return value.decode() if isinstance(value, bytes) else str(value)

        headers = {name: text(value) for name, value in request.headers.items()}
        content = request.body.read() if hasattr(request.body, "read") else request.body
        self.sent = (request.method, request.url, headers, content)
        return AWSResponse(request.url, 418, {}, Body())


class Unwatched(Watch):
    """Lets through what has no signature; whose key a request carries is tested in test_calling."""

    def before_send(self, request: Any, **_: Any) -> None:
        """Whatever it is."""


class Pair:
    """Our clients and plain botocore's, with the same configuration and the same keys."""

    def __init__(self, endpoint: str | None = None) -> None:
        self.wire = Wire()
        self._endpoint = endpoint
        self._ours = Clients(
            AwsSettings(),
            region=REGION,
            endpoint=endpoint,
            watch=Unwatched(lambda: 0.0),
            attempts=1,
            prepare=lambda session: session.events.register_last("before-send", self.wire),
        )
        core = new_session()
        core.set_credentials(*KEYS)
        self._plain = boto3.Session(botocore_session=core, region_name=REGION)
        self._plain.events.register("before-send", self.wire)

    def differing(self, service: str, asked: list[tuple[str, dict[str, Any]]]) -> list[str]:
        """The operations of a service that are not the same when asked both ways."""
        ours = self._ours.get(service, REGION)
        plain = self._plain.client(service, endpoint_url=self._endpoint, config=self._ours._config())
        return [
            operation
            for operation, parameters in asked
            if self._outcome(plain, operation, parameters) != self._outcome(ours, operation, parameters)
        ]

    def presigned(self, service: str, operation: str, parameters: dict[str, Any]) -> tuple[str, str]:
        """The URL that plain botocore makes, and ours."""
        ours = self._ours.get(service, REGION)
        plain = self._plain.client(service, endpoint_url=self._endpoint, config=self._ours._config())
        with _call():
            return tuple(one.generate_presigned_url(operation, parameters) for one in (plain, ours))

    def _outcome(self, client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        """What was sent, or what could not be."""
        self.wire.sent = None
        try:
            with _call():
                client._make_api_call(operation, dict(parameters))
        except Exception as error:  # noqa: BLE001 - that both say the same is what is tested
            return self.wire.sent, type(error).__name__, str(error)
        return self.wire.sent


def _call() -> Any:
    return on_behalf_of(Call(account="", credentials=Credentials(*KEYS), budget=BUDGET, deadline=None))


@pytest.fixture(autouse=True)
def one_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two requests differ in nothing but how they were signed."""
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: datetime(2026, 1, 1, tzinfo=UTC))
    monkeypatch.setattr(uuid, "uuid4", lambda: uuid.UUID(int=1))
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def pair() -> Pair:
    return Pair()


def odd(value: Any) -> Any:
    """The same, with every text an odd one."""
    if isinstance(value, dict):
        return {key: odd(one) for key, one in value.items()}
    if isinstance(value, list):
        return [odd(one) for one in value]
    return ODD if value == "text-that-is-long-enough" else value


@pytest.mark.parametrize("service", OPERATIONS)
def test_every_declared_operation(pair: Pair, service: str) -> None:
    asked: list[tuple[str, dict[str, Any]]] = []
    for operation in OPERATIONS[service]:
        shape = FILLED.model_of(service).operation_model(operation).input_shape
        whole = FILLED.sample(shape) or {}
        required = {name: whole[name] for name in (shape.required_members if shape else ())}
        asked += [(operation, required), (operation, odd(whole))]
    assert pair.differing(service, asked) == []


@pytest.mark.parametrize("endpoint", [None, "http://127.0.0.1:5000", "https://[::1]:443", "http://HOST:80/p"])
def test_what_is_signed_in_a_way_of_its_own(endpoint: str | None) -> None:
    pair = Pair(endpoint)
    asked = WRITES if endpoint else WRITES + HOSTS
    for service in {service for service, _, _ in asked}:
        of_service = [(operation, wanted) for named, operation, wanted in asked if named == service]
        assert pair.differing(service, of_service) == []


def test_an_address_that_is_signed(pair: Pair) -> None:
    plain, ours = pair.presigned("sts", "get_caller_identity", {})
    assert "X-Amz-Signature" in plain
    assert ours == plain


def test_a_signature_that_differs_would_be_seen(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison itself: a signer of ours that forgets one header is found."""
    found: Callable[..., Any] = signing._Once.headers_to_sign

    def forgetful(self: Any, request: Any) -> Any:
        headers = found(self, request)
        headers.pop("x-amz-date", None)
        return headers

    monkeypatch.setattr(signing._Once, "headers_to_sign", forgetful)
    assert pair.differing("iam", [("ListUsers", {})]) == ["ListUsers"]
