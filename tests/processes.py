"""Scripts run in processes of their own, to be killed there: forked from one that has imported the daemon already.

Importing it takes more than a second, and tests that kill start a hundred. The process they are forked from has imported
modules, and done nothing else: no thread, no connection, no setting is shared, and each child can be killed with -9.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

import sqlalchemy as sa

IMPORTED = [
    "boto3",
    "daemon.cli.app",
    "daemon.intake",
    "daemon.secrets",
    "daemon.watch",
    "providers.aws.provider",
]
"""No module of Google's: gRPC does not survive a fork."""


@dataclass(slots=True)
class Forked:
    """A script that runs; ``said`` is what it wrote to standard error, once it has ended."""

    process: ForkServerProcess
    _output: Connection
    _errors: Path
    said: str = ""

    def output(self) -> str:
        """All that it still writes to its standard output, to its end."""
        parts = []
        while part := os.read(self._output.fileno(), 65536):
            parts.append(part)
        return b"".join(parts).decode()

    def wait(self, seconds: float = 120) -> int:
        """Its exit status, negative for a signal; when the time is over it is killed, and that is an error."""
        self.process.join(seconds)
        late = self.process.exitcode is None
        if late:
            self.process.kill()
            self.process.join()
        self._output.close()
        self.said = self._errors.read_text()
        self._errors.unlink()
        assert not late, f"did not end within {seconds} s: {self.said[-4000:]}"
        assert self.process.exitcode is not None
        return self.process.exitcode


def forked(script: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> Forked:
    """Run a script with arguments, as ``python script arguments`` would; standard error goes to a file."""
    context: ForkServerContext = get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)
    output, theirs = context.Pipe(duplex=False)
    handle, errors = tempfile.mkstemp(prefix="stderr-")
    os.close(handle)
    wanted = dict(os.environ if environment is None else environment)
    process = context.Process(target=_become, args=(str(script), arguments, wanted, theirs, errors))
    process.start()
    theirs.close()
    return Forked(process, output, Path(errors))


def die_before(statement: int, engine: sa.Engine) -> None:
    """End this process with -9 just before the ``statement``-th of the statements that the engine executes from now on.

    Counted here and not watched from outside: how far a process gets before another one's kill is the machine's to say.
    """
    left = iter(range(statement - 1, 0, -1))

    def execute(*_: object) -> None:
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    sa.event.listen(engine, "before_cursor_execute", execute)


def _become(
    script: str, arguments: tuple[str, ...], environment: dict[str, str], output: Connection, errors: str
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.dup2(output.fileno(), 1)
    output.close()
    with Path(errors).open("w") as stream:
        os.dup2(stream.fileno(), 2)
    sys.argv = [script, *arguments]
    sys.path.insert(0, str(Path(script).parent))
    runpy.run_path(script, run_name="__main__")
