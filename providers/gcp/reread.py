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
from providers.gcp.contents import ORG_POLICY, unasked
from providers.gcp.document import PROVIDER, document, resource
from providers.gcp.join import IAM_UNREAD
from providers.gcp.past import Historian
from providers.gcp.session import Session
from providers.resource import Resource, ResourceRef

ORG_UNREAD: Final = ORG_POLICY.fields["cloudresourcemanager.googleapis.com/Project"]
RECENT: Final = timedelta(minutes=10)
"""How far back Cloud Asset's history is asked for a type we cannot GET."""


class Rereader:
    """Reads single resources through a session."""

    def __init__(self, session: Session, historian: Historian, *, os_inventory: bool = False) -> None:
        self._session = session
        self._historian = historian
        self._os_inventory = os_inventory

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
        unread |= unasked(declared.type, "it is read with its scope only", os_inventory=self._os_inventory)
        parts: dict[str, Any] = {}
        if declared.constraints is not None:
            try:
                parts |= self._constraints(declared, ref.uid)
                del unread[ORG_UNREAD]
            except Gone:
                raise
            except ProviderError as error:
                unread[ORG_UNREAD] = error.message
        content = document(
            name=uid, asset_type=declared.type, data=data, location=None, policy=policy, parts=parts
        )
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

    def _constraints(self, declared: AssetType, uid: str) -> dict[str, Any]:
        """The organisation policies set on the resource itself, as its document has them. Raises ProviderError."""
        assert declared.constraints is not None
        found: list[Any] = []
        token: str | None = None
        while True:
            body: dict[str, Any] = {"pageToken": token} if token else {}
            path = declared.constraints.path.format(path=rest_path(uid))
            answer = self._session.rest(declared.constraints.method, declared.service, path, body=body)
            found += answer.get("policies") or []
            token = answer.get("nextPageToken")
            if not token:
                return {ORG_UNREAD: found} if found else {}

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
        [told] = self._historian.past([ref], now - RECENT, now)
        if told.error is not None:
            raise told.error
        last = told.versions[-1] if told.versions else None
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
