"""How we prove who we are: Google's own search for credentials, and whom they become.

The search is google-auth's (``GOOGLE_APPLICATION_CREDENTIALS``, which may be an external account of workload identity
federation; gcloud's own; the metadata server). Whoever is found may then become other service accounts, one after the other.
"""

from __future__ import annotations

from typing import Any, Final

import google.auth
from google.auth import impersonated_credentials
from google.auth.credentials import AnonymousCredentials, Credentials

from config.clouds import GcpSettings

SCOPES: Final = ("https://www.googleapis.com/auth/cloud-platform",)


def credentials_of(settings: GcpSettings) -> tuple[Credentials, str | None]:
    """The credentials to call with, and the project they belong to where they say so. Makes no call but the search's own.

    Raises google.auth.exceptions.GoogleAuthError when there are none.
    """
    if settings.credential == "anonymous":
        return AnonymousCredentials(), None  # type: ignore[no-untyped-call]
    found, project = google.auth.default(scopes=SCOPES, quota_project_id=settings.quota_project)
    if settings.impersonate:
        found = _become(found, settings)
    return found, project


def _become(source: Any, settings: GcpSettings) -> Credentials:
    *delegates, target = settings.impersonate
    base = (settings.rest_endpoint or "https://iamcredentials.googleapis.com").rstrip("/")
    return impersonated_credentials.Credentials(  # type: ignore[no-untyped-call]
        source_credentials=source,
        target_principal=target,
        target_scopes=list(SCOPES),
        delegates=delegates or None,
        iam_endpoint_override=f"{base}/v1/projects/-/serviceAccounts/{target}:generateAccessToken",
        quota_project_id=settings.quota_project,
    )
