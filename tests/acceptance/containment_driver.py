"""A daemon's containment in a process of its own, that can be told to die.

    python containment_driver.py CONFIGURATION.json [STEP MOMENT]

Takes what is on the queue, lets the hooks act, and exits 0 when every workflow has ended. With STEP and MOMENT it kills
itself with -9 there: ``begin``/``end`` of a step, ``inside`` the act (after the cloud took the change, before anything was
remembered), or around the taking of the message (``intake``).
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from config.clouds import AwsSettings
from config.settings import Settings
from daemon.durable import StepEvent
from daemon.intake import Handlers
from daemon.secrets import make_secrets
from daemon.watch import Watch
from providers.aws.provider import AwsProvider
from providers.provider import Action, Event, EventSource, Message, Receipt


def now() -> datetime:
    return datetime.now(UTC)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class MortalAws(AwsProvider):
    """AWS, whose caller dies right after a change was made."""

    def act(self, action: Action) -> Receipt:
        super().act(action)
        die()
        raise AssertionError("unreachable")


def main(file: str, step: str = "", moment: str = "") -> None:
    settings = Settings.model_validate(json.loads(Path(file).read_text()))

    def listener(event: StepEvent) -> None:
        if (event.step, event.moment) == (step, moment):
            die()

    more: dict[str, Any] = {"listener": listener}
    if moment == "inside":
        aws = settings.providers.aws
        assert isinstance(aws, AwsSettings)
        more["providers"] = {"aws": MortalAws(aws, clock=now)}
    watch = Watch.open(settings, clock=now, secrets=make_secrets(settings, os.environ), **more)
    watch.start()
    source: EventSource
    (source,) = watch.event_sources()
    handlers = Handlers(change=watch.changes.on_change, finding=watch.changes.on_finding)
    if step == "intake":
        handlers = Handlers(change=watch.changes.on_change, finding=dying(watch.changes.on_finding, moment))
        source = MortalSource(source) if moment == "acknowledge" else source
    intake = watch.intake(handlers)
    while intake.poll(source, 0):
        pass
    for workflow in watch.runner.unfinished():
        watch.runner.result(workflow, 60)
    for record in watch.actions.last(50):
        watch.runner.result(f"respond:{record.id}", 60)
    watch.close()


def dying(asked: Callable[[Event], int], moment: str) -> Callable[[Event], int]:
    """Die while a message is taken: before the hooks are asked, or after."""

    def finding(event: Event) -> int:
        if moment == "before":
            die()
        count = asked(event)
        if moment == "after":
            die()
        return count

    return finding


class MortalSource:
    """A queue, whose reader dies before it acknowledges anything."""

    def __init__(self, source: EventSource) -> None:
        self.name = source.name
        self.receive = source.receive

    def acknowledge(self, message: Message) -> None:
        die()


if __name__ == "__main__":
    main(*sys.argv[1:])
