"""The parent's side of one worker process: start it, ask it, notice how it died, kill it.

Why not a process pool of a library: docs/decisions/0040.
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import pickle
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from policies.engine import Failure, FailureKind, Limits
from policies.errors import EngineError
from policies.rego.wire import CACHE, HEADER, MEMORY_EXIT, PREPARE_SECONDS, PROGRESS, REQUEST, Bundle, Item

_ROOT = str(Path(__file__).resolve().parents[2])
_BOOT = (
    "import sys; sys.path.insert(0, sys.argv[1]); from policies.rego.worker import main; "
    "main(tuple(map(int, sys.argv[2:5])), int(sys.argv[5]), float(sys.argv[6]))"
)
_PASSED = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "SYSTEMROOT", "PYTHONHOME")
"""What a worker sees of our environment. Credentials are not among it."""

IOV_MAX = 512
"""Parts written by one call; the system takes 1,024."""
PIPE_BYTES = 1 << 20
"""What an unprivileged process may ask for on Linux by default: about one batch."""


class Lost(Exception):
    """The worker is gone; ``failure`` says how."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(failure.cause)


class Worker:
    """One process. Not for several threads at once."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.known: dict[bytes, None] = {}
        """Programs the process holds compiled, oldest first: the same order and size as its own cache."""
        self._buffer = bytearray()
        self._allowed = limits.seconds
        """CPU seconds of the request under way."""
        self._weights: list[int] = []
        """Of the items under way: how many times that each may take."""
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the worker
        requests_read, self._requests = os.pipe()
        self._answers, answers_write = os.pipe()
        command = [sys.executable, "-I", "-X", "utf8", "-c", _BOOT, _ROOT]
        progress = os.memfd_create("watchstander-progress")
        os.ftruncate(progress, PROGRESS.size)
        self._progress = mmap.mmap(progress, PROGRESS.size)
        passed = (requests_read, answers_write, progress)
        command += [*map(str, passed), str(limits.memory_mb), str(limits.seconds)]
        environment = {name: os.environ[name] for name in _PASSED if name in os.environ}
        try:
            self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and arguments
                command,
                stdin=subprocess.DEVNULL,
                stdout=self._stderr,
                stderr=self._stderr,
                pass_fds=passed,
                env=environment | {"RUST_BACKTRACE": "0", "RUST_LIB_BACKTRACE": "0"},
                start_new_session=True,
            )
        except OSError as error:
            os.close(self._requests)
            os.close(self._answers)
            raise EngineError(f"No policy worker could be started: {error}.") from error
        finally:
            for descriptor in passed:
                os.close(descriptor)
        os.set_blocking(self._requests, False)
        with contextlib.suppress(
            OSError
        ):  # a wider pipe saves switches between the processes; it is only a wish
            fcntl.fcntl(self._requests, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self._readable, self._writable = select.poll(), select.poll()
        self._readable.register(self._answers, select.POLLIN)
        self._writable.register(self._requests, select.POLLOUT)

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid

    @property
    def at(self) -> int:
        """Index of the item under way, or last under way; -1 before the first."""
        return int(PROGRESS.unpack(self._progress[:])[0])

    def ask(self, *request: Any, seconds: float = PREPARE_SECONDS) -> bytes:
        """One request, one answer. Raises Lost."""
        self._allowed = seconds
        deadline = time.monotonic() + 5 * seconds + 10
        self._send(request, deadline)
        return self._receive(deadline)

    def run(self, bundles: dict[bytes, Bundle], items: list[Item]) -> Iterator[dict[str, Any]]:
        """The answers to ``items`` as they come. Raises Lost; :attr:`at` then tells which item is to blame."""
        new = {
            digest: bundles[digest]
            for digest in dict.fromkeys(i[0] for i in items)
            if digest not in self.known
        }
        forget = self._remember(items)
        # The timer inside counts CPU time; this is for a process that is not let run at all.
        self._progress[:] = PROGRESS.pack(-1)
        self._allowed = self.limits.seconds
        self._weights = [item[6] for item in items]
        patience = 5 * self.limits.seconds * max(self._weights, default=1) + 10
        self._send(("run", new, items, forget), time.monotonic() + patience + len(new) * PREPARE_SECONDS)
        first = len(new) * PREPARE_SECONDS
        left = len(items)
        while left:
            answers = orjson.loads(self._receive(time.monotonic() + patience + first))
            yield from answers
            first, left = 0, left - len(answers)

    def _remember(self, items: list[Item]) -> list[bytes]:
        for digest in dict.fromkeys(item[0] for item in items):
            self.known.pop(digest, None)
            self.known[digest] = None
        forget = list(self.known)[: max(0, len(self.known) - CACHE)]
        for digest in forget:
            del self.known[digest]
        return forget

    def _send(self, request: Any, deadline: float) -> None:
        texts: list[pickle.PickleBuffer] = []
        body = pickle.dumps(request, protocol=pickle.HIGHEST_PROTOCOL, buffer_callback=texts.append)
        views = [text.raw() for text in texts]
        lengths = b"".join(HEADER.pack(len(view)) for view in views)
        left = deque((memoryview(REQUEST.pack(len(body), len(views)) + lengths + body), *views))
        while left:
            try:
                written = os.writev(self._requests, [*islice(left, IOV_MAX)])
            except BlockingIOError:
                self._wait(self._writable, deadline)
                continue
            except BrokenPipeError:
                raise Lost(self._obituary()) from None
            while left and written >= len(left[0]):
                written -= len(left.popleft())
            if written:
                left[0] = left[0][written:]

    def _receive(self, deadline: float) -> bytes:
        while True:
            if len(self._buffer) >= HEADER.size:
                (size,) = HEADER.unpack_from(self._buffer)
                if len(self._buffer) >= HEADER.size + size:
                    body = bytes(self._buffer[HEADER.size : HEADER.size + size])
                    del self._buffer[: HEADER.size + size]
                    return body
            self._wait(self._readable, deadline)
            part = os.read(self._answers, 1 << 16)
            if not part:
                raise Lost(self._obituary())
            self._buffer += part

    def _wait(self, poll: select.poll, deadline: float) -> None:
        left = deadline - time.monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            self.process.kill()
            self.process.wait()
            raise Lost(
                Failure(kind=FailureKind.TIME, cause="the policy worker gave no sign of life and was killed")
            )

    def _obituary(self) -> Failure:
        """How the process ended."""
        status = self.process.wait()
        self._stderr.seek(max(0, self._stderr.seek(0, os.SEEK_END) - 2000))
        said = self._stderr.read().decode("utf-8", "replace")
        if status == -signal.SIGPROF:
            limit = " (policies.time_limit)" if self._allowed == self.limits.seconds else ""
            weight = self._weights[self.at] if limit and 0 <= self.at < len(self._weights) else 1
            if weight > 1:
                limit = f" (policies.time_limit, {weight} times for what it joins)"
            cause = f"stopped after {self._allowed * weight:g} s of computing{limit}"
            return Failure(kind=FailureKind.TIME, cause=cause)
        if status == MEMORY_EXIT or (status == -signal.SIGABRT and "memory allocation" in said):
            cause = f"stopped for needing more than {self.limits.memory_mb} MiB (policies.memory_limit_mb)"
            return Failure(kind=FailureKind.MEMORY, cause=cause)
        if status < 0:
            name = signal.Signals(-status).name
            hint = "; a rule or document nested without end does that" if status == -signal.SIGSEGV else ""
            return Failure(kind=FailureKind.CRASH, cause=f"the policy worker died of {name}{hint}")
        line = said.strip().splitlines()[-1][:300] if said.strip() else "it said nothing"
        return Failure(kind=FailureKind.CRASH, cause=f"the policy worker ended with status {status}: {line}")

    def close(self) -> None:
        """Kill the process, if it lives, and let go of everything."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for descriptor in (self._requests, self._answers):
            with contextlib.suppress(OSError):
                os.close(descriptor)
        self._progress.close()
        self._stderr.close()
