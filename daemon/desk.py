"""The desk where acts are allowed, counted and filed: modes, the pause, limits, plans and their approval.

Everything here is one transaction over the store, so two workflows that settle at the same moment cannot both take the last
act an hour allows. A plan is approved as the digest of its proposal, and what is carried out is exactly that.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from config.errors import UsageError
from config.settings import Mode
from daemon.hooks.hook import Outcome, Proposal, Trigger
from daemon.triggers import ConfiguredHook
from providers.normalise import timestamp
from providers.provider import Action, Receipt
from providers.resource import GLOBAL, ResourceRef
from storage.actions import ActionRecord, Actions, ActionStatus
from storage.database import Database
from storage.inventory import Inventory
from storage.ledger import Ledger
from storage.query import Filter
from storage.state import State

HOUR = timedelta(hours=1)
HELD = frozenset({ActionStatus.PAUSED, ActionStatus.COOLING_DOWN})
"""Decided anew by themselves, each time as another attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One hook asked about one trigger."""

    action: str
    hook: ConfiguredHook
    trigger: Trigger
    proposal: Proposal | None
    now: datetime


class Desk:
    """Settles requests and files what became of them."""

    def __init__(self, database: Database, inventory: Inventory) -> None:
        self._database = database
        self._inventory = inventory
        self._actions = Actions(database)
        self._state = State(database)

    def settle(self, request: Request) -> dict[str, Any]:
        """Whether the act may go ahead now: ``{"status", "reason"}``, status ``acting`` when it may. The act is then
        reserved and counts against the limits. Asking again for a reserved act gives the same answer."""
        with self._database.write():
            there = self._actions.find(request.action)
            if there is not None and there.status is ActionStatus.ACTING:
                return _answer(ActionStatus.ACTING, "reserved before")
            status, reason = self._judge(request)
            if status is ActionStatus.ACTING:
                self._file(request, ActionStatus.PROPOSED, reason)
                self._actions.update(request.action, status, request.now, reason=reason)
            return _answer(status, reason)

    def note(self, request: Request, status: ActionStatus, reason: str) -> None:
        """File a decision not to act (now)."""
        self._file(request, status, reason)

    def take(self, action: str, plan: str, taker: str, now: datetime) -> dict[str, Any]:
        """Take an approved plan into work, or say why not. ``taker`` names the run: asking again as the same gives the same
        answer, asking as another is refused."""
        with self._database.write():
            record = self._actions.get(action)
            if record.plan_id != plan:
                return _answer(ActionStatus.EXPIRED, "the plan was replaced after it was approved")
            if record.status is ActionStatus.APPROVED:
                if self._state.paused() is not None:
                    reason = "containment was paused before the plan was carried out; approve it again"
                    self._actions.update(action, ActionStatus.WAITING, now, reason=reason)
                    return _answer(ActionStatus.WAITING, reason)
                self._state.set(_taker(action), taker, now)
                self._actions.update(action, ActionStatus.ACTING, now)
            elif record.status is not ActionStatus.ACTING or self._state.get(_taker(action)) != taker:
                return _answer(ActionStatus.REFUSED, f"the plan is {record.status} already")
            return {
                **_answer(ActionStatus.ACTING, "approved"),
                "hook": record.hook,
                **record.action.parameters,
            }

    def conclude(
        self, action: str, *, status: ActionStatus, reason: str, outcome: Outcome | None, at: datetime
    ) -> None:
        """File how an act ended, with what an undo needs."""
        with self._database.write():
            receipt = None
            if outcome is not None:
                receipt = Receipt(
                    action=self._actions.get(action).action,
                    changed=outcome.changed,
                    before=outcome.before,
                    after=outcome.after,
                    request_id=outcome.receipt.get("request_id"),
                )
            self._actions.update(action, status, at, reason=reason, receipt=receipt)

    def with_status(self, status: ActionStatus, count: int = 1_000) -> list[ActionRecord]:
        """Acts that stand so, newest first."""
        return self._actions.last(count, statuses=[status])

    def paused(self) -> bool:
        """Whether containment is switched off."""
        return self._state.paused() is not None

    def known(self, actions: Collection[str]) -> frozenset[str]:
        """Those of the ids under which anything was filed."""
        return self._actions.known(actions)

    def expire(self, now: datetime) -> int:
        """Let plans expire that nobody approved in time; returns how many."""
        old = [r for r in self.with_status(ActionStatus.WAITING) if now >= _expires(r)]
        for record in old:
            reason = f"nobody approved it before {timestamp(_expires(record))}"
            self._actions.update(record.id, ActionStatus.EXPIRED, now, reason=reason)
        return len(old)

    def to_reconsider(self, hooks: Mapping[str, ConfiguredHook], now: datetime) -> list[ActionRecord]:
        """Acts that were held back by a pause or a cool-down which is over."""
        held = self._actions.last(1_000, statuses=HELD)
        return [
            record for record in held if record.hook in hooks and self._free(record, hooks[record.hook], now)
        ]

    def _free(self, record: ActionRecord, hook: ConfiguredHook, now: datetime) -> bool:
        if record.status is ActionStatus.PAUSED:
            return True
        last = self._actions.last_act(hook.name, record.action.target.uid)
        return last is None or last.acted_at is None or now >= last.acted_at + hook.settings.cool_down

    def over_limit(self, hook: ConfiguredHook, ref: ResourceRef, wanted: int, now: datetime) -> str | None:
        """Why a batch of ``wanted`` acts in one account and type is more than the hook may do, or None."""
        if not hook.hook.changes_cloud:
            return None
        limits = hook.settings
        done = self._actions.acts_since(hook.name, ref.account, now - HOUR)
        if done + wanted > limits.max_per_hour:
            already = f" after {done} in the last hour" if done else ""
            return f"{wanted} acts in {ref.account}{already} are more than the {limits.max_per_hour} an hour allowed"
        there = self._inventory.count(
            Filter(
                providers=frozenset({ref.provider}),
                accounts=frozenset({ref.account}),
                types=frozenset({ref.type}),
            )
        )
        # Of a handful of resources one is already a large share: a single act is always within it.
        allowed = max(1, int(limits.max_share * there))
        if wanted > allowed:
            return f"{wanted} of the {there} {ref.type} in {ref.account} are more than the share of {limits.max_share:.0%} allowed"
        return None

    def _judge(self, request: Request) -> tuple[ActionStatus, str]:
        hook, now = request.hook, request.now
        assert request.proposal is not None
        if hook.settings.mode is Mode.DRY_RUN:
            return ActionStatus.DRY_RUN, "the hook's mode is dry-run"
        if hook.settings.mode is Mode.APPROVE:
            return ActionStatus.WAITING, "the hook's mode is approve"
        pause = self._state.paused()
        if pause is not None:
            return ActionStatus.PAUSED, f"containment is paused by {pause.who}: {pause.reason}"
        if not hook.hook.changes_cloud:
            return ActionStatus.ACTING, "allowed"
        last = self._actions.last_act(hook.name, request.proposal.target)
        if last is not None and last.acted_at is not None and last.id != request.action:
            free = last.acted_at + hook.settings.cool_down
            if now < free:
                return (
                    ActionStatus.COOLING_DOWN,
                    f"the same target was acted on at {timestamp(last.acted_at)}",
                )
        done = self._actions.acts_since(hook.name, request.trigger.account, now - HOUR)
        if done >= hook.settings.max_per_hour:
            return (
                ActionStatus.STOPPED,
                f"{done} acts in {request.trigger.account} in the last hour are all that {hook.name} may do",
            )
        return ActionStatus.ACTING, "allowed"

    def _file(self, request: Request, status: ActionStatus, reason: str) -> None:
        there = self._actions.find(request.action)
        attempt = there.action.parameters["attempt"] if there else 0
        if there is None:
            self._actions.propose(_record(request, status, reason, attempt + 1))
        elif (
            status in HELD
            or there.status is not status
            or there.plan_id != (request.proposal.digest if request.proposal else None)
        ):
            self._actions.revise(_record(request, status, reason, attempt + 1))


class Plans:
    """What a person does with plans: approve, reject, pause, resume. Each is written to the ledger with who and why."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._actions = Actions(database)
        self._ledger = Ledger(database)
        self._state = State(database)

    def approve(self, action: str, plan: str | None, who: str, now: datetime) -> ActionRecord:
        """Approve exactly the plan shown. Raises UsageError when it is not approvable, has expired, or is another one."""
        with self._database.write():
            record = self._actions.get(action)
            if not record.status.approvable or record.plan_id is None:
                raise UsageError(
                    f"The act {action} is {record.status} and cannot be approved.", hint=record.reason
                )
            if plan is not None and not record.plan_id.startswith(plan):
                raise UsageError(
                    f"The plan of {action} is {record.plan_id[:16]}, not {plan}: it was replaced since it was shown.",
                    hint=f"Look at it again: watchstander plan show {action}",
                )
            expires = _expires(record)
            if now >= expires:
                self._actions.update(
                    action, ActionStatus.EXPIRED, now, reason=f"it expired at {timestamp(expires)}"
                )
            else:
                self._ledger.append(
                    "approval",
                    who,
                    record.action.target.uid,
                    {"action": action, "plan": record.plan_id, "summary": summary_of(record)},
                    now,
                    key=f"{action}:approved:{record.plan_id}",
                )
                self._actions.update(action, ActionStatus.APPROVED, now, reason=f"approved by {who}")
        if now >= expires:
            raise UsageError(
                f"The plan of {action} expired at {timestamp(expires)}.",
                hint="A new occurrence makes a new plan.",
            )
        return self._actions.get(action)

    def reject(self, action: str, who: str, why: str, now: datetime) -> ActionRecord:
        """Say that a plan will not be carried out. Raises UsageError when it is not waiting."""
        with self._database.write():
            record = self._actions.get(action)
            if not record.status.approvable and record.status is not ActionStatus.PAUSED:
                raise UsageError(
                    f"The act {action} is {record.status} and cannot be rejected.", hint=record.reason
                )
            self._ledger.append(
                "rejection",
                who,
                record.action.target.uid,
                {"action": action, "plan": record.plan_id, "summary": summary_of(record), "why": why},
                now,
            )
            return self._actions.update(
                action, ActionStatus.REJECTED, now, reason=f"rejected by {who}: {why}"
            )

    def pause(self, who: str, why: str, now: datetime) -> bool:
        """Switch containment off; False where it already was."""
        with self._database.write():
            if self._state.paused() is not None:
                return False
            self._state.pause(who=who, reason=why, at=now)
            self._ledger.append("pause", who, "containment", {"reason": why}, now)
            return True

    def resume(self, who: str, now: datetime) -> bool:
        """Switch containment on; False where it already was."""
        with self._database.write():
            ended = self._state.resume()
            if ended is None:
                return False
            self._ledger.append(
                "resume", who, "containment", {"paused_by": ended.who, "reason": ended.reason}, now
            )
            return True


