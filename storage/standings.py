"""How each policy stands over what is remembered: what fails, what could not be decided, and what cannot be concluded."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from policies.frameworks import Standing
from policies.policy import Policy
from storage.database import Database
from storage.findings import in_force
from storage.joins import Joins
from storage.query import Filter
from storage.tables import APPLIED, DUE, FINDING, JOINED, RESOURCE, SCOPE, UNKNOWN
from storage.times import OPEN

_ANY = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    """What is asked of the store once, for all policies."""

    failing: Mapping[str, int]
    exempt: Mapping[str, int]
    unknown: Mapping[str, int]
    applied: Mapping[str, bytes]
    joined: Collection[str]
    due: Mapping[str, int]
    """Type -> resources that wait to be judged."""
    places: Collection[str]
    """Every type there is or was a resource of."""
    gaps: Mapping[str, tuple[str, ...]]
    """Type -> why it was not read completely, for each account where it was not."""
    read: Collection[str]
    """Types that some account was asked for."""


class Standings:
    """The standing of policies. ``wanted`` narrows to clouds and accounts; its other fields are not looked at."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(
        self, policies: Iterable[Policy], at: datetime, wanted: Filter | None = None
    ) -> dict[str, Standing]:
        """Policy id -> how it stands now. Raises StorageError."""
        judging = list(policies)
        wanted = wanted or Filter()
        facts = self._facts(judging, at, wanted)
        return {policy.id: _standing(policy, facts) for policy in judging}

    def _facts(self, policies: Collection[Policy], at: datetime, wanted: Filter) -> _Facts:
        places = wanted.places()
        findings = (
            sa.select(FINDING.c.policy_id, sa.func.count())
            .select_from(FINDING)
            .join(RESOURCE, RESOURCE.c.id == FINDING.c.resource_id)
            .join(SCOPE, SCOPE.c.id == RESOURCE.c.place_id)
            .where(FINDING.c.resolved_at == OPEN, places)
            .group_by(FINDING.c.policy_id)
        )
        unknown = (
            sa.select(UNKNOWN.c.policy_id, sa.func.count())
            .select_from(UNKNOWN)
            .join(RESOURCE, RESOURCE.c.id == UNKNOWN.c.resource_id)
            .join(SCOPE, SCOPE.c.id == RESOURCE.c.place_id)
            .where(places)
            .group_by(UNKNOWN.c.policy_id)
        )
        due = (
            sa.select(SCOPE.c.type, sa.func.count())
            .select_from(DUE)
            .join(RESOURCE, RESOURCE.c.id == DUE.c.resource_id)
            .join(SCOPE, SCOPE.c.id == RESOURCE.c.place_id)
            .where(places)
            .group_by(SCOPE.c.type)
        )
        with self._database.read() as connection:
            types = set(connection.scalars(sa.select(SCOPE.c.type).distinct()))
            there = {name for name in types if not name.endswith(_ANY)}
            exempt = findings.where(FINDING.c.exemption.in_(in_force(at)))
            counted = [
                {str(name): int(count) for name, count in connection.execute(query)}
                for query in (findings, exempt, unknown, due)
            ]
            applied = connection.execute(sa.select(APPLIED.c.policy_id, APPLIED.c.digest)).all()
            joined = set(connection.scalars(sa.select(JOINED.c.policy_id).distinct()))
        gaps, read = self._coverage({t for p in policies for t in _types(p, there)}, wanted)
        return _Facts(
            failing=counted[0],
            exempt=counted[1],
            unknown=counted[2],
            due=counted[3],
            applied={row.policy_id: bytes(row.digest) for row in applied},
            joined=joined,
            places=there,
            gaps=gaps,
            read=read,
        )

    def _coverage(
        self, types: Collection[str], wanted: Filter
    ) -> tuple[dict[str, tuple[str, ...]], set[str]]:
        gaps: dict[str, list[str]] = {}
        read: set[str] = set()
        for (provider, account), states in Joins(self._database).states(types).items():
            if wanted.providers and provider not in wanted.providers:
                continue
            if wanted.accounts and account not in wanted.accounts:
                continue
            for name, state in states.items():
                read.add(name)
                if state.gap is not None:
                    gaps.setdefault(name, []).append(f"{name} in {account}: {state.gap}")
        return {name: tuple(found) for name, found in gaps.items()}, read


def _types(policy: Policy, there: Collection[str]) -> Iterator[str]:
    """The types a policy judges and joins; of a prefix, those that there are."""
    for name in sorted(policy.types | policy.joins):
        if not name.endswith(_ANY):
            yield name
        else:
            yield from sorted(found for found in there if found.startswith(name[:-1]))


def _standing(policy: Policy, facts: _Facts) -> Standing:
    return Standing(
        failing=facts.failing.get(policy.id, 0),
        exempt=facts.exempt.get(policy.id, 0),
        unknown=facts.unknown.get(policy.id, 0),
        gaps=tuple(_gaps(policy, facts)),
    )


def _gaps(policy: Policy, facts: _Facts) -> Iterator[str]:
    """Why nothing can be concluded from there being no finding."""
    applied: Any = facts.applied.get(policy.id)
    if applied is None and policy.id not in facts.joined:
        yield f"{policy.id} was never applied"
    elif applied is not None and not policy.joins and not applied.startswith(policy.digest):
        yield f"{policy.id} has changed since it was applied"
    types = list(_types(policy, facts.places))
    if not policy.types | policy.joins:
        yield f"{policy.id} names no resource types, so whether they were read cannot be told"
    elif not types:
        yield f"nothing that {policy.id} judges was ever read"
    for name in types:
        if name not in facts.read:
            yield f"{name} was never read"
        yield from facts.gaps.get(name, ())
        if facts.due.get(name):
            yield f"{facts.due[name]} of {name} wait to be judged"
