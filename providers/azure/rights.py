"""What the credentials may read, told from ARM's own list of their permissions.

Resource Graph answers 200 with whatever the caller may see: a role narrowed from the subscription to one resource group
makes all the rest vanish without an error. So a reading is complete only if the permissions at the subscription say that
everything asked for could have been seen (docs/decisions 0021).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

from providers.azure.session import Session
from providers.errors import Denied

API_VERSION = "2022-04-01"
QUEUE_ACTION: Final = "Microsoft.Storage/storageAccounts/queueServices/queues/messages/process/action"
QUEUE_ROLE: Final = "Storage Queue Data Message Processor"
"""What taking messages from a storage queue needs, and the built-in role that has it. It is a data action: no role for
Resource Manager has it."""


def missing(permissions: Iterable[Mapping[str, Any]], action: str) -> bool:
    """Whether no single permission set grants ``action`` in whole: ``*/read``, ``microsoft.x/*/read`` or ``microsoft.x/y/read``."""
    return not any(_grants(permission, action.lower()) for permission in permissions)


def _grants(permission: Mapping[str, Any], action: str) -> bool:
    actions = [str(a).lower() for a in permission.get("actions") or ()]
    withheld = [str(a).lower() for a in permission.get("notActions") or ()]
    if not any(fnmatchcase(action, pattern) for pattern in actions):
        return False
    return not any(_overlaps(pattern, action) for pattern in withheld)


def _overlaps(pattern: str, action: str) -> bool:
    """Whether ``pattern`` takes away a part of ``action``, which may itself be a pattern (``*/read``)."""
    if "*" not in action:
        return fnmatchcase(action, pattern)
    mine, theirs = action.partition("*")[0], pattern.partition("*")[0]
    return (mine.startswith(theirs) or theirs.startswith(mine)) and pattern.endswith(("*", "/read"))


def permissions_at(session: Session, subscription: str) -> tuple[Mapping[str, Any], ...]:
    """The permission sets of the caller at a subscription. Raises ProviderError."""
    path = f"/subscriptions/{subscription}/providers/Microsoft.Authorization/permissions"
    return tuple(session.items(subscription, path, API_VERSION))


def require(session: Session, subscription: str, *actions: str) -> None:
    """Raise unless the permissions say that nothing of what ``actions`` read was hidden from us: Denied, or whatever kept
    them from being told."""
    granted = permissions_at(session, subscription)
    for action in actions:
        if missing(granted, action):
            raise Denied(
                f"The credentials may read only a part of subscription {subscription}: {action} is not granted at it.",
                hint="Assign the role at the subscription or above it; see `watchstander permissions azure`.",
                permission=action,
                code="NarrowedView",
            )
