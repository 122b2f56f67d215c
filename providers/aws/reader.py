"""Reading: a scope's listing, the details of every item, and how far it got.

Items are described in a small pool of threads, a window ahead of the consumer, so that a scope streams: memory holds a
page and a window, never the scope. What a cloud does never raises here. A listing that fails ends in a coverage; a detail
that fails makes that one field of that one resource unread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

from config.clouds import AwsSettings
from providers.aws import cloudcontrol
from providers.aws.asking import Asker, Group, grouped, parse_json, says
from providers.aws.catalog.declare import Placement, ResourceType, compiled
from providers.aws.session import Place, Sessions
from providers.errors import Gone, ProviderError, Refused, TimedOut, Unavailable
from providers.normalise import MAX_DEPTH, DocumentTooDeep, Rules, canonical
from providers.resource import GLOBAL, Coverage, CoverageStatus, Reading, Resource, ResourceRef, Scope

WINDOW: Final = 64
"""Items described ahead of the consumer."""


@dataclass(slots=True)
class _Described:
    """What became of one item of a listing, or of one parent whose children are the items."""

    resources: list[Resource] = field(default_factory=list)
    error: ProviderError | None = None
    late: bool = False
    """Whether a detail was given up because the scope's deadline passed."""


class Reader:
    """Reads declared types. Safe to use from any thread."""

    def __init__(self, settings: AwsSettings, sessions: Sessions, types: Mapping[str, ResourceType]) -> None:
        self._settings = settings
        self._sessions = sessions
        self._types = types
        self._asker = Asker(settings, sessions)
        self._pool = ThreadPoolExecutor(
            max_workers=settings.budget.concurrency, thread_name_prefix="aws-details"
        )

    def close(self) -> None:
        """Finish what is under way and let the threads go."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def forget(self, account: str) -> None:
        """Let no reading use an answer from before now in this account."""
        self._asker.shared.forget(account)

    def read(self, scope: Scope) -> Reading:
        """One pass over a scope."""
        return Reading(scope, self._stream(scope))

    def reread(self, ref: ResourceRef) -> Resource:
        """One resource as it is now. Raises Gone on the service's own word only, else another ProviderError."""
        declared = self._declared(ref.type)
        parts = declared.parse_arn(ref.uid)
        if parts is None:
            raise Refused(f"{ref.uid} is not the ARN of a {declared.title}.", code="WrongTarget")
        place = self._place(declared, ref.account, ref.region)
        self.forget(ref.account)
        deadline = self._deadline()
        known = {key: value for key, value in parts.items() if not key.startswith("_")}
        item: dict[str, Any] = dict(known)
        if declared.get is not None:
            context = self._asker.context(place, parts, ref.uid)
            got = self._prove(declared, ref, place, context, deadline)
            item = known | got
            if declared.reread_by_list:
                item = self._listed(declared, ref, place, deadline)
            elif declared.from_arn:
                item = {name: compiled(path).search(context) for name, path in declared.from_arn.items()}
        described = self._describe(declared, place, item, deadline, Group((item,)))
        if not described.resources:
            raise described.error or Unavailable(
                f"{ref.uid} could not be identified in the service's answer."
            )
        return described.resources[0]

    def _prove(
        self,
        declared: ResourceType,
        ref: ResourceRef,
        place: Place,
        context: Mapping[str, Any],
        deadline: float,
    ) -> dict[str, Any]:
        call = declared.get
        assert call is not None
        try:
            answer = self._asker.ask(declared, call, place, self._asker.parameters(call, context), deadline)
        except ProviderError as error:
            if says(error, call.absent):
                raise Gone(f"{ref.uid} does not exist: {error.message}", code=error.code) from error
            raise
        items = answer if isinstance(answer, list) else [answer] if answer is not None else []
        for item in (_item(declared, item) for item in items):
            if len(items) == 1 and not declared.empty_is_gone:
                return item
            if declared.build_arn({**context, **item}) == ref.uid:
                return item
        if declared.empty_is_gone:
            raise Gone(f"{ref.uid} does not exist: its parent no longer has it.", code="NotListed")
        raise Unavailable(
            f"{call.operation} answered without {ref.uid}; that proves nothing.", code="EmptyAnswer"
        )

    def _listed(
        self, declared: ResourceType, ref: ResourceRef, place: Place, deadline: float
    ) -> dict[str, Any]:
        """The item as the listing tells it, for types whose get answers in another form."""
        for items in self._pages(declared, place, deadline):
            for item in items:
                if declared.build_arn(self._asker.context(place, item, "")) == ref.uid:
                    return dict(item)
        raise Unavailable(
            f"{ref.uid} exists but its listing does not show it yet.",
            hint="IAM is eventually consistent; try again in some seconds.",
            code="NotListedYet",
        )

    # The stream of a scope

    def _stream(self, scope: Scope) -> Iterator[Resource | Coverage]:
        read = unread = 0
        failure: ProviderError | None = None
        late = False
        listing = _Listing()
        try:
            declared = self._declared(scope.type)
            place = self._place(declared, scope.account, scope.region)
        except ProviderError as error:
            yield _coverage(scope, error, listing, read, unread)
            return
        for described in self._ahead(declared, place, listing):
            failure = failure or described.error
            late = late or described.late
            for resource in described.resources:
                read += 1
                unread += bool(resource.unread)
                yield resource
        if listing.error is None and failure is None and late:
            failure = TimedOut(
                "The deadline of the scope passed while details were read.", code="ScopeDeadline"
            )
        yield _coverage(scope, listing.error or failure, listing, read, unread)

    def _ahead(self, declared: ResourceType, place: Place, listing: _Listing) -> Iterator[_Described]:
        """Describe the listing's items in the pool, at most WINDOW ahead; in order. A failed listing leaves its error in
        ``listing``, after what came before it has been handed on.

        Items about which nothing more is asked are described here: what waits for no cloud gains nothing in another thread, and
        loses the interpreter's lock on the way there and back (docs/decisions/0331)."""
        window: deque[Future[_Described]] = deque()
        work: Callable[..., _Described] = self._children if declared.each is not None else self._describe
        asks = declared.each is not None or bool(declared.details)
        deadline = self._deadline()
        pages = self._pages(declared, place, deadline)
        try:
            while True:
                try:
                    page = next(pages, None)
                except ProviderError as error:
                    listing.error = error
                    break
                if page is None:
                    break
                listing.pages += 1
                for item, group in grouped(declared, page):
                    if not asks:
                        yield work(declared, place, item, deadline, group)
                        continue
                    window.append(self._pool.submit(work, declared, place, item, deadline, group))
                    if len(window) >= WINDOW:
                        yield window.popleft().result()
            while window:
                yield window.popleft().result()
        finally:
            for pending in window:
                pending.cancel()

    def _pages(
        self, declared: ResourceType, place: Place, deadline: float
    ) -> Iterator[list[Mapping[str, Any]]]:
        call = declared.list
        if call is None:
            yield [{}]
            return
        parameters = self._asker.parameters(call, self._asker.context(place, {}, ""))
        service = call.service or declared.service
        for found in self._asker.answers(call, place, service, parameters, deadline):
            yield [_item(declared, item) for item in found or []]

    def _children(
        self,
        declared: ResourceType,
        place: Place,
        parent: Mapping[str, Any],
        deadline: float,
        _: Group,
    ) -> _Described:
        call = declared.each
        assert call is not None
        service = call.service or declared.service
        out = _Described()
        try:
            parameters = self._asker.parameters(call, self._asker.context(place, parent, ""))
            pages = (
                iter([self._asker.ask(declared, call, place, parameters, deadline)])
                if call.shared
                else self._asker.answers(call, place, service, parameters, deadline)
            )
            for found in pages:
                inherited = {name: compiled(path).search(parent) for name, path in declared.inherit.items()}
                items = [inherited | _item(declared, item) for item in found or []]
                for item, group in grouped(declared, items):
                    one = self._describe(declared, place, item, deadline, group)
                    out.resources += one.resources
                    out.error = out.error or one.error
                    out.late = out.late or one.late
        except ProviderError as error:
            if not says(error, call.absent):
                out.error = error
        return out

    # One item

    def _describe(
        self,
        declared: ResourceType,
        place: Place,
        item: Mapping[str, Any],
        deadline: float,
        group: Group,
    ) -> _Described:
        document = dict(item)
        region = self._region(declared, place, document)
        here = Place(place.account, place.region if region == GLOBAL else region, place.contain)
        try:
            for call in declared.details:
                if call.first:
                    known = self._asker.context(here, document, "")
                    document[call.into] = self._asker.detail(declared, call, here, known, deadline)
                    if document[call.into] is None:
                        return _Described()  # deleted since it was listed
            context = self._asker.identified(declared, here, document)
        except ProviderError as error:
            return _Described(error=error)
        arn = str(context["_arn"])
        shared = declared.placement is Placement.ORGANIZATION
        if not shared and _owner(arn) not in ("", place.account):
            return _Described()  # shown to us, but another account's (a trail of the organisation)
        unread: dict[str, str] = {}
        late = False
        for call in declared.details:
            if call.first:
                continue
            try:
                self._asker.ready(call, unread)
                if call.batch is not None:
                    found = self._asker.batched(declared, call, call.batch, here, context, group, deadline)
                else:
                    found = self._asker.detail(declared, call, here, context, deadline)
                document[call.into] = context[call.into] = found
            except ProviderError as error:
                unread[call.into] = error.message
                late = late or error.code in ("ScopeDeadline", "BudgetDeadline")
        parse_json(document, declared.json)
        document = _canonical(document, declared.rules, unread)
        resource = Resource(
            ref=ResourceRef(
                provider="aws", account=place.account, region=region, type=declared.type, uid=arn
            ),
            name=str(compiled(declared.name).search(context) or arn),
            document=document,
            tags=tags_of(compiled(declared.tags).search(document)) if declared.tags else {},
            unread=unread,
        )
        return _Described([resource], late=late)

    def _place(self, declared: ResourceType, account: str, region: str) -> Place:
        regional = declared.placement is Placement.REGIONAL
        return Place(account, region if regional else declared.home or self._sessions.home_region)

    def _region(self, declared: ResourceType, place: Place, item: Mapping[str, Any]) -> str:
        if declared.placement is Placement.REGIONAL:
            return place.region
        if declared.placement is Placement.ANYWHERE:
            return str(compiled(declared.region).search(item) or GLOBAL)
        return GLOBAL

    def _declared(self, name: str) -> ResourceType:
        declared = self._types.get(name)
        if declared is None and cloudcontrol.is_name(name):
            declared = cloudcontrol.declared(name)
        if declared is None:
            raise Refused(
                f"{name} is not a declared AWS type.", hint="See docs/providers-aws.md.", code="NoSuchType"
            )
        return declared

    def _deadline(self) -> float:
        return self._sessions.monotonic() + self._settings.budget.scope_deadline.total_seconds()


