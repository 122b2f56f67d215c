"""One cycle, one sentence: what was read, what was not, what changed, what was found, what was done.

The numbers are a frozen value, the sentence a pure function of it, so that tests assert sentences and every place that
shows a cycle (log, database, command line, page) says the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from config.wording import counted
from providers.resource import Coverage, holds_accounts

SHOWN_CAUSES = 3
"""How many unread scopes a sentence names before it only counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """That a cycle read files instead of clouds."""

    source: str
    """Which: ``an export (snapshot.json.gz)``."""
    gaps: tuple[str, ...] = ()
    """What of the files was not taken, a phrase each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleReport:
    """What one cycle did."""

    cycle: int
    providers: tuple[str, ...]
    read: int = 0
    """Resources read."""
    scopes: int = 0
    """Scopes read completely."""
    accounts: int = 0
    unread: tuple[Coverage, ...] = ()
    """Scopes that were not read completely, with the causes."""
    switched_off: int = 0
    """Scopes of services that are not switched on there, and never were."""
    details_unread: int = 0
    """Resources of which a detail could not be read."""
    created: int = 0
    changed: int = 0
    deleted: int = 0
    first_contact: int = 0
    """Of ``created``, those in scopes never completely read before: a baseline, not news."""
    evaluated: int = 0
    unknown: int = 0
    """Evaluations that ended unknown."""
    opened: int = 0
    resolved: int = 0
    open: int = 0
    """Findings open after the cycle."""
    responses: Mapping[str, int] = field(default_factory=dict)
    """What hooks were asked to do by this cycle's findings: status -> count."""
    stopped: tuple[str, ...] = ()
    """Batches that a limit stopped before their first act, a sentence each."""
    seconds: float = 0.0
    exported: Exported | None = None

    @property
    def complete(self) -> bool:
        """Whether everything that should have been read was."""
        gaps = self.exported is not None and self.exported.gaps
        return not self.unread and not self.details_unread and not gaps

    @property
    def sentence(self) -> str:
        """The cycle in English."""
        parts = [self._read(), self._unread(), self._changes(), self._findings(), self._done()]
        text = "; ".join(part for part in parts if part)
        return f"{text[0].upper()}{text[1:]}, in {self.seconds:.1f} s."

    def _read(self) -> str:
        *others, last = self.providers or ["no cloud"]
        where = f"{', '.join(others)} and {last}" if others else last
        if not self.scopes and not self.read:
            return f"read nothing of {where}"
        accounts = f" in {counted(self.accounts, 'account')}" if self.accounts else ""
        text = (
            f"read {counted(self.read, 'resource')} in {counted(self.scopes, 'scope')} of {where}{accounts}"
        )
        if self.exported is not None:
            text += f" from {self.exported.source}, which says nothing of what is not in it"
        return text

    def _unread(self) -> str:
        off = (
            [f"{counted(self.switched_off, 'scope')} of services not switched on"]
            if self.switched_off
            else []
        )
        gaps = self.exported.gaps if self.exported is not None else ()
        if not self.unread and not self.details_unread and not gaps:
            return ", ".join(["nothing was left unread", *off])
        parts = []
        if self.unread:
            statuses = Counter(str(c.status) for c in self.unread)
            kinds = ", ".join(f"{n} {status}" for status, n in sorted(statuses.items()))
            named = ", ".join(str(c.scope) for c in self.unread[:SHOWN_CAUSES])
            more = f" and {len(self.unread) - SHOWN_CAUSES} more" if len(self.unread) > SHOWN_CAUSES else ""
            parts.append(f"could not read {counted(len(self.unread), 'scope')} ({kinds}: {named}{more})")
        if self.details_unread:
            parts.append(f"details of {counted(self.details_unread, 'resource')} are missing")
        if gaps:
            parts.append(f"passed over {'; '.join(gaps)}")
        return ", ".join([*parts, *off])

    def _changes(self) -> str:
        if not (self.created or self.changed or self.deleted):
            return "nothing changed"
        if self.first_contact and self.first_contact == self.created and not (self.changed or self.deleted):
            return f"recorded {self.created:,} as a first baseline"
        text = f"{self.created:,} created, {self.changed:,} changed, {self.deleted:,} deleted"
        return text + (f" ({self.first_contact:,} of them a first baseline)" if self.first_contact else "")

    def _findings(self) -> str:
        if not self.evaluated:
            return f"no policy had to be evaluated, {counted(self.open, 'finding')} open"
        text = f"{counted(self.evaluated, 'evaluation')} opened {self.opened:,} and resolved {self.resolved:,}, {counted(self.open, 'finding')} open"
        return text + (f", {self.unknown:,} unknown" if self.unknown else "")

    def _done(self) -> str:
        parts = [f"{count:,} {status}" for status, count in sorted(self.responses.items())]
        done = "containment: " + ", ".join(parts) if parts else ""
        return "; ".join([*([done] if done else []), *self.stopped])

    def to_json(self) -> dict[str, Any]:
        """The contract of ``scan --format json``."""
        return {
            "sentence": self.sentence,
            "cycle": self.cycle,
            "read": self.read,
            "unread": len(self.unread),
            "changes": {"created": self.created, "changed": self.changed, "deleted": self.deleted},
            "findings": {"opened": self.opened, "resolved": self.resolved, "open": self.open},
            "evaluated": self.evaluated,
            "seconds": round(self.seconds, 3),
            "providers": list(self.providers),
            "scopes": self.scopes,
            "unknown": self.unknown,
            "first_contact": self.first_contact,
            "details_unread": self.details_unread,
            "switched_off": self.switched_off,
            "responses": dict(self.responses),
            "unread_scopes": [coverage_json(c) for c in self.unread],
        }


def coverage_json(coverage: Coverage) -> dict[str, Any]:
    """A coverage for people and programs."""
    return {
        "provider": coverage.scope.provider,
        "account": coverage.scope.account,
        "region": coverage.scope.region,
        "type": coverage.scope.type,
        "status": str(coverage.status),
        "cause": coverage.cause,
        "permission": coverage.permission,
    }


def accounts_of(coverages: Iterable[Coverage]) -> int:
    """How many accounts the coverages span; what accounts are in is none."""
    places = {(c.scope.provider, c.scope.account) for c in coverages}
    return sum(not holds_accounts(account) for _, account in places)
