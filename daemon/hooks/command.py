"""Run a program of yours, with the trigger as JSON on its standard input.

No shell is involved: ``argv`` is what is executed. The program gets a small environment, a time limit (its whole process
group is ended when it passes), and must exit 0. What it prints is kept, up to 64 KiB, in the ledger.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Annotated, Any, ClassVar

import orjson
from pydantic import Field

from config.fields import Duration, Model, parse_duration
from daemon.errors import HookFailed
from daemon.hooks.hook import Hook, Outcome, Proposal, Trigger, Verification

OUTPUT_LIMIT = 64 * 1024
PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "HOME")


class CommandOptions(Model):
    """What to run."""

    argv: Annotated[tuple[str, ...], Field(min_length=1)]
    """The program and its arguments, as a list; an absolute path is best."""
    environment: dict[str, str] = Field(default_factory=dict)
    """Further environment variables; ours are not passed on."""
    directory: Path | None = None
    """Where it runs; the root directory otherwise."""
    timeout: Duration = parse_duration("30s")
    """How long it may run."""


class Command(Hook):
    """Run a program."""

    name: ClassVar[str] = "command"
    title: ClassVar[str] = "Run a program of yours"
    changes_cloud: ClassVar[bool] = False
    undoable: ClassVar[bool] = False
    example: ClassVar[str] = """\
containment:
  hooks:
    page-oncall:
      use: command
      mode: auto
      when: ["event:*"]
      options:
        argv: [/usr/local/bin/page-oncall, --team, security]
        timeout: 20s
"""
    Options = CommandOptions
    options: CommandOptions

    def propose(self, trigger: Trigger) -> Proposal:
        """The document that would be handed over."""
        return Proposal(
            hook=self.name,
            target=self.options.argv[0],
            summary=f"run {Path(self.options.argv[0]).name} for {trigger.title!r}",
            body={"document": {"version": 1, "trigger": trigger.to_json()}},
            state={},
        )

    def act(self, proposal: Proposal, key: str) -> Outcome:
        """Run it. Raises HookFailed when it cannot be started, takes too long or exits otherwise than 0."""
        text = orjson.dumps(proposal.body["document"])
        environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        environment |= {**self.options.environment, "WATCHSTANDER_IDEMPOTENCY_KEY": key}
        program = self.options.argv[0]
        with tempfile.TemporaryFile() as output:
            try:
                process = subprocess.Popen(  # noqa: S603 - the operator's own argv, never a shell, never our data in it
                    self.options.argv,
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd=self.options.directory or "/",
                    env=environment,
                    start_new_session=True,
                )
            except OSError as error:
                raise HookFailed(
                    f"{program} could not be started: {error.strerror}.",
                    hint="Check `argv` and `directory` of the hook.",
                ) from error
            try:
                process.communicate(text, timeout=self.options.timeout.total_seconds())
            except subprocess.TimeoutExpired as error:
                _end(process)
                raise HookFailed(
                    f"{program} was ended: it ran longer than {self.options.timeout.total_seconds():g} s.",
                    hint="Raise `timeout`, or let the program hand its work on.",
                ) from error
            output.seek(0)
            printed = output.read(OUTPUT_LIMIT).decode(errors="replace")
        if process.returncode != 0:
            raise HookFailed(
                f"{program} exited with {process.returncode}: {printed.strip()[-500:] or 'it printed nothing'}"
            )
        return Outcome(changed=True, summary=f"{program} exited with 0", before={}, after={"output": printed})

    def verify(self, proposal: Proposal, outcome: Outcome) -> Verification:
        """Exit status 0 is all that can be known."""
        return Verification(ok=True, detail="the program exited with 0")


def _end(process: subprocess.Popen[Any]) -> None:
    """End the program and whatever it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait()
