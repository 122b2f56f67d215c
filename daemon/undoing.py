"""Putting back what an act changed, on a person's word: the ledger says so before and after."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime

from config.errors import UsageError
from daemon.crew import Crew
from daemon.hooks.hook import Outcome, Proposal
from storage.actions import ActionRecord, Actions, ActionStatus
from storage.database import Database
from storage.ledger import Ledger


def undo(
    action: str,
    who: str,
    *,
    crew: Callable[[], AbstractContextManager[Crew]],
    database: Database,
    clock: Callable[[], datetime],
) -> ActionRecord:
    """Put back what the act ``action`` changed, in the name of ``who``. Raises UsageError where there is nothing to undo,
    ProviderError (Conflict where the target has moved on), HookFailed, NotStored."""
    actions, ledger = Actions(database), Ledger(database)
    record = actions.get(action)
    proposal = record.action.parameters.get("proposal")
    if (
        record.status not in (ActionStatus.DONE, ActionStatus.UNVERIFIED)
        or record.receipt is None
        or not proposal
    ):
        raise UsageError(
            f"The act {action} is {record.status}; there is nothing to undo.", hint=record.reason
        )
    with crew() as held:
        hook = held.hooks.get(record.hook)
        if hook is None:
            raise UsageError(
                f"The hook {record.hook} is not configured, so its act cannot be undone from here.",
                hint="Configure it again, in mode dry-run if it should not act.",
            )
        detail = {
            "action": action,
            "hook": record.hook,
            "summary": proposal["summary"],
            "before": record.before,
        }
        ledger.append("undo-intent", who, record.action.target.uid, detail, clock())
        outcome = hook.hook.undo(
            Proposal.from_json(proposal),
            Outcome(
                changed=True,
                summary="",
                before=record.receipt.before,
                after=record.receipt.after,
                receipt={"request_id": record.request_id},
            ),
        )
    with database.write():
        ledger.append(
            "undo", who, record.action.target.uid, {**detail, "outcome": outcome.to_json()}, clock()
        )
        return actions.update(action, ActionStatus.UNDONE, clock(), reason=f"undone by {who}")
