"""A whole organisation from one place: the resources that an AWS Config aggregator knows, a hundred in a page.

One scope is one type over all accounts and regions of the aggregator; its account is ``aggregator/NAME``. Config's items are
brought to the form of the describe calls (:mod:`providers.aws.export`); what Config does not hold is unread.

An aggregator copies what recorders tell it, and says how each copying went. A reading is complete only if all went well: an
account it has lost is not an account without resources. It is read whole, whatever accounts and regions are configured, so
that no narrower configuration makes the rest look deleted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from config.clouds import AwsSettings
from config.errors import UsageError
from providers.aws.config_forms import FORMS
from providers.aws.export import Passed, resource_of
from providers.aws.role import matches
from providers.aws.session import Place, Sessions
from providers.errors import ProviderError, Unavailable
from providers.normalise import timestamp
from providers.provider import Selection
from providers.resource import ANY, Coverage, CoverageStatus, Reading, Resource, Scope

PREFIX: Final = "aggregator/"
CONFIRMATIONS: Final = 2
"""An aggregator follows its recorders with a lag, so one miss is no proof of a deletion."""
PAGE: Final = 100
_FIELDS: Final = (
    "accountId, awsRegion, arn, resourceId, resourceName, resourceType, configurationItemCaptureTime, "
    "configurationItemStatus, tags, configuration, supplementaryConfiguration"
)


def aggregated(settings: AwsSettings) -> dict[str, str]:
    """The types that a configuration reads from its aggregator: ours -> Config's. Those of which Config holds only some fields
    are taken only where they are named: the describe calls tell more."""
    if "config" not in settings.sources:
        return {}
    return {
        form.type: theirs
        for theirs, form in sorted(FORMS.items())
        if matches(form.type, settings.aggregator.types, empty=form.fields is None)
        and matches(form.type, settings.types, empty=True)
        and not matches(form.type, settings.exclude_types, empty=False)
    }


class Aggregator:
    """Reads types from the configured aggregator. Safe to use from any thread."""

    def __init__(self, settings: AwsSettings, sessions: Sessions) -> None:
        self._settings = settings
        self._sessions = sessions
        self._types = aggregated(settings)

    @property
    def types(self) -> frozenset[str]:
        """The types that are read here, and therefore not by describe calls."""
        return frozenset(self._types)

    @property
    def account(self) -> str:
        """The account that its scopes have."""
        return f"{PREFIX}{self._settings.aggregator.name}"

    def accounts(self) -> frozenset[str]:
        """The accounts whose resources it has. Raises ProviderError."""
        if not self._types:
            return frozenset()
        deadline = self._sessions.monotonic() + self._settings.budget.scope_deadline.total_seconds()
        sources = self._source_statuses(deadline)
        return frozenset(str(one.get("SourceId")) for one in sources if one.get("SourceType") == "ACCOUNT")

    @staticmethod
    def reads(scope: Scope) -> bool:
        """Whether a scope is one of an aggregator."""
        return scope.account.startswith(PREFIX)

    def scopes(self, selection: Selection) -> list[Scope]:
        """One a type. A selection of accounts leaves the aggregator out unless it names it."""
        if selection.accounts and self.account not in selection.accounts:
            return []
        return [
            Scope("aws", self.account, ANY, type_)
            for type_ in sorted(self._types)
            if matches(type_, selection.types, empty=True)
        ]

    def read(self, scope: Scope) -> Reading:
        """One pass over a type; streams, and never raises for what AWS does."""
        return Reading(scope, self._stream(scope))

    def _stream(self, scope: Scope) -> Iterator[Resource | Coverage]:
        read = unread = 0
        passed = Passed()
        failure: ProviderError | None = None
        lost: str | None = None
        as_of: datetime | None = None
        deadline = self._sessions.monotonic() + self._settings.budget.scope_deadline.total_seconds()
        try:
            # Before the listing: what a source lost meanwhile is then still said.
            as_of, lost = self._sources(deadline)
            for item in self._items(scope, deadline):
                resource = _resource(item, passed)
                if resource is not None:
                    read += 1
                    unread += bool(resource.unread)
                    yield resource
        except ProviderError as error:
            failure = error
        yield _coverage(scope, failure, lost or _unusable(passed), as_of, (read, unread))

    @property
    def _place(self) -> Place:
        aggregator = self._settings.aggregator
        return Place(aggregator.account or "", aggregator.region or self._sessions.home_region)

    def _items(self, scope: Scope, deadline: float) -> Iterator[Mapping[str, Any]]:
        theirs = self._types.get(scope.type)
        if theirs is None or scope.account != self.account:
            raise Unavailable(f"{scope} is not read from the configured aggregator.", code="NotConfigured")
        parameters = {
            "Expression": f"SELECT {_FIELDS} WHERE resourceType = '{theirs}'",
            "ConfigurationAggregatorName": self._settings.aggregator.name,
            "Limit": PAGE,
        }
        for page in self._sessions.pages(
            self._place, "config", "SelectAggregateResourceConfig", parameters, deadline=deadline
        ):
            for text in page.get("Results", ()):
                try:
                    item = orjson.loads(text)
                except orjson.JSONDecodeError as error:
                    raise Unavailable(
                        f"The aggregator's answer is not JSON: {error}.", code="BadItem"
                    ) from error
                if not isinstance(item, dict):
                    raise Unavailable("The aggregator's answer is no object.", code="BadItem")
                yield item

    def _sources(self, deadline: float) -> tuple[datetime | None, str | None]:
        """Since when everything the aggregator says holds at the latest, and what it has not got in time, if anything."""
        oldest: datetime | None = None
        lost: list[str] = []
        known = 0
        for source in self._source_statuses(deadline):
            known += 1
            at = source.get("LastUpdateTime")
            if source.get("LastUpdateStatus") != "SUCCEEDED":
                where = f"{source.get('SourceId')}/{source.get('AwsRegion', ANY)}"
                lost.append(f"{where} {str(source.get('LastUpdateStatus')).lower()} {_why(source)}".strip())
            elif isinstance(at, datetime):
                at = at.astimezone(UTC)
                oldest = at if oldest is None else min(oldest, at)
        if not known:
            name = self._settings.aggregator.name
            return None, f"the aggregator {name} has no sources, so it proves nothing"
        if not lost:
            return oldest, None
        more = f" and {len(lost) - 3} more" if len(lost) > 3 else ""
        return oldest, f"the aggregator has not the newest of {', '.join(lost[:3])}{more}"

    def _source_statuses(self, deadline: float) -> Iterator[Mapping[str, Any]]:
        """How the copying went, by account and region. Raises ProviderError."""
        parameters = {"ConfigurationAggregatorName": self._settings.aggregator.name, "Limit": PAGE}
        for page in self._sessions.pages(
            self._place,
            "config",
            "DescribeConfigurationAggregatorSourcesStatus",
            parameters,
            deadline=deadline,
        ):
            yield from page.get("AggregatedSourceStatusList", ())


def _why(source: Mapping[str, Any]) -> str:
    code = source.get("LastErrorCode")
    return f"({code})" if code else ""


def _resource(item: Mapping[str, Any], passed: Passed) -> Resource | None:
    where = f"the aggregator's item {item.get('arn') or item.get('resourceId')}"
    tags = item.get("tags")
    if isinstance(tags, list):
        # A query tells tags as a list, an item as a map.
        tags = {
            str(tag["key"]): str(tag.get("value") or "")
            for tag in tags
            if isinstance(tag, dict) and "key" in tag
        }
    try:
        return resource_of({**item, "tags": tags}, where, passed)
    except UsageError as error:
        raise Unavailable(error.message, code="BadItem") from error


def _unusable(passed: Passed) -> str | None:
    """Items that say nothing of a resource which is perhaps there."""
    rest = Counter(passed.unusable)
    rest.pop("deleted", None)
    if not rest:
        return None
    return f"of {sum(rest.values())} items it cannot be told what they are: {', '.join(sorted(rest))}"


def _coverage(
    scope: Scope,
    failure: ProviderError | None,
    lost: str | None,
    as_of: datetime | None,
    counts: tuple[int, int],
) -> Coverage:
    read, unread = counts
    if failure is not None:
        status = CoverageStatus.PARTIAL if read else failure.coverage
        cause: str | None = failure.message
    elif lost is not None:
        status, cause = CoverageStatus.PARTIAL, lost
    else:
        status = CoverageStatus.COMPLETE
        cause = f"as AWS Config's aggregator knew it at {timestamp(as_of)}" if as_of is not None else None
    return Coverage(
        scope=scope,
        status=status,
        read=read,
        details_unread=unread,
        cause=cause,
        permission=failure.permission if failure is not None else None,
    )