def summary_of(record: ActionRecord) -> str:
    """What the act is, in one sentence."""
    proposal = record.action.parameters.get("proposal")
    if proposal:
        return str(proposal["summary"])
    return str(record.action.parameters["trigger"]["title"])


def _taker(action: str) -> str:
    return f"plan-taker:{action}"


def _expires(record: ActionRecord) -> datetime:
    return datetime.fromisoformat(record.action.parameters["expires_at"])


def _answer(status: ActionStatus, reason: str) -> dict[str, Any]:
    return {"status": str(status), "reason": reason}


def _record(request: Request, status: ActionStatus, reason: str, attempt: int) -> ActionRecord:
    trigger, proposal = request.trigger, request.proposal
    expires = request.now + request.hook.settings.plan_ttl
    parameters: Mapping[str, Any] = {
        "trigger": trigger.to_json(),
        "proposal": proposal.to_json() if proposal else None,
        "expires_at": timestamp(expires),
        "attempt": attempt,
    }
    return ActionRecord(
        id=request.action,
        hook=request.hook.name,
        action=Action(
            kind=request.hook.settings.use, target=_target(trigger, proposal), parameters=parameters
        ),
        mode=request.hook.settings.mode,
        status=status,
        plan_id=proposal.digest if proposal else None,
        event_id=trigger.id.removeprefix("event:") if trigger.kind == "event" else None,
        finding_id=trigger.id.removeprefix("finding:") if trigger.kind == "finding" else None,
        policy_id=request.hook.policy,
        reason=reason,
        created_at=request.now,
    )


def _target(trigger: Trigger, proposal: Proposal | None) -> ResourceRef:
    """The resource acted on; where a hook speaks to something else (a webhook), that stands in a resource's place."""
    uid = proposal.target if proposal else None
    for ref in trigger.refs:
        if uid is None or ref.uid == uid:
            return ref
    return ResourceRef(
        provider=trigger.provider,
        account=trigger.account,
        region=GLOBAL,
        type="watchstander.hook",
        uid=uid or trigger.id,
    )
