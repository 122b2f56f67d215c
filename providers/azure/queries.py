"""Which Resource Graph queries list a scope, and what a scope that spans types leaves out on purpose.

Resource Graph has a table for each kind of thing, and no table lists the types of another. A scope over several types asks
every table that may have one of them, each ordered by id so that pages neither repeat nor skip.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from providers.azure.details import DETAILS
from providers.azure.names import GROUP, SUBSCRIPTION
from providers.resource import ANY, GLOBAL, Scope

RESOURCES: Final = "resources"
TABLES: Final = {
    "resourcecontainers": (SUBSCRIPTION, GROUP),
    "authorizationresources": ("microsoft.authorization/*",),
    "policyresources": ("microsoft.authorization/*", "microsoft.policyinsights/*"),
    "securityresources": ("microsoft.security/*",),
}
"""Table -> the types, or prefixes, it may list; :data:`RESOURCES` may list any but those of a table's own."""
TABLE_OF: Final = {
    SUBSCRIPTION: "resourcecontainers",
    GROUP: "resourcecontainers",
    "microsoft.authorization/roleassignments": "authorizationresources",
    "microsoft.authorization/classicadministrators": "authorizationresources",
    "microsoft.authorization/policyassignments": "policyresources",
    "microsoft.authorization/policydefinitions": "policyresources",
    "microsoft.authorization/policysetdefinitions": "policyresources",
    "microsoft.authorization/policyexemptions": "policyresources",
    "microsoft.security/pricings": "securityresources",
    "microsoft.security/assessments": "securityresources",
}
"""Types that are known to be in one table only: asking for one of them costs one query."""
LEFT_OUT: Final = (
    "microsoft.policyinsights/*",
    "microsoft.security/assessments*",
    "microsoft.security/attackpaths",
    "microsoft.security/iotalerts",
    "microsoft.security/locations/*",
    "microsoft.security/regulatorycompliancestandards*",
    "microsoft.security/securescores*",
    "microsoft.security/softwareinventories",
)
"""What Azure itself concluded about resources: many rows a resource, new every day, and no resource. Read only where the
configuration names them; a scope that spans more says nothing about them."""
ORDER: Final = " | order by id asc"


def within(pattern: str, other: str) -> bool:
    """Whether everything ``pattern`` matches, ``other`` matches too."""
    if other.endswith(ANY):
        return pattern.startswith(other[:-1])
    return pattern == other


def excluded_from(scope: Scope, configured: Iterable[str]) -> tuple[str, ...]:
    """The types of which a listing of ``scope`` by Resource Graph says nothing: those the configuration leaves out, those
    that are left out unless named, and those that are read by scopes of their own."""
    if not scope.type.endswith(ANY):
        return ()
    ours = (*LEFT_OUT, *DETAILS)
    own = (p for p in ours if within(p, scope.type) and not within(scope.type, p))
    return tuple(dict.fromkeys((*(t.lower() for t in configured), *own)))


def queries(scope: Scope, excluded: Iterable[str]) -> tuple[str, ...]:
    """The queries that together list a scope, each of one table."""
    rest = "".join(_where_not(pattern) for pattern in excluded) + _where_region(scope.region) + ORDER
    return tuple(f"{table} | {_where(table, scope.type)}{rest}" for table in tables_of(scope.type))


def tables_of(pattern: str) -> tuple[str, ...]:
    """The tables that may list a type, or the types a prefix matches."""
    if pattern in TABLE_OF:
        return (TABLE_OF[pattern],)
    found = [
        table
        for table, theirs in TABLES.items()
        if any(within(pattern, one) or within(one, pattern) for one in theirs)
    ]
    return (*found, RESOURCES)


def _where(table: str, pattern: str) -> str:
    if not pattern.endswith(ANY):
        condition = f"where type =~ {quoted(pattern)}"
    elif table == "resourcecontainers":
        # It has management groups too; they live in no subscription.
        types = ", ".join(quoted(t) for t in TABLES[table] if within(t, pattern))
        condition = f"where type in~ ({types})"
    elif pattern == ANY:
        condition = "where isnotempty(type)"
    else:
        condition = f"where type startswith {quoted(pattern[:-1])}"
    if table in ("authorizationresources", "policyresources"):
        # What is built in, or assigned above, shows in every subscription by the thousand and lives in none.
        condition += " | where id startswith '/subscriptions/'"
    return condition


def _where_not(pattern: str) -> str:
    text = pattern.lower()
    if text.endswith(ANY):
        return f" | where type !startswith {quoted(text[:-1])}"
    return f" | where type !~ {quoted(text)}"


def _where_region(region: str) -> str:
    if region == ANY:
        return ""
    if region == GLOBAL:
        return " | where location =~ 'global' or isempty(location)"
    return f" | where location =~ {quoted(region)}"


def quoted(text: str) -> str:
    """A KQL string: nothing in a type or an id can end it early."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
