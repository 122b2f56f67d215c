"""AWS's wire formats as the front needs them: which call a request is, and answers of our own.

moto knows the protocols; we use its routing and its serialisers, so that what we say is formed as AWS forms it.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import orjson
from botocore.exceptions import DataNotFoundError
from botocore.parsers import create_parser
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.serialize import SerializationContext, get_serializer_class
from moto.core.utils import get_pagination_model, get_service_model
from moto.iam.models import get_account_id_from
from werkzeug.exceptions import NotFound

from providers.sandbox.faults import Call

Environ = dict[str, Any]

_NAMES: Final[Mapping[str, str]] = {
    "monitoring": "cloudwatch",
    "elasticfilesystem": "efs",
    "es": "opensearch",
    "tagging": "resourcegroupstaggingapi",
    "states": "stepfunctions",
    "cloudcontrolapi": "cloudcontrol",
}
"""Signing name -> botocore's service, where they differ."""

_RESOURCE_KEYS: Final = (
    "Bucket",
    "UserName",
    "RoleName",
    "LoadBalancerName",
    "LoadBalancerNames",
    "LoadBalancerArn",
    "LoadBalancerArns",
    "ResourceArns",
    "TrailName",
    "KeyId",
    "InstanceId",
    "VolumeId",
    "GroupId",
    "VpcId",
    "SnapshotId",
    "DBInstanceIdentifier",
    "DBSnapshotIdentifier",
    "PolicyArn",
    "RoleArn",
    "ResourceIdList",
    "QueueUrl",
    "Name",
    "Filter",
)
"""Where a call names its resource, in the order looked at."""


@dataclass(slots=True)
class Asked:
    """A request understood."""

    call: Call
    access_key: str = ""
    protocol: str = "json"
    operation: Any = None
    """moto's model of the operation; None where it is not known."""
    body: bytes = b""
    parameters: dict[str, Any] = field(default_factory=dict)
    """What the wire says, flat: form fields, JSON keys, path and query parameters."""


def understand(environ: Environ) -> Asked:
    """Which call a request is. Reads the body and puts it back."""
    body = take_body(environ)
    access_key, region, service = _credential(environ)
    service = _service(service, environ, body)
    account = get_account_id_from(access_key)
    asked = Asked(Call(account=account, region=region, service=service), access_key=access_key, body=body)
    try:
        model = get_service_model(service)
    except DataNotFoundError:
        return asked
    content_type = environ.get("CONTENT_TYPE", "")
    asked.protocol = determine_request_protocol(model, content_type) or model.protocol
    try:
        operation, path = get_service_router(service).match(
            Request(environ | {"wsgi.input": io.BytesIO(body)}, populate_request=False)
        )
    except NotFound:
        return asked
    asked.operation = operation
    asked.parameters = {**_flat(environ, body, content_type), **path}
    asked.call = Call(
        account=account,
        region=region,
        service=service,
        operation=operation.name,
        resource=_resource(asked.parameters),
    )
    return asked


