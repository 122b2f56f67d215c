"""Secrets kept in AWS, read through the references of the configuration."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from config.clouds import Providers
from config.errors import SecretUnavailable
from config.fields import SecretReference
from config.secrets import Secrets
from config.settings import Settings
from daemon.secrets import make_secrets
from providers.sandbox.aws import AwsEmulator


@pytest.fixture
def secrets(emulator: AwsEmulator) -> Secrets:
    return make_secrets(Settings(providers=Providers(aws=emulator.settings())), {})


def client(emulator: AwsEmulator, service: str, region: str = "us-east-1") -> Any:
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=emulator.endpoint,
        aws_access_key_id=emulator.environment()["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=emulator.environment()["AWS_SECRET_ACCESS_KEY"],
    )


def reference(text: str) -> SecretReference:
    return SecretReference.model_validate(SecretReference.parse(text))


def test_secrets_manager_whole_by_field_and_by_arn(emulator: AwsEmulator, secrets: Secrets) -> None:
    manager = client(emulator, "secretsmanager")
    manager.create_secret(Name="watch/db", SecretString=json.dumps({"password": "hunter2-db", "port": 5432}))
    elsewhere = client(emulator, "secretsmanager", "eu-west-1")
    arn = elsewhere.create_secret(Name="watch/far", SecretString="hunter2-far")["ARN"]
    manager.create_secret(Name="watch/bytes", SecretBinary=b"hunter2")
    try:
        assert secrets.read(reference("aws-secretsmanager:watch/db#password")).reveal() == "hunter2-db"
        assert json.loads(secrets.read(reference("aws-secretsmanager:watch/db")).reveal())["port"] == 5432
        assert secrets.read(reference(f"aws-secretsmanager:{arn}")).reveal() == "hunter2-far"
        for text, said in (
            ("watch/db#port", "has no text field port"),
            ("watch/far#x", "watch/far"),
            ("watch/bytes", "is binary"),
            (f"{arn}#x", "is not JSON"),
            ("watch/none", "watch/none"),
        ):
            with pytest.raises(SecretUnavailable) as caught:
                secrets.read(reference(f"aws-secretsmanager:{text}"))
            assert said in caught.value.message
            assert "hunter2" not in str(caught.value)
    finally:
        for name in ("watch/db", "watch/bytes"):
            manager.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
        elsewhere.delete_secret(SecretId="watch/far", ForceDeleteWithoutRecovery=True)


def test_parameter_store(emulator: AwsEmulator, secrets: Secrets) -> None:
    store = client(emulator, "ssm")
    store.put_parameter(Name="/watch/db", Value="hunter2-ssm", Type="SecureString")
    try:
        assert secrets.read(reference("aws-ssm:/watch/db")).reveal() == "hunter2-ssm"
        with pytest.raises(SecretUnavailable, match="/watch/none"):
            secrets.read(reference("aws-ssm:/watch/none"))
    finally:
        store.delete_parameter(Name="/watch/db")
