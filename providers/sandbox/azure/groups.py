"""The management groups of the emulated Azure: a tree with the tenant's root group on top and subscriptions as leaves."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Any, Final

TENANT: Final = "5b2d6c1e-0000-4000-8000-000000000001"
_PREFIX: Final = "/providers/Microsoft.Management/managementGroups/"


class ManagementGroups:
    """The tree. A subscription that was put nowhere is below the root. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: dict[str, str] = {TENANT: "Tenant Root Group"}
        self._parents: dict[str, str] = {}
        self._homes: dict[str, str] = {}
        self.hidden: set[str] = set()
        """Groups the caller may not see; those below them it may."""
        self.tenants: set[str] = {TENANT}
        """Whose tree it is; with a second tenant, one whose groups have the same ids."""

    def add(self, group: str, name: str, parent: str = TENANT) -> None:
        """Create a group below another."""
        with self._lock:
            self._names[group] = name
            self._parents[group] = parent

    def known(self, group: str) -> bool:
        """Whether there is such a group."""
        with self._lock:
            return any(name.lower() == group.lower() for name in self._names)

    def move(self, subscription: str, group: str) -> None:
        """Put a subscription below a group."""
        with self._lock:
            self._homes[subscription.lower()] = group

    def ancestors(self, subscription: str) -> list[dict[str, str]]:
        """The groups a subscription is below, the nearest first, as Resource Graph tells them."""
        with self._lock:
            group: str | None = self._homes.get(subscription.lower(), TENANT)
            chain = []
            while group is not None:
                chain.append({"name": group, "displayName": self._names[group]})
                group = self._parents.get(group)
        return chain

    def documents(self) -> list[dict[str, Any]]:
        """Every group as ARM lists it."""
        with self._lock:
            visible = (group for group in sorted(self._names) if group not in self.hidden)
            return [_document(group, self._names[group]) for group in visible]

    def document(self, group: str) -> dict[str, Any]:
        """One group. Raises LookupError."""
        with self._lock:
            spelled = self._spelled(group)
            if spelled in self.hidden:
                raise LookupError(group)
            parent = self._parents.get(spelled)
            document = _document(spelled, self._names[spelled])
            details: dict[str, Any] = {
                "version": 1,
                "updatedTime": "2025-02-03T08:00:00Z",
                "updatedBy": "terraform",
            }
            if parent is not None:
                above = self._names[parent]
                details["parent"] = {"id": f"{_PREFIX}{parent}", "name": parent, "displayName": above}
            document["properties"]["details"] = details
            return document

    def scopes(self, group: str, condition: str | None) -> list[str]:
        """The scopes whose assignments a ``$filter`` asks for at a group, lower-cased: its own, with ``atScope()`` also those
        above it up to the tenant's root, which is empty. Raises LookupError; ValueError for a filter we do not know."""
        if condition not in (None, "atScope()", "atExactScope()"):
            raise ValueError(condition)
        with self._lock:
            line = self._line(self._spelled(group))
        line = [f"{_PREFIX}{one}".lower() for one in line]
        return [*line, ""] if condition == "atScope()" else line[:1]

    def descendants(self, group: str, subscriptions: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Groups and subscriptions below a group, however deep. Raises LookupError."""
        with self._lock:
            spelled = self._spelled(group)
        out: list[dict[str, Any]] = []
        with self._lock:
            for one, name in sorted(self._names.items()):
                if one != spelled and spelled in self._line(one):
                    out.append({**_document(one, name), "properties": _below(name, self._parents[one])})
            for subscription in subscriptions:
                own = subscription["subscriptionId"]
                home = self._homes.get(own.lower(), TENANT)
                if spelled in self._line(home):
                    out.append(
                        {
                            "id": f"/subscriptions/{own}",
                            "type": "/subscriptions",
                            "name": own,
                            "properties": _below(subscription["displayName"], home),
                        }
                    )
        return out

    def _line(self, group: str) -> list[str]:
        line = [group]
        while line[-1] in self._parents:
            line.append(self._parents[line[-1]])
        return line

    def _spelled(self, group: str) -> str:
        found = next((known for known in self._names if known.lower() == group.lower()), None)
        if found is None:
            raise LookupError(group)
        return found


def _document(group: str, name: str) -> dict[str, Any]:
    return {
        "id": f"{_PREFIX}{group}",
        "type": "Microsoft.Management/managementGroups",
        "name": group,
        "properties": {"tenantId": TENANT, "displayName": name},
    }


def _below(name: str, parent: str) -> dict[str, Any]:
    return {"displayName": name, "parent": {"id": f"{_PREFIX}{parent}"}}