@dataclass(slots=True)
class _Listing:
    """How far a listing got."""

    pages: int = 0
    error: ProviderError | None = None


def _coverage(
    scope: Scope, error: ProviderError | None, listing: _Listing, read: int, unread: int
) -> Coverage:
    if error is None:
        return Coverage(scope=scope, status=CoverageStatus.COMPLETE, read=read, details_unread=unread)
    status = error.coverage
    if listing.pages and not isinstance(error, TimedOut):
        status = CoverageStatus.PARTIAL
    return Coverage(
        scope=scope,
        status=status,
        read=read,
        details_unread=unread,
        cause=error.message,
        permission=error.permission,
    )


def _item(declared: ResourceType, found: Any) -> dict[str, Any]:
    """What a listing told of an item, as an object."""
    item = dict(found) if isinstance(found, Mapping) else {declared.item: found}
    for name, prefix in declared.trim.items():
        item[name] = str(item[name]).removeprefix(prefix)
    return item


def _owner(arn: str) -> str:
    """The account in an ARN; empty where it names none."""
    parts = arn.split(":", 5)
    return parts[4] if len(parts) == 6 else ""


def _canonical(document: Mapping[str, Any], rules: Rules, unread: dict[str, str]) -> dict[str, Any]:
    """The canonical document. A field nested too deep to be judged is unread, not a reason to lose the resource."""
    document = {key: value for key, value in document.items() if key not in unread}
    try:
        return canonical(document, rules)
    except DocumentTooDeep:
        out: dict[str, Any] = {}
        for key, value in document.items():
            try:
                out |= canonical({key: value}, rules)
            except DocumentTooDeep:
                unread[key] = f"nested deeper than {MAX_DEPTH} levels"
        return canonical(out, rules)


def tags_of(found: Any) -> dict[str, str]:
    """Tags as a map, from a map or from a list of Key and Value in any of the services' spellings."""
    if isinstance(found, Mapping):
        return {str(key): str(value) for key, value in found.items()}
    tags: dict[str, str] = {}
    for tag in found or ():
        key = tag.get("Key", tag.get("TagKey", tag.get("key")))
        value = tag.get("Value", tag.get("TagValue", tag.get("value")))
        if key is not None:
            tags[str(key)] = "" if value is None else str(value)
    return dict(sorted(tags.items()))
