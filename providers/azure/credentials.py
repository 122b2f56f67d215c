"""How we prove who we are: the settings' words as the classes of azure-identity.

Nothing here asks anyone for a token; that happens at the first call, and a token that cannot be had is *expired* there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from azure.core import AzureClouds
from azure.core.credentials import AccessToken, TokenCredential

from config.clouds import AzureSettings
from config.fields import SecretReference
from providers.errors import Refused

CLOUDS: Final = {
    "public": (AzureClouds.AZURE_PUBLIC_CLOUD, "login.microsoftonline.com"),
    "government": (AzureClouds.AZURE_US_GOVERNMENT, "login.microsoftonline.us"),
    "china": (AzureClouds.AZURE_CHINA_CLOUD, "login.chinacloudapi.cn"),
}
"""Cloud -> the SDK's name of it and where its tokens come from."""

ReadSecret = Callable[[SecretReference], str]


class StaticCredential:
    """A token that is always the same: for the sandbox, which looks only whether there is one, and of which tenant."""

    def __init__(self, tenant: str | None = None) -> None:
        self._token = "watchstander-sandbox" + (f":{tenant}" if tenant else "")

    def get_token(self, *_scopes: str, **_kwargs: Any) -> AccessToken:
        """The token, good for as long as anyone asks."""
        return AccessToken(self._token, 2**33)

    def close(self) -> None:
        """Nothing to let go of."""


def credential_of(
    settings: AzureSettings, secret: ReadSecret | None = None, options: Mapping[str, Any] | None = None
) -> TokenCredential:
    """The credential the settings name. ``options`` go to azure-identity's class as they are (another authority, a transport).

    Raises Refused where something it needs is not configured or cannot be used.
    """
    if settings.credential == "static":
        return StaticCredential(settings.tenant_id)
    from azure import identity

    given: dict[str, Any] = {"authority": CLOUDS[settings.cloud][1], **(options or {})}
    match settings.credential:
        case "managed-identity":
            given.pop("authority")  # the machine's own endpoint knows its cloud
            return identity.ManagedIdentityCredential(client_id=settings.client_id, **given)
        case "cli":
            return identity.AzureCliCredential(tenant_id=settings.tenant_id or "")
        case "workload-identity":
            wanted = {"tenant_id": settings.tenant_id, "client_id": settings.client_id}
            try:
                return identity.WorkloadIdentityCredential(
                    **given, **{name: value for name, value in wanted.items() if value}
                )
            except ValueError as error:
                # What is missing comes from the environment the cluster's webhook should have filled.
                raise Refused(
                    f"azure.credential: {error}", hint="Annotate the service account for workload identity."
                ) from error
        case "client-secret":
            if not (settings.tenant_id and settings.client_id and settings.client_secret):
                raise Refused(
                    "azure.credential is client-secret, which needs tenant_id, client_id and client_secret.",
                    hint="Give all three, the secret as a reference: env:AZURE_CLIENT_SECRET.",
                )
            value = _read(secret, settings.client_secret, "client_secret")
            return identity.ClientSecretCredential(settings.tenant_id, settings.client_id, value, **given)
        case "client-certificate":
            return _by_certificate(settings, secret, given)
        case _:
            return identity.DefaultAzureCredential(managed_identity_client_id=settings.client_id, **given)


def _by_certificate(
    settings: AzureSettings, secret: ReadSecret | None, given: Mapping[str, Any]
) -> TokenCredential:
    from azure import identity

    path = settings.client_certificate
    if not (settings.tenant_id and settings.client_id and path):
        raise Refused(
            "azure.credential is client-certificate, which needs tenant_id, client_id and client_certificate.",
            hint="Give all three; the file holds the certificate and its private key, as PEM or PKCS#12.",
        )
    password = (
        _read(secret, settings.client_certificate_password, "client_certificate_password")
        if settings.client_certificate_password
        else None
    )
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Refused(
            f"azure.client_certificate: {path} cannot be read: {error.strerror or error}",
            hint="It must be readable by the user the daemon runs as.",
        ) from error
    try:
        return identity.CertificateCredential(
            settings.tenant_id,
            settings.client_id,
            certificate_data=data,
            password=password,
            send_certificate_chain=True,
            **given,
        )
    except (ValueError, TypeError) as error:
        raise Refused(
            f"azure.client_certificate: {path} cannot be used: {' '.join(str(error).split())}",
            hint="It must hold a certificate and its RSA private key, as PEM or PKCS#12; a password goes into "
            "`client_certificate_password`.",
        ) from error


def _read(secret: ReadSecret | None, reference: SecretReference, name: str) -> str:
    if secret is None:
        raise Refused(f"azure.{name} cannot be read here: nobody resolves secrets.")
    return secret(reference)