def take_body(environ: Environ) -> bytes:
    """The request's body; it can be read again from ``environ``."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body: bytes = environ["wsgi.input"].read(length) if length else b""
    put_body(environ, body)
    return body


def put_body(environ: Environ, body: bytes) -> None:
    """Give the request another body."""
    environ["wsgi.input"] = io.BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))


def _credential(environ: Environ) -> tuple[str, str, str]:
    """(access key, region, service) of a signed request."""
    _, _, rest = environ.get("HTTP_AUTHORIZATION", "").partition("Credential=")
    parts = rest.partition(",")[0].strip().split("/")
    if len(parts) >= 5:
        return "/".join(parts[:-4]), parts[-3], parts[-2]
    return "", "us-east-1", "s3"


def _service(signed: str, environ: Environ, body: bytes) -> str:
    if signed == "elasticloadbalancing":
        return "elbv2" if b"Version=2015-12-01" in body else "elb"
    if signed == "s3" and environ.get("PATH_INFO", "").startswith("/v20180820/"):
        return "s3control"
    if signed == "ses" and environ.get("PATH_INFO", "").startswith("/v2/"):
        return "sesv2"
    return _NAMES.get(signed, signed)


def _flat(environ: Environ, body: bytes, content_type: str) -> dict[str, Any]:
    found: dict[str, Any] = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    if "json" in content_type:
        try:
            loaded = orjson.loads(body or b"{}")
        except orjson.JSONDecodeError:
            loaded = {}
        found |= loaded if isinstance(loaded, dict) else {}
    elif "x-www-form-urlencoded" in content_type:
        found |= dict(parse_qsl(body.decode(), keep_blank_values=True))
    return found


def _resource(parameters: Mapping[str, Any]) -> str:
    for key in _RESOURCE_KEYS:
        for name in (key, f"{key}.1", f"{key}.member.1", key[:1].lower() + key[1:]):
            value = parameters.get(name)
            if isinstance(value, list) and value:
                value = value[0]
            if isinstance(value, str) and value:
                return value
    return ""


# Answers

Answer = tuple[int, dict[str, str], bytes]
"""Status, headers, body."""


def serialise(asked: Asked, result: Mapping[str, Any]) -> Answer:
    """A result as the service would put it on the wire."""
    maker = get_serializer_class(asked.call.service, asked.protocol)
    made = maker(asked.operation, SerializationContext("sandbox")).serialize(result)
    body = made["body"]
    return made["status_code"], dict(made["headers"]), body.encode() if isinstance(body, str) else body


def parse(asked: Asked, answer: Answer) -> dict[str, Any]:
    """The result in an answer."""
    status, headers, body = answer
    raw = {"status_code": status, "headers": headers, "body": body}
    parsed: dict[str, Any] = create_parser(asked.protocol).parse(raw, asked.operation.output_shape)
    parsed.pop("ResponseMetadata", None)
    return parsed


def failure(asked: Asked, status: int, code: str, message: str) -> Answer:
    """An error as the service's protocol forms it."""
    request = {"x-amzn-requestid": "sandbox", "x-amz-request-id": "sandbox"}
    if asked.protocol == "ec2":
        text = f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors><RequestID>sandbox</RequestID></Response>"
    elif asked.call.service in ("s3", "s3control"):
        inner = f"<Code>{code}</Code><Message>{message}</Message><RequestId>sandbox</RequestId>"
        text = f"<Error>{inner}</Error>"
        if asked.call.service == "s3control":
            text = f"<ErrorResponse>{text}</ErrorResponse>"
    elif asked.protocol in ("query", "rest-xml"):
        text = f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>sandbox</RequestId></ErrorResponse>"
    else:
        body = orjson.dumps({"__type": code, "message": message})
        headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-errortype": code}
        return status, request | headers, body
    return status, request | {"Content-Type": "text/xml"}, text.encode()


# Parameters on the wire


@lru_cache(maxsize=512)
def paginator(service: str, operation: str) -> Mapping[str, Any] | None:
    """botocore's description of how an operation pages."""
    try:
        model: Mapping[str, Any] = get_pagination_model(service)
    except DataNotFoundError:
        return None
    found: Mapping[str, Any] | None = model.get(operation)
    return found


def wire_name(asked: Asked, member: str) -> str:
    """What an input member is called on the wire."""
    shape = asked.operation.input_shape.members[member]
    if asked.protocol == "ec2":
        name = shape.serialization.get("queryName") or shape.serialization.get("name") or member
        return str(name[:1].upper() + name[1:])
    return str(shape.serialization.get("name") or member)


def without(environ: Environ, asked: Asked, names: set[str]) -> None:
    """Take parameters out of the request."""
    query = [
        (k, v)
        for k, v in parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        if k not in names
    ]
    if environ.get("QUERY_STRING"):
        environ["QUERY_STRING"] = urlencode(query)
        for key in ("REQUEST_URI", "RAW_URI"):
            if key in environ:
                path = environ[key].partition("?")[0]
                environ[key] = f"{path}?{environ['QUERY_STRING']}" if query else path
    content_type = environ.get("CONTENT_TYPE", "")
    if "json" in content_type:
        loaded = orjson.loads(asked.body or b"{}")
        put_body(environ, orjson.dumps({k: v for k, v in loaded.items() if k not in names}))
    elif "x-www-form-urlencoded" in content_type:
        form = [(k, v) for k, v in parse_qsl(asked.body.decode(), keep_blank_values=True) if k not in names]
        put_body(environ, urlencode(form).encode())
