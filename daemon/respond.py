"""From a trigger to an act, safely: decide, plan, ask or act, verify, and write it all down.

One durable workflow per (hook, trigger), whatever delivers the trigger and however often:

    decide     the containment policy answers; the target is read; a proposal says exactly what would be done
    settle     mode, pause, cool-down and limits are applied in one transaction that also reserves the act
    intend     the ledger says what is about to be done, before it is done
    act        the target is read afresh, the trigger is judged again, and only then is the change made
    verify     the target is read once more
    conclude   the ledger says what was done, and the action is closed with what an undo needs

Each step's result is remembered before the next begins. A step that is killed runs again, so each of them is idempotent:
the ledger by key, the reservation by action id, the act because it looks before it writes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from config.errors import WatchstanderError
from daemon.defects import Defect, sound
from daemon.desk import Desk, Request
from daemon.durable import Steps, Workflow
from daemon.errors import NotForThisHook
from daemon.hooks.hook import Outcome, Proposal, Trigger
from daemon.metrics import Metrics
from daemon.patience import Patience
from daemon.ruling import Gate, Ruling
from daemon.triggers import ConfiguredHook, action_id
from storage.actions import ActionStatus
from storage.ledger import Ledger

RESPOND = "respond.1"
APPLY = "apply.1"

log = structlog.get_logger("watchstander.respond")


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What the responder works with; made once, in the composition root."""

    gate: Gate
    ledger: Ledger
    desk: Desk
    clock: Callable[[], datetime]
    metrics: Metrics
    actor: str
    """Who acts, for the ledger: ``watchstander/<instance>``."""
    stop: threading.Event
    """Set when the process is to end: work under way is left to the next start rather than failed."""


