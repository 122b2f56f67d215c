"""Looking around Google Cloud with the application default credentials."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from config.clouds import GcpSettings
from providers.errors import ProviderError
from providers.gcp.session import Session
from providers.probe import Look, Probe, look, nobody

_PATIENCE: Final = timedelta(seconds=10)


def probe(settings: GcpSettings, *, clock: Callable[[], datetime]) -> Probe:
    """What the credentials at hand see. Raises UsageError for endpoints that would be called without encryption."""
    session = Session(settings, clock=clock)
    try:
        return _look_around(settings, session)
    finally:
        session.close()


def _look_around(settings: GcpSettings, session: Session) -> Probe:
    try:
        credentials = session.credentials()
        project = session.default_project()
    except ProviderError as error:
        hint = error.hint or "`gcloud auth application-default login`, or GOOGLE_APPLICATION_CREDENTIALS."
        return Probe(cloud="gcp", cause=error.message, hint=hint)
    parents = settings.parents or ((f"projects/{project}",) if project else ())
    if not parents:
        return nobody(
            "gcp",
            ProviderError(
                "the credentials belong to no project",
                hint="Set GOOGLE_CLOUD_PROJECT, or `gcloud config set project`; or write `parents` yourself.",
            ),
        )
    containers: dict[str, None] = {}

    def listing(parent: str, content: str) -> Callable[[], str]:
        def ask() -> str:
            request = {"parent": parent, "content_type": content, "page_size": 10}
            page = session.list_page(
                request, deadline=session.deadline(_PATIENCE), what=f"listing the assets of {parent}"
            )
            for asset in page.assets:
                for ancestor in asset.ancestors:
                    if ancestor.startswith(("organizations/", "folders/")):
                        containers[ancestor] = None
            return "can be listed" if page.assets else "nothing there"

        return ask

    looks: list[Look] = []
    for parent in parents:
        looks.append(look(f"the resources of {parent}", listing(parent, "RESOURCE")))
        looks.append(look(f"the IAM policies of {parent}", listing(parent, "IAM_POLICY")))
    advice = []
    for organization in [c for c in containers if c.startswith("organizations/") and c not in parents]:
        wider = look(f"the resources of {organization}", listing(organization, "RESOURCE"), optional=True)
        looks.append(wider)
        if wider.seen:
            advice.append(
                f"All of {organization} can be read: write `parents: [{organization}]` to watch it."
            )
    return Probe(
        cloud="gcp",
        identity=_who(credentials, anonymous=session.anonymous),
        source="nothing (a sandbox)" if session.anonymous else "application default credentials",
        looks=tuple(looks),
        settings={} if settings.parents else {"parents": list(parents)},
        advice=tuple(advice),
    )


def _who(credentials: Any, *, anonymous: bool) -> str:
    if anonymous:
        return "nobody in particular (a sandbox)"
    for name in ("service_account_email", "signer_email", "account"):
        value = getattr(credentials, name, None)
        if isinstance(value, str) and value and value != "default":
            return value
    return "a Google account"
