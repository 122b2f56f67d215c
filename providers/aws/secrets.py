"""Secrets kept in AWS: ``aws-secretsmanager:ID`` and ``aws-ssm:NAME`` of the configuration.

``ID`` is a name or an ARN (whose region is used), with ``#key`` for one field of a JSON secret: ``watchstander/db#password``.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime

from config.clouds import AwsSettings
from providers.aws.session import Place, Sessions
from providers.errors import Refused


def read_secrets_manager(location: str, settings: AwsSettings | None) -> str:
    """The current version of a Secrets Manager secret. Raises ProviderError."""
    secret, _, key = location.partition("#")
    answer = _ask(secret, settings, "secretsmanager", "GetSecretValue", {"SecretId": secret})
    value = answer.get("SecretString")
    if not isinstance(value, str):
        raise Refused(f"the secret {secret} is binary", hint="Store it as text.")
    if not key:
        return value
    try:
        fields = json.loads(value)
    except ValueError:
        # The parser's message would repeat the secret.
        raise Refused(f"the secret {secret} is not JSON, so it has no field {key}") from None
    if not isinstance(fields, dict) or not isinstance(fields.get(key), str):
        raise Refused(f"the secret {secret} has no text field {key}")
    return str(fields[key])


def read_parameter_store(location: str, settings: AwsSettings | None) -> str:
    """A Parameter Store parameter, decrypted. Raises ProviderError."""
    answer = _ask(location, settings, "ssm", "GetParameter", {"Name": location, "WithDecryption": True})
    parameter = answer.get("Parameter")
    if not isinstance(parameter, dict) or not isinstance(parameter.get("Value"), str):
        raise Refused(f"the answer for the parameter {location} has no value")
    return str(parameter["Value"])


def _ask(
    location: str, settings: AwsSettings | None, service: str, operation: str, parameters: dict[str, object]
) -> dict[str, object]:
    sessions = Sessions(settings or AwsSettings(), clock=lambda: datetime.now(UTC))
    try:
        region = _region(location) or sessions.home_region
        return sessions.call(Place("", region), service, operation, parameters)
    finally:
        sessions.close()


def _region(location: str) -> str | None:
    """The region of an ARN, or the one the SDK's own variables name."""
    parts = location.split(":")
    if parts[0] == "arn" and len(parts) > 3 and parts[3]:
        return parts[3]
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
