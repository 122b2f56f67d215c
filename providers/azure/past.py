"""The past as Resource Graph remembers it: ``resourcechanges``, fourteen days, told as versions.

Azure keeps no old documents, only what changed: path, previous value, new value, as text. So versions are rebuilt
backwards, from the resource as it is now, undoing one change after another. Where a change cannot be undone exactly
(its values were cut, or do not fit what we hold), the field is marked *unread* from there on back: unknown, not guessed.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any, Final

from providers.azure.document import resource_of
from providers.azure.names import ResourceId, above
from providers.azure.queries import quoted
from providers.azure.reread import fetch, identity_of
from providers.azure.session import Session
from providers.azure.versions import Versions
from providers.errors import Gone, ProviderError, Refused, Unavailable
from providers.provider import PastVersion, Remembered
from providers.resource import Resource, ResourceRef

RETENTION: Final = timedelta(days=14)
BATCH: Final = 100
"""How many resources one query is about: their ids make some twenty kilobytes of it."""
_SEGMENT = re.compile(r"""\[\s*"((?:[^"\\]|\\.)*)"\s*\]|\[\s*'([^']*)'\s*\]|\[(\d+)\]|\.?([^.\[\]]+)""")
_NUMBER = re.compile(r"-?\d{1,18}(?:\.\d{1,18})?")
_MISSING = object()
_MOST_PAGES = 100
_TOO_MUCH = frozenset({"PagingLoop", "ResultTruncated"})
"""Errors that fewer resources asked for together may be without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One entry of ``resourcechanges``. ``leaves`` is path -> (previous, new), None for *was not there*."""

    target: str
    """The resource's id, in lower case."""
    at: datetime
    kind: str
    """``Create``, ``Update`` or ``Delete``."""
    actor: str | None
    leaves: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)
    cut: frozenset[str] = frozenset()
    """Paths whose values the service shortened."""
    id: str = ""
    operation: str | None = None


def past(
    session: Session,
    versions: Versions,
    refs: Sequence[ResourceRef],
    since: datetime,
    clock: Callable[[], datetime],
) -> Iterator[Remembered]:
    """Of each resource, in their order, the versions since ``since``; the first one is how it was at the window's start, if
    it was there. None of what is above the subscriptions, of which Resource Graph records no changes."""
    start = max(since.astimezone(UTC), clock() - RETENTION)
    named: dict[str, ResourceId] = {}
    refused: dict[str, ProviderError] = {}
    for ref in refs:
        try:
            named[ref.uid] = identity_of(ref)
        except Refused as error:
            refused[ref.uid] = error
    changes: dict[str, list[Change]] = {}
    for some, told in _in_parts(session, [one for one in named.values() if not above(one.account)], start):
        if isinstance(told, ProviderError):
            refused |= {uid: told for uid, identity in named.items() if identity in some}
        else:
            changes |= told

    def versions_of(ref: ResourceRef) -> list[PastVersion]:
        if ref.uid in refused:
            raise refused[ref.uid]
        identity = named[ref.uid]
        if not (told := changes.get(identity.uid)):
            return []  # How it is now need not be asked.
        try:
            present: Mapping[str, Any] | None = fetch(session, versions, identity)
        except Gone:
            present = None
        return rebuild(ref, present, told, start)

    for ref in refs:
        yield Remembered.asked(ref, partial(versions_of, ref))


def _in_parts(
    session: Session, identities: Sequence[ResourceId], start: datetime
) -> Iterator[tuple[Sequence[ResourceId], dict[str, list[Change]] | ProviderError]]:
    """What Resource Graph recorded, asked for all together. Where the answer has no end or is not all there, it is asked for one half
    after the other, so that the resource that has too much to tell costs no other its past."""
    try:
        yield identities, changes_since(session, identities, start)
    except Unavailable as error:
        if error.code not in _TOO_MUCH or len(identities) == 1:
            yield identities, error
            return
        half = len(identities) // 2
        for part in (identities[:half], identities[half:]):
            yield from _in_parts(session, part, start)
    except ProviderError as error:
        yield identities, error