class Responder:
    """The workflows of containment. What starts them is :mod:`daemon.asking`."""

    def __init__(self, hooks: Mapping[str, ConfiguredHook], house: House) -> None:
        self.hooks = hooks
        self.house = house
        self._patience = Patience(house.stop, house.metrics)

    def workflows(self) -> dict[str, Workflow]:
        """By name, for the runner."""
        return {RESPOND: self._respond, APPLY: self._apply}

    # --- the workflows ----------------------------------------------------------------------------------------------

    def _respond(self, steps: Steps, argument: Mapping[str, Any]) -> Mapping[str, Any]:
        hook = self.hooks.get(argument["hook"])
        trigger = Trigger.from_json(argument["trigger"])
        action = action_id(argument["hook"], trigger)
        if hook is None:
            # Configured when it was asked, gone now: the operator's word of today counts.
            return self._note(
                steps,
                action,
                trigger,
                ActionStatus.REFUSED,
                f"the hook {argument['hook']} is no longer configured",
            )
        decided = steps.run("decide", lambda: self._decide(hook, trigger))
        if decided["status"] is not None:
            status = ActionStatus(decided["status"])
            return self._note(steps, action, trigger, status, decided["reason"], hook, decided["proposal"])
        settled = steps.run("settle", lambda: self._settle(action, hook, trigger, decided))
        if settled["status"] != ActionStatus.ACTING:
            status = ActionStatus(settled["status"])
            return self._note(steps, action, trigger, status, settled["reason"], hook, decided["proposal"])
        return self._carry_out(steps, action, hook, trigger, Proposal.from_json(decided["proposal"]))

    def _apply(self, steps: Steps, argument: Mapping[str, Any]) -> Mapping[str, Any]:
        action, plan = argument["action"], argument["plan"]
        taken = steps.run("take", lambda: self._take(action, plan, steps.workflow_id))
        if taken["status"] != ActionStatus.ACTING:
            return {"action": action, **taken}
        trigger = Trigger.from_json(taken["trigger"])
        hook = self.hooks.get(taken["hook"])
        if hook is None:
            return self._note(
                steps,
                action,
                trigger,
                ActionStatus.REFUSED,
                f"the hook {taken['hook']} is no longer configured",
            )
        return self._carry_out(steps, action, hook, trigger, Proposal.from_json(taken["proposal"]))

    def _carry_out(
        self, steps: Steps, action: str, hook: ConfiguredHook, trigger: Trigger, proposal: Proposal
    ) -> Mapping[str, Any]:
        house = self.house
        intent = f"{action}:intent:{proposal.digest}"
        steps.run(
            "intend",
            lambda: self._patience.storing(lambda: self._write(intent, "intent", hook, trigger, proposal)),
        )
        acted = steps.run("act", lambda: self._act(action, hook, trigger, proposal))
        verified = steps.run("verify", lambda: self._verify(hook, proposal, acted))
        status = (
            ActionStatus.FAILED
            if acted["error"]
            else ActionStatus.DONE
            if verified["ok"]
            else ActionStatus.UNVERIFIED
        )
        reason = acted["error"] or verified["detail"]

        def conclude() -> Mapping[str, Any]:
            outcome = acted["outcome"]
            self._write(
                f"{action}:{status}:{proposal.digest}",
                "act",
                hook,
                trigger,
                proposal,
                status=status,
                reason=reason,
                outcome=outcome,
            )
            now = house.clock()
            house.desk.conclude(
                action,
                status=status,
                reason=reason,
                outcome=Outcome.from_json(outcome) if outcome else None,
                at=now,
            )
            took = (now - trigger.occurred_at).total_seconds()
            house.metrics.responses.labels(hook.name, status).inc()
            if status == ActionStatus.DONE and trigger.kind == "event":
                house.metrics.response_seconds.labels(hook.name).observe(max(0.0, took))
            say = log.info if status == ActionStatus.DONE else log.error
            say(
                f"{_past(status)}: {proposal.summary}; {reason}.",
                key="contained",
                action=action,
                hook=hook.name,
                seconds=round(took, 3),
            )
            return {"action": action, "status": status, "reason": reason, "seconds": took}

        result: Mapping[str, Any] = steps.run("conclude", lambda: self._patience.storing(conclude))
        return result

    # --- the steps --------------------------------------------------------------------------------------------------

    def _decide(self, hook: ConfiguredHook, trigger: Trigger) -> dict[str, Any]:
        """What policy and target say. ``status`` is None where the way is free."""

        def ended(status: str, reason: str, proposal: Proposal | None = None) -> dict[str, Any]:
            return {"status": status, "reason": reason, "proposal": proposal.to_json() if proposal else None}

        try:
            decision = self._asking(lambda: self.house.gate.decide(hook, trigger, self.house.clock()))
            if decision.allowed is None:
                return ended(
                    ActionStatus.UNDECIDED, _because("the containment policy gave no answer", decision)
                )
            if not decision.allowed:
                return ended(
                    ActionStatus.REFUSED, _because("the containment policy does not allow it", decision)
                )
            proposal = self._patience.trying(lambda: hook.hook.propose(trigger))
        except NotForThisHook as error:
            return ended(ActionStatus.REFUSED, error.message)
        except Defect as error:
            return ended(ActionStatus.FAILED, error.message)
        except WatchstanderError as error:
            return ended(ActionStatus.UNDECIDED, f"the target could not be read: {error.message}")
        if not proposal.needed:
            return ended(ActionStatus.UNCHANGED, "the target is already as wanted", proposal)
        return {
            "status": None,
            "reason": _because("the containment policy allows it", decision),
            "proposal": proposal.to_json(),
        }

    def _settle(
        self, action: str, hook: ConfiguredHook, trigger: Trigger, decided: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Apply mode, pause and limits; reserve the act."""
        proposal = Proposal.from_json(decided["proposal"])
        request = Request(
            action=action, hook=hook, trigger=trigger, proposal=proposal, now=self.house.clock()
        )
        return self._patience.storing(lambda: self.house.desk.settle(request))

    def _take(self, action: str, plan: str, taker: str) -> Mapping[str, Any]:
        """Take an approved plan into work, if it is still exactly what was approved."""
        return self._patience.storing(lambda: self.house.desk.take(action, plan, taker, self.house.clock()))

    def _act(self, action: str, hook: ConfiguredHook, trigger: Trigger, proposal: Proposal) -> dict[str, Any]:
        try:
            standing = self._asking(lambda: self.house.gate.still_stands(trigger, self.house.clock()))
            if standing.allowed is not True:
                return self._not_standing(hook, trigger, proposal, standing)
            outcome = self._patience.trying(lambda: hook.hook.act(proposal, action))
        except WatchstanderError as error:
            return {"outcome": None, "error": str(error)}
        return {"outcome": outcome.to_json(), "error": None}

    def _not_standing(
        self, hook: ConfiguredHook, trigger: Trigger, proposal: Proposal, standing: Ruling
    ) -> dict[str, Any]:
        """The reason to act is gone: because it was done (by us, before an interruption), or for another reason."""
        now = self._patience.trying(lambda: hook.hook.propose(trigger))
        if hook.hook.changes_cloud and now.target == proposal.target and not now.needed:
            outcome = Outcome(
                changed=False,
                summary="the target was already as wanted when we came to act",
                before=proposal.state,
                after=now.state,
            )
            return {"outcome": outcome.to_json(), "error": None}
        error = _because("nothing was done, the reason to act no longer stands", standing)
        return {"outcome": None, "error": error}

    def _verify(self, hook: ConfiguredHook, proposal: Proposal, acted: Mapping[str, Any]) -> dict[str, Any]:
        if acted["error"]:
            return {"ok": False, "detail": acted["error"]}
        try:
            seen = self._patience.trying(
                lambda: hook.hook.verify(proposal, Outcome.from_json(acted["outcome"]))
            )
        except WatchstanderError as error:
            return {"ok": False, "detail": f"it was done but could not be verified: {error}"}
        return {"ok": seen.ok, "detail": seen.detail}

    def _asking(self, function: Callable[[], Ruling]) -> Ruling:
        """Ask the gate. It reads afresh and stores what it read: a store that is busy is waited for, since a containment
        must not fail for that."""
        return self._patience.storing(lambda: sound("a containment", function))

    # --- writing it down --------------------------------------------------------------------------------------------

    def _note(
        self,
        steps: Steps,
        action: str,
        trigger: Trigger,
        status: ActionStatus,
        reason: str,
        hook: ConfiguredHook | None = None,
        proposal: Mapping[str, Any] | None = None,
    ) -> Mapping[str, Any]:
        """Write down a decision not to act (now), and end the workflow."""
        plan = Proposal.from_json(proposal) if proposal else None

        def note() -> Mapping[str, Any]:
            house = self.house
            name = hook.name if hook else action
            house.ledger.append(
                "decision",
                house.actor,
                plan.target if plan else trigger.id,
                {
                    "action": action,
                    "hook": name,
                    "status": status,
                    "reason": reason,
                    "trigger": brief(trigger),
                    "plan": plan.digest if plan else None,
                    "summary": plan.summary if plan else None,
                },
                house.clock(),
                key=f"{action}:{status}:{plan.digest if plan else ''}",
            )
            if hook is not None:
                house.desk.note(
                    Request(action=action, hook=hook, trigger=trigger, proposal=plan, now=house.clock()),
                    status,
                    reason,
                )
            house.metrics.responses.labels(name, status).inc()
            what = (
                f"would {plan.summary}"
                if plan and status == ActionStatus.DRY_RUN
                else plan.summary
                if plan
                else trigger.title
            )
            log.info(f"{status}: {what}; {reason}.", key="decided", action=action, hook=name)
            return {"action": action, "status": status, "reason": reason}

        result: Mapping[str, Any] = steps.run("note", lambda: self._patience.storing(note))
        return result

    def _write(
        self, key: str, kind: str, hook: ConfiguredHook, trigger: Trigger, proposal: Proposal, **more: Any
    ) -> None:
        house = self.house
        house.ledger.append(
            kind,
            house.actor,
            proposal.target,
            {
                "hook": hook.name,
                "trigger": brief(trigger),
                "plan": proposal.digest,
                "summary": proposal.summary,
                "state": dict(proposal.state),
                **more,
            },
            house.clock(),
            key=key,
        )


def _because(what: str, decision: Ruling) -> str:
    return f"{what}: {'; '.join(decision.reasons)}" if decision.reasons else what


def brief(trigger: Trigger) -> dict[str, Any]:
    """The trigger as the ledger keeps it."""
    return {"id": trigger.id, "name": trigger.name, "title": trigger.title, "severity": str(trigger.severity)}


def _past(status: ActionStatus) -> str:
    return {
        ActionStatus.DONE: "Done",
        ActionStatus.FAILED: "Failed",
        ActionStatus.UNVERIFIED: "Done but not verified",
    }[status]
