"""Which clouds there are, by name. A cloud's adapter, and with it its SDK, is imported only when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime

from config.clouds import AwsSettings, AzureSettings, GcpSettings, Providers, ProviderSettings
from config.errors import UsageError
from config.fields import SecretReference
from providers.errors import Refused
from providers.probe import Probe
from providers.provider import Provider
from providers.relation import Relation
from providers.resource import Resource
from providers.roles import Role
from providers.terraform import TerraformView

Clock = Callable[[], datetime]
Secret = Callable[[SecretReference], str]

NAMES = ("aws", "azure", "gcp")
"""The clouds, in the order they are shown."""


def configured(settings: Providers) -> dict[str, ProviderSettings]:
    """The clouds the configuration names, with their settings."""
    found: dict[str, ProviderSettings | None] = {
        "aws": settings.aws,
        "azure": settings.azure,
        "gcp": settings.gcp,
    }
    return {name: one for name, one in found.items() if one is not None}


def open_provider(name: str, settings: Providers, clock: Clock, secret: Secret | None = None) -> Provider:
    """The adapter of one configured cloud; ``secret`` reads the secrets its settings refer to. Raises Refused for a cloud
    that is not configured."""
    if name == "aws" and settings.aws is not None:
        from providers.aws.provider import AwsProvider

        return AwsProvider(settings.aws, clock=clock)
    if name == "azure" and settings.azure is not None:
        if settings.azure.tenants:
            from providers.azure.tenants import AzureTenants

            return AzureTenants(settings.azure, clock=clock, secret=secret)
        from providers.azure.provider import AzureProvider

        return AzureProvider(settings.azure, clock=clock, secret=secret)
    if name == "gcp" and settings.gcp is not None:
        from providers.gcp.provider import GcpProvider

        return GcpProvider(settings.gcp, clock=clock)
    raise Refused(
        f"The cloud {name!r} is not configured.",
        hint=f"Add it below `providers`; there are {', '.join(NAMES)}.",
    )


def terraform_view(resource: Resource) -> TerraformView | None:
    """A resource in Terraform's words, whether or not its cloud is configured; None where there is no view of its type."""
    match resource.ref.provider:
        case "aws":
            from providers.aws import terraform as aws

            return aws.view_of(resource)
        case "azure":
            from providers.azure import terraform as azure

            return azure.view_of(resource)
        case "gcp":
            from providers.gcp import terraform as gcp

            return gcp.terraform(resource)
    return None


def terraform_types(cloud: str) -> Mapping[str, frozenset[str]]:
    """Terraform type -> the resource types seen so, of a cloud that need not be configured."""
    match cloud:
        case "aws":
            from providers.aws import terraform as aws

            return aws.types()
        case "azure":
            from providers.azure import terraform as azure

            return azure.types()
        case "gcp":
            from providers.gcp import terraform as gcp

            return gcp.terraform_types()
    return {}


def role_of(cloud: str, settings: Providers, *, contain: bool = False, actions: Collection[str] = ()) -> Role:
    """The role for reading (or, with ``contain``, for acting: all actions or those named). A cloud that is not
    configured gets the role for its defaults. Imports that cloud's SDK; calls nothing.

    Raises UsageError for an unknown cloud or action.
    """
    match cloud:
        case "aws":
            from providers.aws import role as aws

            return aws.role(settings.aws or AwsSettings(), contain=contain, kinds=actions)
        case "azure":
            from providers.azure import permissions as azure

            return azure.as_role(settings.azure or AzureSettings(), contain=contain, kinds=actions)
        case "gcp":
            from providers.gcp import permissions as gcp

            return gcp.as_role(settings.gcp or GcpSettings(), contain=contain, kinds=actions)
    raise UsageError(f"There is no cloud {cloud!r}.", hint="There are aws, azure and gcp.")


def probe(name: str, settings: Providers, clock: Clock, secret: Secret | None = None) -> Probe:
    """What the credentials at hand see in a cloud, configured or not. Imports its SDK; may wait as long as that waits."""
    if name == "aws":
        from providers.aws import probe as aws

        return aws.probe(settings.aws or AwsSettings(), clock=clock)
    if name == "azure":
        from providers.azure import probe as azure

        return azure.probe(settings.azure or AzureSettings(), clock=clock, secret=secret)
    from providers.gcp import probe as gcp

    return gcp.probe(settings.gcp or GcpSettings(), clock=clock)


def relations() -> tuple[Relation, ...]:
    """Which resources belong together, over all clouds. Imports no SDK."""
    from providers.aws.relations import RELATIONS as AWS
    from providers.azure.relations import RELATIONS as AZURE
    from providers.gcp.relations import RELATIONS as GCP

    return (*AWS, *AZURE, *GCP)


def account_type(name: str) -> str | None:
    """The type of the resource that an account (a subscription, a project) of a cloud itself is."""
    from providers.aws.relations import ACCOUNT as AWS
    from providers.azure.relations import ACCOUNT as AZURE
    from providers.gcp.relations import ACCOUNT as GCP

    return {"aws": AWS, "azure": AZURE, "gcp": GCP}.get(name)
