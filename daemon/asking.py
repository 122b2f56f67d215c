"""What starts containment: a cloud's event, a policy's finding, a person's approval, or the end of a pause.

Each asks a hook about a trigger, and starting is idempotent by the trigger's id: the same occurrence asks once, however
often it is delivered and whichever process dies meanwhile.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice

import structlog

from config.errors import WatchstanderError
from daemon.desk import Request
from daemon.durable import Runner
from daemon.hooks.hook import Trigger
from daemon.respond import APPLY, RESPOND, Responder, brief
from daemon.triggers import ConfiguredHook, action_id
from storage.actions import ActionStatus

LOOK_UP = 500
"""Triggers that are looked up together."""

log = structlog.get_logger("watchstander.respond")


class Asking:
    """Asks the hooks of a responder."""

    def __init__(self, responder: Responder) -> None:
        self._responder = responder
        self._house = responder.house

    def ask(self, trigger: Trigger, runner: Runner) -> int:
        """Ask every hook that a cloud's event triggers; returns how many. The same event asks once, however often it
        comes."""
        wanting = [hook for hook in self._responder.hooks.values() if hook.wants_event(trigger.name)]
        for hook in wanting:
            self.start(hook, trigger, runner)
        return len(wanting)

    def ask_findings(
        self, triggers: Iterable[Trigger], runner: Runner
    ) -> tuple[dict[str, int], tuple[str, ...]]:
        """Ask the hooks about findings they have not been asked about.

        What one hook would do in one account to one type is a batch; a batch over the hook's limits is stopped whole,
        before its first act. Returns (status -> how many, a sentence for each stopped batch).
        """
        batches: dict[tuple[str, str, str], list[Trigger]] = defaultdict(list)
        for hook, trigger in self._unasked(triggers):
            batches[hook.name, trigger.account, trigger.refs[0].type].append(trigger)
        asked = 0
        stopped: list[str] = []
        for (name, _, _), batch in batches.items():
            hook = self._responder.hooks[name]
            why = self._house.desk.over_limit(hook, batch[0].refs[0], len(batch), self._house.clock())
            if why is None:
                for trigger in batch:
                    self.start(hook, trigger, runner)
                asked += len(batch)
            else:
                stopped.append(self._stop_batch(hook, batch, why))
        counts = {"asked": asked} if asked else {}
        if stopped:
            counts["stopped"] = sum(map(len, batches.values())) - asked
        return counts, tuple(stopped)

    def decline(self, triggers: Iterable[Trigger], why: str) -> None:
        """Write down that nobody is asked about these, now or later."""
        for hook, trigger in self._unasked(triggers):
            action, now = action_id(hook.name, trigger), self._house.clock()
            request = Request(action=action, hook=hook, trigger=trigger, proposal=None, now=now)
            self._house.desk.note(request, ActionStatus.REFUSED, why)

    def _unasked(self, triggers: Iterable[Trigger]) -> Iterator[tuple[ConfiguredHook, Trigger]]:
        """Each trigger with each hook that cares for it and has not been asked about it."""
        waiting = iter(triggers)
        while part := list(islice(waiting, LOOK_UP)):
            wanted = {
                action_id(hook.name, trigger): (hook, trigger)
                for trigger in part
                for hook in self._responder.hooks.values()
                if hook.wants_policy(trigger.name)
            }
            known = self._house.desk.known(wanted)
            yield from (pair for action, pair in wanted.items() if action not in known)

    def _stop_batch(self, hook: ConfiguredHook, batch: list[Trigger], why: str) -> str:
        """Let none of a batch go ahead; a person looks at each, or at the policy that suddenly matches so much."""
        house, now = self._house, self._house.clock()
        sentence = f"{hook.name} was stopped before its first act: {why}"
        for trigger in batch:
            action = action_id(hook.name, trigger)
            try:
                proposal = hook.hook.propose(trigger)
            except WatchstanderError as error:
                log.warning(
                    f"What {hook.name} would do could not be told: {error}", key="unproposed", action=action
                )
                proposal = None
            request = Request(action=action, hook=hook, trigger=trigger, proposal=proposal, now=now)
            house.desk.note(request, ActionStatus.STOPPED, why)
        house.ledger.append(
            "stopped",
            house.actor,
            hook.name,
            {
                "hook": hook.name,
                "why": why,
                "triggers": [brief(trigger) for trigger in batch[:100]],
                "count": len(batch),
            },
            now,
            key=f"stopped:{hook.name}:{action_id(hook.name, batch[0])}:{len(batch)}",
        )
        house.metrics.responses.labels(hook.name, ActionStatus.STOPPED).inc(len(batch))
        log.error(f"{sentence}.", key="batch-stopped", hook=hook.name, count=len(batch))
        return sentence

    def start(self, hook: ConfiguredHook, trigger: Trigger, runner: Runner, attempt: int = 0) -> str:
        """Start the workflow of one hook and trigger, unless it was started before; returns the action's id."""
        action = action_id(hook.name, trigger)
        again = f":{attempt}" if attempt else ""
        runner.start(RESPOND, f"respond:{action}{again}", {"hook": hook.name, "trigger": trigger.to_json()})
        return action

    def tick(self, runner: Runner) -> None:
        """What time and people have made possible: carry out approved plans, decide anew what was paused or cooling down,
        let old plans expire. Called every few seconds; does nothing where there is nothing."""
        desk, now = self._house.desk, self._house.clock()
        desk.expire(now)
        if desk.paused():
            return
        for record in desk.with_status(ActionStatus.APPROVED):
            runner.start(
                APPLY, f"apply:{record.id}:{record.plan_id}", {"action": record.id, "plan": record.plan_id}
            )
        for record in desk.to_reconsider(self._responder.hooks, now):
            trigger = Trigger.from_json(record.action.parameters["trigger"])
            self.start(
                self._responder.hooks[record.hook], trigger, runner, record.action.parameters["attempt"]
            )
