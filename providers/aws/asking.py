"""Asking: one declared call, what its answer holds, and what its errors mean.

Nothing here knows of scopes or resources; :mod:`providers.aws.reader` puts the answers together.
"""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from config.clouds import AwsSettings
from providers.aws.catalog.declare import Batch, Call, ResourceType, compiled, fields_of
from providers.aws.session import Place, Sessions
from providers.aws.shared import SharedAnswers
from providers.errors import Denied, Expired, NotEnabled, ProviderError, Throttled, TimedOut, Unavailable


class Group:
    """Items of a page that are asked about together: the first one that needs a batched detail asks for all."""

    def __init__(self, items: Sequence[Mapping[str, Any]]) -> None:
        self.items = items
        self._lock = threading.Lock()
        self._answers: dict[str, Mapping[Any, Any] | ProviderError] = {}

    def answer(self, call: Call, ask: Callable[[], Mapping[Any, Any]]) -> Mapping[Any, Any]:
        """What ``call`` answered for the whole group, by key. Raises the ProviderError it ended in, each time."""
        with self._lock:
            found = self._answers.get(call.into)
            if found is None:
                try:
                    found = ask()
                except ProviderError as error:
                    found = error
                self._answers[call.into] = found
        if isinstance(found, ProviderError):
            raise found
        return found


class Asker:
    """Asks what declarations declare. Safe to use from any thread."""

    def __init__(self, settings: AwsSettings, sessions: Sessions) -> None:
        self._settings = settings
        self._sessions = sessions
        self.shared = SharedAnswers(sessions.monotonic)

    def answers(
        self, call: Call, place: Place, service: str, parameters: Mapping[str, Any], deadline: float
    ) -> Iterator[Any]:
        """What each page of a call's answer holds of what is wanted. Raises ProviderError."""
        try:
            for page in self._pages(call, place, service, parameters, deadline):
                yield decoded(call, compiled(call.result).search(page))
        except ProviderError as error:
            if says(error, call.not_enabled):
                raise NotEnabled(error.message, code=error.code) from error
            if not says(error, call.unprepared):
                raise
            # The service makes it now; it is there soon, and the next reading finds it.
            self._sessions.call(place, service, call.prepare, deadline=deadline)
            for page in self._pages(call, place, service, parameters, deadline):
                yield decoded(call, compiled(call.result).search(page))

    def _pages(
        self, call: Call, place: Place, service: str, parameters: Mapping[str, Any], deadline: float
    ) -> Iterator[Mapping[str, Any]]:
        parameter, path = call.token
        if not parameter:
            yield from self._sessions.pages(place, service, call.operation, parameters, deadline=deadline)
            return
        token: Any = None
        while True:
            asked = {**parameters, parameter: token} if token else parameters
            page = self._sessions.call(place, service, call.operation, asked, deadline=deadline)
            page.pop("_request_id", None)
            yield page
            before, token = token, compiled(path).search(page)
            if not token:
                return
            if token == before:
                raise Unavailable(f"{call.operation} gave the same page token twice.", code="SameToken")

    def ready(self, call: Call, unread: Mapping[str, str]) -> None:
        """Raises Unavailable where what the call depends on could not be read."""
        needed = frozenset[str]().union(
            *(fields_of(path) for path in (call.when or "@", *call.parameters.values()))
        )
        for name in needed & unread.keys():
            raise Unavailable(
                f"not asked, since {name} could not be read: {unread[name]}", code="DependsOnUnread"
            )

    def detail(
        self,
        declared: ResourceType,
        call: Call,
        place: Place,
        context: Mapping[str, Any],
        deadline: float,
    ) -> Any:
        """What one detail call tells of an item; None where there is none. Raises ProviderError."""
        if call.when and not compiled(call.when).search(context):
            return None
        try:
            return self.ask(declared, call, place, self.parameters(call, context), deadline)
        except ProviderError as error:
            if says(error, call.absent):
                return None
            raise

    def batched(
        self,
        declared: ResourceType,
        call: Call,
        batch: Batch,
        place: Place,
        context: Mapping[str, Any],
        group: Group,
        deadline: float,
    ) -> Any:
        """A detail that is asked for the whole group. Where that fails for a reason that may be one item's (it has just
        been deleted), this item is asked about alone."""

        def ask(contexts: Sequence[Mapping[str, Any]]) -> Mapping[Any, Any]:
            every = [self.parameters(call, one) for one in contexts]
            name = batch.parameter
            parameters = {**every[0], name: [key for one in every for key in one[name]]}
            found = self.ask(declared, call, place, parameters, deadline) or []
            return {compiled(batch.by).search(entry): compiled(batch.value).search(entry) for entry in found}

        try:
            answer = group.answer(
                call, lambda: ask([self.identified(declared, place, one) for one in group.items])
            )
        except (Denied, Throttled, Expired, TimedOut, NotEnabled):
            raise
        except ProviderError:
            if len(group.items) == 1:
                raise
            answer = ask([context])
        key = compiled(batch.key).search(context)
        if key not in answer:
            raise Unavailable(f"{call.operation} answered without {key}.", code="EmptyAnswer")
        return answer[key]

    def ask(
        self, declared: ResourceType, call: Call, place: Place, parameters: Mapping[str, Any], deadline: float
    ) -> Any:
        """What a call answers, its pages put together."""
        if call.shared:
            key = (place.region, call.service or declared.service, call.operation, tuple(parameters.items()))
            return self.shared.get(
                place.account,
                key,
                declared.type,
                lambda: self._together(declared, call, place, parameters, deadline),
            )
        return self._together(declared, call, place, parameters, deadline)

    def _together(
        self, declared: ResourceType, call: Call, place: Place, parameters: Mapping[str, Any], deadline: float
    ) -> Any:
        found: Any = None
        service = call.service or declared.service
        for part in self.answers(call, place, service, parameters, deadline):
            found = found + part if isinstance(found, list) and isinstance(part, list) else found or part
        return found

    def parameters(self, call: Call, context: Mapping[str, Any]) -> dict[str, Any]:
        """A call's parameters for an item. Raises Unavailable where one is not known."""
        parameters = {name: compiled(path).search(context) for name, path in call.parameters.items()}
        for name, value in parameters.items():
            if value is None:
                raise Unavailable(
                    f"{call.operation} cannot be asked: {name} is not known.", code="UnknownParameter"
                )
        return parameters

    def context(self, place: Place, item: Mapping[str, Any], arn: str) -> dict[str, Any]:
        """What a declaration's paths may speak of: the item, and where it is."""
        return {
            **item,
            "_account": place.account,
            "_region": place.region,
            "_partition": self._settings.partition,
            "_arn": arn,
        }

    def identified(self, declared: ResourceType, place: Place, item: Mapping[str, Any]) -> dict[str, Any]:
        """The context of an item with its ARN and the ARN's parts. Raises Unavailable where the item lacks them."""
        context = self.context(place, item, "")
        try:
            arn = declared.build_arn(context)
        except KeyError as error:
            raise Unavailable(
                f"{declared.type}: an item without {error.args[0]!r}.", code="UnidentifiedItem"
            ) from error
        parts = declared.parse_arn(arn) or {}
        hidden = {
            name: value for name, value in parts.items() if name.startswith("_") and name not in context
        }
        return context | hidden | {"_arn": arn}


