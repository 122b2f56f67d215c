"""One resource as it is now.

Cloud Asset lags behind the services by seconds to minutes, so a resource that is to be acted on is read from its own
service, and brought to the form Cloud Asset gives. For types we have no GET for, Cloud Asset's own history answers; what
it does not know is then *not told* rather than gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from providers.errors import Gone, ProviderError, Refused, Unavailable
from providers.gcp import names
from providers.gcp.catalog import TYPES, AssetType, IamCall
from providers.gcp.document import PROVIDER, document, resource
from providers.gcp.join import IAM_UNREAD
from providers.gcp.past import Historian
from providers.gcp.session import Session
from providers.resource import Resource, ResourceRef

RECENT: Final = timedelta(minutes=10)
"""How far back Cloud Asset's history is asked for a type we cannot GET."""


class Rereader:
    """Reads single resources through a session."""

    def __init__(self, session: Session, historian: Historian) -> None:
        self._session = session
        self._historian = historian

    def reread(self, ref: ResourceRef, now: datetime) -> Resource:
        """The resource now, all details. Raises Gone when its service answers 404, else another ProviderError."""
        declared = declared_type(ref)
        if declared is None:
            return self._from_history(ref, now)
        data = self.get(declared, ref.uid)
        uid = self._uid(declared, ref.uid, data)
        unread: dict[str, str] = {}
        policy: Mapping[str, Any] | None = None
        if declared.iam is not None:
            try:
                policy = self.policy(declared, declared.iam, ref.uid)
            except Gone:
                raise
            except ProviderError as error:
                unread[IAM_UNREAD] = error.message
        content = document(name=uid, asset_type=declared.type, data=data, location=None, policy=policy)
        return resource(account=ref.account, document=content, unread=unread)

    def get(self, declared: AssetType, uid: str) -> dict[str, Any]:
        """The service's own representation. Raises ProviderError."""
        return self._session.rest("GET", declared.service, declared.get.format(path=rest_path(uid)))

    def policy(self, declared: AssetType, call: IamCall, uid: str) -> dict[str, Any]:
        """The resource's IAM policy. Raises ProviderError."""
        return self._session.rest(
            call.method,
            declared.service,
            call.path.format(path=rest_path(uid)),
            query=dict(call.query),
            body=call.body,
        )

    def _uid(self, declared: AssetType, uid: str, data: Mapping[str, Any]) -> str:
        """The name Cloud Asset uses. A key is named by its account's unique id, which takes another call."""
        if declared.type != "iam.googleapis.com/ServiceAccountKey":
            return declared.uid(uid, data)
        account, keys, key = uid.rpartition("/keys/")
        if "@" not in names.last(account):
            return uid
        owner = TYPES["iam.googleapis.com/ServiceAccount"]
        return f"{owner.uid(account, self.get(owner, account))}{keys}{key}"

    def _from_history(self, ref: ResourceRef, now: datetime) -> Resource:
        last = None
        for version in self._historian.past(ref, now - RECENT, now):
            last = version
        if last is None or last.resource is None:
            raise Unavailable(
                f"{ref.uid}: Cloud Asset does not show it at present, and it lags behind; whether it exists cannot be told.",
                hint="It will be seen by the next complete reading of its scope.",
                code="NOT_SHOWN",
            )
        return replace(last.resource, ref=replace(last.resource.ref, account=ref.account))


def declared_type(ref: ResourceRef) -> AssetType | None:
    """The declaration of a ref's type; None if we have none. Raises Refused for a ref of another cloud."""
    if ref.provider != PROVIDER:
        raise Refused(f"{ref.uid} is a resource of {ref.provider}, not of Google Cloud.")
    return TYPES.get(ref.type)


def rest_path(uid: str) -> str:
    """A full name's path, as a URL takes it."""
    try:
        return quote(names.split(uid)[1], safe="/@:")
    except ValueError as error:
        raise Refused(str(error)) from error
