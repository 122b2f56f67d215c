"""``watchstander demo``: the main job on the sandbox, in about a minute."""

from __future__ import annotations

import signal
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from daemon.cli.context import State
from daemon.cli.exits import ExitStatus
from daemon.cli.verbs import verb

app = typer.Typer()

NEXT = """
What to try next
    watchstander demo --keep                      the same, and it stays: look at it from another terminal
    watchstander sandbox --write-config s.yaml    the clouds alone, to break and to scan
    watchstander policy list                      what is judged; `policy show ID` says why and how to mend it
    watchstander init                             a configuration for your own clouds
    docs/index.md                                 everything else"""

KEPT = """
It goes on watching until you press Ctrl-C. From another terminal:
{exports}
    export WATCHSTANDER_CONFIG={config}
    watchstander findings --severity critical
    watchstander inventory --type 'aws.s3*'
    watchstander plan list --all
    watchstander audit verify"""


@verb(app, "watchstander demo", "watchstander demo --keep")
def demo(
    cli: State,
    seconds: Annotated[float, typer.Option(min=10, help="Give up after so long.")] = 300,
    keep: Annotated[
        bool, typer.Option("--keep", help="Stay afterwards, to be looked at from another terminal.")
    ] = False,
) -> ExitStatus:
    """Show the main job on three emulated clouds: inventory, drift, findings, and a leaked key contained.

    No cloud account is needed and nothing outside this machine is touched. It ends by itself.
    """
    from daemon.demo import Demo, sandbox
    from daemon.errors import DaemonError
    from daemon.log import configure

    stop = threading.Event()
    timer = threading.Timer(seconds, lambda: signal.raise_signal(signal.SIGALRM))
    timer.daemon = True

    def too_long(*_: object) -> None:
        raise DaemonError(
            f"The demo did not end within {seconds:g} s.",
            hint="This machine may be very busy; raise --seconds.",
        )

    before = signal.signal(signal.SIGALRM, too_long)
    timer.start()
    try:
        with tempfile.TemporaryDirectory(prefix="watchstander-demo-") as name:
            cli.out.line("Starting AWS, Azure and Google Cloud on this machine …")
            cli.out.flush()
            with sandbox(Path(name)) as clouds:
                from config.settings import LogSettings

                configure(LogSettings(level="error"))

                def say(line: str) -> None:
                    cli.out.line(line)
                    cli.out.flush()

                with Demo(clouds, say, cli.clock) as performance:
                    well = performance.play()
                    timer.cancel()
                    if keep:
                        exports = "\n".join(
                            f"    export {k}={v}" for k, v in sorted(clouds.environment.items())
                        )
                        say(KEPT.format(exports=exports, config=clouds.configuration))
                        _until_interrupted(performance.stand, stop)
        cli.out.line("" if well else "\nSomething did not go as it should: see above.")
        cli.out.line(NEXT if well else "")
        return ExitStatus.OK if well else ExitStatus.FAILED
    finally:
        timer.cancel()
        signal.signal(signal.SIGALRM, before)


def _until_interrupted(stand: Callable[[threading.Event], None], stop: threading.Event) -> None:
    before = {n: signal.signal(n, lambda *_: stop.set()) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        stand(stop)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