def changes_since(
    session: Session, identities: Sequence[ResourceId], start: datetime
) -> dict[str, list[Change]]:
    """What Resource Graph recorded of each resource, oldest first, by its ``uid``. Raises ProviderError."""
    if not identities:
        return {}
    what = f"The changes of {identities[0].uid}"
    what += f" and {len(identities) - 1} others" if len(identities) > 1 else ""
    query = (
        "resourcechanges"
        f" | where properties.targetResourceId in~ ({', '.join(quoted(one.uid) for one in identities)})"
        f" | where todatetime(properties.changeAttributes.timestamp) >= datetime({start.strftime('%Y-%m-%dT%H:%M:%SZ')})"
        " | order by id asc"
    )
    subscriptions = sorted({one.account for one in identities})
    rows: list[Mapping[str, Any]] = []
    token: str | None = None
    for _ in range(_MOST_PAGES):
        page = session.query_all(subscriptions, query, token)
        rows.extend(page.rows)
        if page.skip_token is not None and page.skip_token == token:
            break
        token = page.skip_token
        if token is None:
            if page.truncated or len(rows) < page.total:
                raise Unavailable(f"{what} came cut short.", code="ResultTruncated")
            found: dict[str, list[Change]] = {one.uid: [] for one in identities}
            for change in sorted(map(change_of, rows), key=lambda change: change.at):
                # Of what was not asked for, nothing is told.
                found.get(change.target, []).append(change)
            return found
    raise Unavailable(f"{what} do not end.", code="PagingLoop")


