"""Which configuration is in force, and since when: an entry of the ledger at each start and each reload, also a refused one.

The entry says who (user, process, host), the digest of the whole effective configuration and of the policies, and what is
different from what was in force before, also across restarts. Secrets are not in it: they are references in the configuration,
and what looks like one in a free-form option is hidden. A hidden value that changed is told as changed, from hidden to hidden,
while the process lives that saw both.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import orjson

from config.document import Location
from config.secrets import HIDDEN
from config.settings import Settings
from config.shape import dotted, shape_at
from daemon.log import Redactor
from policies.pack import PolicySet
from storage.database import Database
from storage.ledger import Ledger
from storage.state import State

NAMED = 200
"""How many changed policies of each kind, or problems, an entry names; it always says how many there are."""
LONGEST = 4_000
"""Bytes of JSON a value may have in an entry; a longer one is told by its digest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """A configuration as the ledger may tell it."""

    settings: Mapping[str, Any]
    """Option -> value, without secrets."""
    policies: Mapping[str, str]
    """Policy id -> digest."""
    checkouts: Mapping[str, str]
    """Name of each pinned checkout -> the commit its policies are from."""
    exact: Mapping[str, bytes]
    """Option -> digest of the value with whatever it holds. Never stored."""

    @classmethod
    def of(cls, settings: Settings, policies: PolicySet, redact: Callable[[str], str]) -> InForce:
        """What is in force with these settings and policies."""
        shown, exact = {}, {}
        redactor = Redactor(redact)
        for at, value in _leaves(settings.model_dump(mode="json"), ()):
            name = dotted(at)
            exact[name] = hashlib.sha256(_json(value)).digest()
            # Our own options hold no secret but by reference; in what is free-form, a name may give one away.
            key = str(at[-1]) if _free(at) else "value"
            shown[name] = redactor(None, "", {key: value})[key]
        digests = {policy.id: policy.digest.hex()[:16] for policy in policies.policies}
        return cls(settings=shown, policies=digests, checkouts=policies.checkouts, exact=exact)

    def saved(self) -> dict[str, Any]:
        """As JSON values."""
        return {"settings": self.settings, "policies": self.policies}


class Record:
    """Enters into the ledger what comes into force."""

    def __init__(self, database: Database, instance: str, version: str) -> None:
        self._database = database
        self._state = State(database)
        self._ledger = Ledger(database)
        self._instance = instance
        self._version = version
        self._now: InForce | None = None

    def enter(self, kind: Literal["start", "configuration"], fresh: InForce, at: datetime) -> None:
        """Write the entry, and remember what is in force for the next one, at once or not at all. Raises StorageError."""
        key = f"in-force.{self._instance}"
        with self._database.write():
            stored = self._state.get(key)
            before = {"settings": {}, "policies": {}} if stored is None else stored
            detail = {
                "version": self._version,
                "by": who(),
                "configuration": _digest(fresh.settings),
                "first": stored is None,
                "changed": dict(self._changed(before["settings"], fresh)),
                "policies": _policies(before["policies"], fresh.policies) | {"checkouts": fresh.checkouts},
            }
            if stored is None:
                # The first time, what differs from nothing is all of it; what differs from the defaults is what was said.
                detail["changed"] = dict(_changes(_defaults(), fresh.settings))
            self._ledger.append(kind, f"watchstander/{self._instance}", "daemon", detail, at)
            if stored != fresh.saved():
                self._state.set(key, fresh.saved(), at)
        self._now = fresh

    def refuse(self, problems: Sequence[str], at: datetime) -> None:
        """Enter that another configuration was read and not put in force. Raises StorageError."""
        detail = {"version": self._version, "by": who(), "problems": problems[:NAMED], "count": len(problems)}
        self._ledger.append("configuration-refused", f"watchstander/{self._instance}", "daemon", detail, at)

    def _changed(self, before: Mapping[str, Any], fresh: InForce) -> Iterator[tuple[str, dict[str, Any]]]:
        yield from _changes(before, fresh.settings)
        if self._now is None:
            return
        for name, digest in fresh.exact.items():
            unseen = before.get(name) == fresh.settings[name]
            if unseen and self._now.exact.get(name, digest) != digest:
                yield name, {"from": HIDDEN, "to": HIDDEN}


def who() -> dict[str, Any]:
    """The operating system's user, this process and this host."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        user = str(os.getuid())
    return {"user": user, "pid": os.getpid(), "host": socket.gethostname()}


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old != new:
            yield name, {"from": _short(old), "to": _short(new)}


def _policies(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, Any]:
    kinds = {
        "added": sorted(after.keys() - before.keys()),
        "removed": sorted(before.keys() - after.keys()),
        "changed": sorted(name for name in before.keys() & after.keys() if before[name] != after[name]),
    }
    told: dict[str, Any] = {"count": len(after), "digest": _digest(after)}
    for kind, names in kinds.items():
        told[kind] = len(names)
        if names and len(names) < len(after):
            told[f"{kind}_ids"] = names[:NAMED]
    return told


def _defaults() -> dict[str, Any]:
    return {dotted(at): value for at, value in _leaves(Settings().model_dump(mode="json"), ())}


def _leaves(value: Any, at: Location) -> Iterator[tuple[Location, Any]]:
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _leaves(item, (*at, key))
    else:
        yield at, value


def _free(at: Location) -> bool:
    """Whether a place is below an option that may hold anything."""
    shape = shape_at(at)
    return shape is None or shape.type is Any


def _short(value: Any) -> Any:
    data = _json(value)
    return value if len(data) <= LONGEST else f"sha256:{hashlib.sha256(data).hexdigest()}"


def _digest(value: Any) -> str:
    return hashlib.sha256(_json(value)).hexdigest()


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
