"""How secrets are read here: from the environment and files, and from AWS where that is configured."""

from __future__ import annotations

from collections.abc import Mapping

from config.secrets import Secrets
from config.settings import Settings


def make_secrets(settings: Settings, environment: Mapping[str, str]) -> Secrets:
    """A reader of all the references ``settings`` may hold. No SDK is imported before an AWS reference is read."""

    def secrets_manager(location: str) -> str:
        from providers.aws.secrets import read_secrets_manager

        return read_secrets_manager(location, settings.providers.aws)

    def parameter_store(location: str) -> str:
        from providers.aws.secrets import read_parameter_store

        return read_parameter_store(location, settings.providers.aws)

    return Secrets(environment, {"aws-secretsmanager": secrets_manager, "aws-ssm": parameter_store})