def change_of(row: Mapping[str, Any]) -> Change:
    """Understand one row. Raises Unavailable for one of another form."""
    try:
        properties = row["properties"]
        attributes = properties["changeAttributes"]
        at = datetime.fromisoformat(attributes["timestamp"])
        leaves = properties.get("changes") or {}
        return Change(
            target=str(properties["targetResourceId"]).lower(),
            at=at if at.tzinfo else at.replace(tzinfo=UTC),
            kind=str(properties["changeType"]),
            id=str(row.get("id") or ""),
            operation=str(attributes["operation"]) if attributes.get("operation") else None,
            actor=_actor(attributes),
            leaves={
                str(p): (_value(v.get("previousValue")), _value(v.get("newValue"))) for p, v in leaves.items()
            },
            cut=frozenset(
                p for p, v in leaves.items() if str(v.get("isTruncated", "false")).lower() == "true"
            ),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Unavailable(f"A row of resourcechanges cannot be understood: {error!r}.") from error


def _actor(attributes: Mapping[str, Any]) -> str | None:
    actor = attributes.get("changedBy")
    return None if actor in (None, "", "Unspecified") else str(actor)


def _value(value: object) -> str | None:
    return None if value is None or value == "null" else str(value)


def rebuild(
    ref: ResourceRef, present: Mapping[str, Any] | None, changes: Iterable[Change], start: datetime
) -> list[PastVersion]:
    """Versions from the present state and the changes (oldest first) that led to it."""
    out: list[PastVersion] = []
    document: dict[str, Any] | None = copy.deepcopy(dict(present)) if present is not None else None
    unread: dict[str, str] = {}
    ordered = list(changes)
    for change in reversed(ordered):
        if change.kind.lower() == "delete":
            # What stood before a deletion is told nowhere.
            out.append(PastVersion(ref=ref, at=change.at, resource=None, actor=change.actor))
            document = None
            continue
        if document is None:
            continue
        out.append(
            PastVersion(ref=ref, at=change.at, resource=_resource(document, unread), actor=change.actor)
        )
        if change.kind.lower() == "create":
            document = None
            continue
        for path in undo_all(document, change):
            top = str(next(iter(path_of(path)), ""))
            unread[top] = f"the change of {path} at {change.at.isoformat()} cannot be undone exactly"
    if document is not None and ordered:
        out.append(PastVersion(ref=ref, at=start, resource=_resource(document, unread)))
    return out[::-1]


def _resource(document: Mapping[str, Any], unread: Mapping[str, str]) -> Resource:
    whole = resource_of(document)
    kept = {key: value for key, value in whole.document.items() if key not in unread}
    return Resource(
        ref=whole.ref,
        name=whole.name,
        document=kept,
        tags={} if "tags" in unread else whole.tags,
        unread=dict(unread),
    )


def path_of(text: str) -> tuple[str | int, ...]:
    """The steps of a path: ``properties.rules["/subscriptions/…"].access`` or ``properties.rules[0].access``."""
    return tuple(step for step, _ in _steps(text))


def _steps(text: str) -> list[tuple[str | int, str]]:
    """The steps of a path, each with the text of the path up to it."""
    out: list[tuple[str | int, str]] = []
    for match in _SEGMENT.finditer(text):
        double, single, index, plain = match.groups()
        step: str | int = int(index) if index else ""
        if not index:
            step = double.replace('\\"', '"') if double else single or plain or ""
        out.append((step, text[: match.end()]))
    return out


def undo_all(document: dict[str, Any], change: Change) -> list[str]:
    """Undo every leaf of a change; the paths for which that could not be done exactly.

    What was inserted goes first, deepest first, so that emptied containers go with it; then what was there comes back,
    outermost first, so that there is something to put it into.
    """
    inserted = [p for p, (previous, _) in change.leaves.items() if previous is None]
    others = [p for p, (previous, _) in change.leaves.items() if previous is not None]
    order = [*sorted(inserted, key=_from_within), *sorted(others, key=_from_without)]
    return [p for p in order if p in change.cut or not undo(document, p, change.leaves)]


def _from_within(path: str) -> tuple[int, bool, list[int], str]:
    """Deepest first, later items before earlier ones, and what an item is known by as the last of it."""
    steps = path_of(path)
    return (-len(steps), steps[-1:] in (("id",), ("name",)), [-s for s in steps if isinstance(s, int)], path)


def _from_without(path: str) -> tuple[int, list[int], str]:
    steps = path_of(path)
    return (len(steps), [s for s in steps if isinstance(s, int)], path)


def undo(document: dict[str, Any], path: str, leaves: Mapping[str, tuple[str | None, str | None]]) -> bool:
    """Put the previous value back at one path; False where what we hold is not what the change says it left."""
    previous, new = leaves[path]
    steps = _steps(path)
    parents = _open(document, path, leaves) if steps else None
    if parents is None:
        return False
    node: Any = parents[-1][0][parents[-1][1]] if parents else document
    key, held = _find(node, steps[-1][0])
    if new is None and previous is not None and held == previous:
        return True  # the item was made with it
    if not _fits(held, new):
        return False
    if previous is None:
        del node[key]
        _prune(parents)
        return True
    if held in (_MISSING, None) and steps[0][0] != "tags" and _looks_typed(previous):
        return False  # the text could be a word or a value, and nothing stands there to tell
    text = steps[0][0] == "tags" or isinstance(held, str)
    return _put(node, key, previous if text else _typed(previous, held))


def _open(
    document: dict[str, Any], path: str, leaves: Mapping[str, tuple[str | None, str | None]]
) -> list[tuple[Any, str | int]] | None:
    """The containers on the way to a leaf, each as (container, key), made where a value is to come back; None where
    they are not there and cannot be made."""
    parents: list[tuple[Any, str | int]] = []
    node: Any = document
    for (step, so_far), (following, _) in pairwise(_steps(path)):
        key, inner = _find(node, step)
        if inner is _MISSING:
            if leaves[path][0] is None:
                return None
            inner = [] if isinstance(following, int) or path.startswith(f'{so_far}["/') else {}
            if isinstance(node, list) and isinstance(step, str):
                name = next((n for n in ("id", "name") if f"{so_far}.{n}" in leaves), None)
                if name is None:
                    return None  # an item came back, but nothing says by what it is known
                inner = {name: step}
            if not _put(node, key, inner):
                return None
            key = len(node) - 1 if isinstance(node, list) else key
        parents.append((node, key))
        node = inner
    return parents


def _find(node: Any, step: str | int) -> tuple[str | int, Any]:
    """The real key or index of a step in a node, and what is there."""
    if isinstance(node, dict):
        if step in node:
            return step, node[step]
        lowered = str(step).lower()
        key = next((k for k in node if k.lower() == lowered), str(step))
        return key, node.get(key, _MISSING)
    if isinstance(node, list):
        if isinstance(step, int):
            return step, node[step] if step < len(node) else _MISSING
        for index, item in enumerate(node):
            names = (item.get("id"), item.get("name")) if isinstance(item, dict) else ()
            if any(isinstance(n, str) and n.lower() == step.lower() for n in names):
                return index, item
    return step, _MISSING


def _put(node: Any, key: str | int, value: Any) -> bool:
    if isinstance(node, dict):
        node[str(key)] = value
        return True
    if isinstance(node, list):
        if isinstance(key, int) and key < len(node):
            node[key] = value
        else:
            node.append(value)
        return True
    return False


def _prune(parents: list[tuple[Any, str | int]]) -> None:
    """Take away containers that the removal of their last leaf has left empty."""
    for node, key in reversed(parents):
        if node[key] not in ({}, []):
            return
        del node[key]


def _fits(held: Any, new: str | None) -> bool:
    """Whether the value we hold is the one the change says it set."""
    if new is None:
        return held is _MISSING or held in (None, {}, [])
    if isinstance(held, dict | list):
        return not held and new in ("{}", "[]")
    if held is _MISSING:
        return False
    if isinstance(held, bool):
        return new.lower() == str(held).lower()
    if isinstance(held, int | float):
        try:
            return float(new) == float(held)
        except ValueError:
            return False
    return str(held) == new


def _looks_typed(text: str) -> bool:
    return text.lower() in ("true", "false") or _NUMBER.fullmatch(text) is not None


def _typed(text: str, like: Any) -> Any:
    """Text as a value of the kind that stood there; Azure's properties do not change their kind."""
    if isinstance(like, bool) and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if isinstance(like, int | float) and not isinstance(like, bool) and _NUMBER.fullmatch(text):
        return float(text) if isinstance(like, float) or not text.lstrip("-").isdigit() else int(text)
    return {"{}": {}, "[]": []}.get(text, text)
