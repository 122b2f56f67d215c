"""The past as Resource Graph remembers it: ``resourcechanges``, fourteen days, told as versions.

Azure keeps no old documents, only what changed: path, previous value, new value, as text. So versions are rebuilt
backwards, from the resource as it is now, undoing one change after another. Where a change cannot be undone exactly
(its values were cut, or do not fit what we hold), the field is marked *unread* from there on back: unknown, not guessed.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from providers.azure.document import resource_of
from providers.azure.names import ResourceId
from providers.azure.reader import quoted
from providers.azure.reread import fetch, identity_of
from providers.azure.session import Session
from providers.azure.versions import Versions
from providers.errors import Gone, Unavailable
from providers.provider import PastVersion
from providers.resource import Resource, ResourceRef

RETENTION: Final = timedelta(days=14)
_SEGMENT = re.compile(r"""\[\s*"((?:[^"\\]|\\.)*)"\s*\]|\[\s*'([^']*)'\s*\]|\[(\d+)\]|\.?([^.\[\]]+)""")
_NUMBER = re.compile(r"-?\d{1,18}(?:\.\d{1,18})?")
_MISSING = object()
_MOST_PAGES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One entry of ``resourcechanges``. ``leaves`` is path -> (previous, new), None for *was not there*."""

    at: datetime
    kind: str
    """``Create``, ``Update`` or ``Delete``."""
    actor: str | None
    leaves: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)
    cut: frozenset[str] = frozenset()
    """Paths whose values the service shortened."""


def past(
    session: Session, versions: Versions, ref: ResourceRef, since: datetime, clock: Callable[[], datetime]
) -> list[PastVersion]:
    """Versions since ``since``, oldest first; the first one is how it was at the window's start, if it was there.

    Raises ProviderError.
    """
    identity = identity_of(ref)
    start = max(since.astimezone(UTC), clock() - RETENTION)
    changes = _changes(session, identity, start)
    try:
        present: Mapping[str, Any] | None = fetch(session, versions, identity)
    except Gone:
        present = None
    return rebuild(ref, present, changes, start)


def _changes(session: Session, identity: ResourceId, start: datetime) -> list[Change]:
    query = (
        "resourcechanges"
        f" | where properties.targetResourceId =~ {quoted(identity.uid)}"
        f" | where todatetime(properties.changeAttributes.timestamp) >= datetime({start.strftime('%Y-%m-%dT%H:%M:%SZ')})"
        " | order by id asc"
    )
    rows: list[Mapping[str, Any]] = []
    token: str | None = None
    for _ in range(_MOST_PAGES):
        page = session.query(identity.subscription, query, token)
        rows.extend(page.rows)
        token = page.skip_token
        if token is None:
            if page.truncated or len(rows) < page.total:
                raise Unavailable(f"The changes of {identity.uid} came cut short.", code="ResultTruncated")
            return sorted((change_of(row) for row in rows), key=lambda change: change.at)
    raise Unavailable(f"The changes of {identity.uid} do not end.", code="PagingLoop")


def change_of(row: Mapping[str, Any]) -> Change:
    """Understand one row. Raises Unavailable for one of another form."""
    try:
        properties = row["properties"]
        attributes = properties["changeAttributes"]
        at = datetime.fromisoformat(attributes["timestamp"])
        leaves = properties.get("changes") or {}
        return Change(
            at=at if at.tzinfo else at.replace(tzinfo=UTC),
            kind=str(properties["changeType"]),
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
        for path, (previous, new) in change.leaves.items():
            top = path_of(path)[0] if path_of(path) else ""
            if path in change.cut or not undo(document, path, previous, new):
                unread[str(top)] = f"the change of {path} at {change.at.isoformat()} cannot be undone exactly"
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
    out: list[str | int] = []
    for double, single, index, plain in _SEGMENT.findall(text):
        if index:
            out.append(int(index))
        else:
            out.append(double.replace('\\"', '"') if double else single or plain)
    return tuple(out)


def undo(document: dict[str, Any], path: str, previous: str | None, new: str | None) -> bool:
    """Put the previous value back at a path; False where what we hold is not what the change says it left."""
    steps = path_of(path)
    if not steps:
        return False
    parents: list[tuple[Any, str | int]] = []
    node: Any = document
    for position, step in enumerate(steps[:-1]):
        key, inner = _find(node, step)
        if inner is _MISSING:
            if previous is None:
                return False
            inner = [] if isinstance(steps[position + 1], int) else {}
            if not _put(node, key, inner):
                return False
        parents.append((node, key))
        node = inner
    key, held = _find(node, steps[-1])
    if not _fits(held, new):
        return False
    if previous is None:
        del node[key]
        _prune(parents)
        return True
    if steps[0] == "tags" or isinstance(held, str):
        value: Any = previous
    elif held in (_MISSING, None) and _looks_typed(previous):
        return False  # the text could be a word or a value, and nothing stands there to tell
    else:
        value = _typed(previous, held)
    return _put(node, key, value)


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
        elif isinstance(key, int):
            node.append(value)
        else:
            node.append({"id": key, **value} if isinstance(value, dict) else value)
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
        return held is _MISSING or held is None
    if held is _MISSING or isinstance(held, dict | list):
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