def grouped(
    declared: ResourceType, items: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[Mapping[str, Any], Group]]:
    """Each item with those it is asked about together with."""
    sizes = [call.batch.size for call in declared.details if call.batch is not None]
    size = min(sizes, default=1)
    for start in range(0, len(items), size):
        group = Group(items[start : start + size])
        for item in group.items:
            yield item, group


def says(error: ProviderError, codes: frozenset[str]) -> bool:
    """Whether an error is one of the codes, each perhaps with a part of its message."""
    if error.code is None:
        return False
    if error.code in codes:
        return True
    return any(
        error.code == code and part in error.message
        for code, colon, part in (entry.partition(": ") for entry in codes)
        if colon
    )


def parse_json(document: dict[str, Any], paths: frozenset[str]) -> None:
    """Put in the place of JSON in a string, at dotted paths, what it says; what is not JSON stays as it is."""
    for path in paths:
        *above, last = path.split(".")
        holder: Any = document
        for index, key in enumerate(above):
            holder = holder.get(key) if isinstance(holder, Mapping) else None
            if isinstance(holder, Mapping):
                copied = dict(holder)
                _set(document, above[: index + 1], copied)
                holder = copied
        if isinstance(holder, dict) and isinstance(holder.get(last), str):
            try:
                holder[last] = orjson.loads(holder[last])
            except orjson.JSONDecodeError:
                continue


def _set(document: dict[str, Any], path: Sequence[str], value: Any) -> None:
    for key in path[:-1]:
        document = document[key]
    document[path[-1]] = value


def decoded(call: Call, found: Any) -> Any:
    """What JSON or CSV in a string says. Raises Unavailable."""
    if call.csv and isinstance(found, bytes | str):
        text = found.decode() if isinstance(found, bytes) else found
        return list(csv.DictReader(io.StringIO(text)))
    if call.json and isinstance(found, str):
        try:
            return orjson.loads(found)
        except orjson.JSONDecodeError as error:
            raise Unavailable(
                f"{call.operation} answered what is not JSON: {error}", code="NotJson"
            ) from error
    return found
