"""Exemptions: a known failure that is borne for a while. Who says so, why, by which ticket, and until when.

An exempt finding is still a finding: it is stored, listed and reported. It asks no hook, and it is not counted as open. An
exemption always ends, at most a year after it was made; it speaks of what it names and of nothing else, so what cannot be
told (an expression that fails) is not exempt.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import jmespath.exceptions

from config.errors import UsageError
from config.expressions import Expression
from providers.normalise import encode, timestamp
from providers.resource import Resource, ResourceRef, aware

LONGEST: Final = timedelta(days=366)
"""The most time between an exemption's making and its end."""
WARN_BEFORE: Final = timedelta(days=14)
"""How long before its end an exemption is warned of."""


class ExemptionRefused(UsageError):
    """An exemption lacks what it must say, or says what cannot be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption:
    """Which findings are borne, and on whose word. Raises ExemptionRefused with everything that is wrong with it.

    ``policy`` and ``resource`` are an id, or a pattern in which ``*`` stands for any text. All that is given must hold.
    ``where`` is a JMESPath expression over the resource (``uid``, ``provider``, ``account``, ``region``, ``type``,
    ``name``, ``tags``, ``document``).
    """

    policy: str
    resource: str | None = None
    account: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    where: str | None = None
    who: str
    why: str
    ticket: str
    created_at: datetime
    until: datetime
    revoked_at: datetime | None = None
    revoked_by: str | None = None
    revoked_why: str | None = None

    def __post_init__(self) -> None:
        wrong = list(self._problems())
        if wrong:
            raise ExemptionRefused(f"The exemption is refused: {'; '.join(wrong)}.")

    def _problems(self) -> Iterator[str]:
        for name in ("policy", "who", "why", "ticket"):
            if not getattr(self, name).strip():
                yield f"it does not say its {name}"
        if not (self.resource or self.account or self.tags or self.where):
            yield "it names no resource, account, tag or expression"
        if aware(self.until, "until") <= aware(self.created_at, "created_at"):
            yield f"its end, {timestamp(self.until)}, is not in the future"
        elif self.until - self.created_at > LONGEST:
            yield f"its end, {timestamp(self.until)}, is more than a year away; it can be renewed then"
        if self.where is not None:
            try:
                Expression(self.where)
            except jmespath.exceptions.JMESPathError as error:
                yield f"{self.where!r} is not a JMESPath expression ({str(error).splitlines()[0]})"

    @property
    def id(self) -> str:
        """A function of what it says: the same word given twice is one exemption."""
        said = [self.policy, self.resource, self.account, dict(self.tags), self.where]
        word = [self.who, self.why, self.ticket, timestamp(self.created_at), timestamp(self.until)]
        return "x-" + base64.b32encode(hashlib.sha256(encode(said + word)).digest()[:10]).decode().lower()

    @property
    def ends(self) -> datetime:
        """When it ends, or was ended."""
        return self.until if self.revoked_at is None else min(self.until, self.revoked_at)

    @property
    def reads_documents(self) -> bool:
        """Whether the resource itself must be looked at."""
        return bool(self.tags) or self.where is not None

    def in_force(self, at: datetime) -> bool:
        """Whether it holds at a time."""
        return self.created_at <= at < self.ends

    def speaks_of(self, policy_id: str, ref: ResourceRef) -> bool:
        """Whether policy, resource and account match; tags and the expression are another matter."""
        return (
            _pattern(self.policy).fullmatch(policy_id) is not None
            and (self.resource is None or _pattern(self.resource).fullmatch(ref.uid) is not None)
            and self.account in (None, ref.account)
        )

    def covers(self, policy_id: str, ref: ResourceRef, record: Mapping[str, Any]) -> bool:
        """Whether it speaks of this policy and resource. ``record``: as the expression sees the resource."""
        if not self.speaks_of(policy_id, ref):
            return False
        tags = record.get("tags") or {}
        if any(tags.get(key) != value for key, value in self.tags.items()):
            return False
        if self.where is None:
            return True
        try:
            return bool(Expression(self.where).search(record))
        except jmespath.exceptions.JMESPathError:
            return False

    @property
    def scope(self) -> str:
        """What it speaks of, in words."""
        parts = [f"policy {self.policy}"]
        parts += [f"resource {self.resource}"] if self.resource else []
        parts += [f"account {self.account}"] if self.account else []
        parts += [f"tag {key}={value}" for key, value in sorted(self.tags.items())]
        parts += [f"where {self.where}"] if self.where else []
        return ", ".join(parts)

    def record(self, at: datetime) -> dict[str, Any]:
        """As JSON values, with how it stands at a time."""
        return {
            "id": self.id,
            "status": self.status(at),
            "policy": self.policy,
            "resource": self.resource,
            "account": self.account,
            "tags": dict(self.tags),
            "where": self.where,
            "who": self.who,
            "why": self.why,
            "ticket": self.ticket,
            "created_at": self.created_at,
            "until": self.until,
            "revoked_at": self.revoked_at,
            "revoked_by": self.revoked_by,
            "revoked_why": self.revoked_why,
        }

    def status(self, at: datetime) -> str:
        """``in force``, ``ending`` (within the time of warning), ``ended`` or ``revoked``."""
        if self.in_force(at):
            return "ending" if self.ends - at <= WARN_BEFORE else "in force"
        return "revoked" if self.revoked_at is not None and self.revoked_at < self.until else "ended"


def record_of(resource: Resource) -> Mapping[str, Any]:
    """A resource as an exemption's expression sees it."""
    ref = resource.ref
    return {
        "uid": ref.uid,
        "provider": ref.provider,
        "account": ref.account,
        "region": ref.region,
        "type": ref.type,
        "name": resource.name,
        "tags": dict(resource.tags),
        "document": resource.document,
        "unread": dict(resource.unread),
    }


def covering(exemptions: Iterable[Exemption], policy_id: str, resource: Resource) -> Exemption | None:
    """Of these exemptions the one that covers a failure of this resource; the one that ends last."""
    record = record_of(resource)
    found = (e for e in exemptions if e.covers(policy_id, resource.ref, record))
    return max(found, key=lambda e: e.ends, default=None)


@lru_cache(maxsize=1024)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in text.split("*")), re.DOTALL)
