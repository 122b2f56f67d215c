"""Runs inside a worker process: engines are created, cached and used here, and nowhere else.

The process is expendable. Its CPU time per evaluation is limited by an interval timer whose default action is to kill
the process (the engine holds the interpreter lock, so nothing milder would be heard), its memory by RLIMIT_AS. Which
evaluation is under way stands in memory shared with the parent: when the process dies, that one is to blame.
Requests are pickles of the parent's; answers are JSON, because a process that reads hostile documents is not trusted.
Imports stay few: every worker loads this.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import pickle
import resource
import signal
import time
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, Final

import orjson
import regorus

from policies.rego import builtins
from policies.rego.wire import (
    FLUSH_BYTES,
    FLUSH_SECONDS,
    HEADER,
    MEMORY_EXIT,
    PREPARE_SECONDS,
    PROGRESS,
    REQUEST,
    Bundle,
    Item,
    Source,
)

UNDEFINED: Final = '"<undefined>"'
SLACK: Final = 0.02
"""Seconds that an evaluation may compute beyond its limit."""


class _State:
    """What this process holds."""

    progress: Any = None
    """The shared memory, as one whole number."""
    now_ns: int = 0
    armed: tuple[float, int] = (0.0, 0)
    """When the timer was set (monotonic), and for what weight; weight 0 where it is not set."""
    seconds: float = 2.0
    joined: tuple[bytes, bytes, Any] | None = None
    """Program digest, further data, and an engine that holds both: evaluations that share them come in a row."""

    def __init__(self) -> None:
        self.engines: dict[bytes, Any] = {}
        """Digest -> engine, or the error that compiling gave."""


_STATE: Final = _State()


def limit(memory_mb: int) -> None:
    """Bound this process: address space beyond the present, no core files, deaf to the terminal's Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + memory_mb * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _timer(seconds: float) -> None:
    signal.setitimer(signal.ITIMER_PROF, seconds)
    _STATE.armed = (0.0, 0)


def _allow(weight: int) -> None:
    """Let the next evaluation compute for its time, and at most :data:`SLACK` longer. Setting the timer takes as long as
    a small evaluation's hundredth: one that was set for the same time a moment ago will do."""
    now = time.monotonic()
    since, armed = _STATE.armed
    if armed != weight or now - since > SLACK:
        _timer(_STATE.seconds * weight + SLACK)
        _STATE.armed = (now, weight)


def new_engine() -> Any:
    """An engine with our functions in it and the closed ones shut."""
    engine = regorus.Engine()
    engine.set_gather_prints(True)
    for name, (arity, function) in builtins.ADDED.items():
        engine.add_extension(name, arity, function)
    for name, arity in builtins.ARITY.items():
        engine.add_extension(name, arity, builtins.closed(name))
    engine.add_extension(builtins.CLOCK, 0, lambda: _STATE.now_ns)
    return engine


def describe(error: BaseException) -> str:
    """An engine error as ``file:line:column: what`` in one line."""
    lines = str(error).split("\n\nStack backtrace:")[0].strip().splitlines()
    where = next((line[4:].strip() for line in lines if line.startswith("-->")), "")
    what = [line for line in lines if line.startswith("error: ")]
    if what:
        index = lines.index(what[0])
        rest = [line.strip() for line in lines[index + 1 :]]
        # What follows may be an excerpt of the source, or causes.
        causes = rest[rest.index("Caused by:") + 1 :] if "Caused by:" in rest else []
        text = ": ".join([what[0].removeprefix("error: ").rstrip(".:"), *filter(None, causes)])
    else:
        text = " ".join(line.strip() for line in lines if line.strip()) or type(error).__name__
    return f"{where}: {text}" if where else text


def parse(path: str, text: str) -> tuple[bool, Any]:
    """(v0, engine) of one module: v1 first, then v0. Raises RuntimeError with the error of the syntax that got further."""
    failures: list[tuple[tuple[int, int], RuntimeError]] = []
    for v0 in (False, True):
        engine = new_engine()
        engine.set_rego_v0(v0)
        try:
            engine.add_policy(path, text)
            return v0, engine
        except RuntimeError as error:
            failures.append((_place(str(error)), error))
    # `max` keeps the first of equals: the error of v1.
    raise max(failures, key=lambda failure: failure[0])[1]


def _place(message: str) -> tuple[int, int]:
    for line in message.splitlines():
        if line.startswith("-->"):
            _, _, rest = line.rpartition("/")
            numbers = rest.rsplit(":", 2)[-2:]
            if len(numbers) == 2 and all(n.strip().isdigit() for n in numbers):
                return int(numbers[0]), int(numbers[1])
    return 0, 0


def check(path: str, text: str) -> bytes:
    """Parse one module: ``{"v0", "ast"}`` or ``{"error"}`` as JSON."""
    _timer(PREPARE_SECONDS)
    try:
        v0, engine = parse(path, text)
        return orjson.dumps({"v0": v0, "ast": engine.get_ast_as_json()})
    except RuntimeError as error:
        return orjson.dumps({"error": describe(error)})
    finally:
        _timer(0)


def prepare(modules: tuple[Source, ...], query: str) -> bytes:
    """Compile modules together over an empty input, which finds unsafe variables: ``{}`` or ``{"error"}``."""
    _timer(PREPARE_SECONDS)
    try:
        engine = _compile((modules, b"{}"))
        engine.set_input_json("{}")
        engine.eval_query_as_json(query)
    except RuntimeError as error:
        return orjson.dumps({"error": describe(error)})
    finally:
        _timer(0)
    return b"{}"


def coverage(bundle: Bundle, items: list[Item]) -> bytes:
    """Run evaluations of one program and report which lines they reached:
    ``{"files": [{"path", "covered", "not_covered"}]}``, a file once or more."""
    _timer(PREPARE_SECONDS + _STATE.seconds * sum(item[6] for item in items))
    try:
        plain = _compile(bundle)
        plain.set_enable_coverage(True)
        reports = []
        for _, entrypoints, text, data, now_ns, query, _ in items:
            _STATE.now_ns = now_ns
            engine = plain
            if data is not None:
                engine = _compile(bundle)
                engine.set_enable_coverage(True)
            with contextlib.suppress(RuntimeError):
                if data is not None:
                    engine.add_data_json(data.decode())
                engine.set_input_json(str(text, "utf-8"))
                for entrypoint in entrypoints:
                    (engine.eval_query_as_json if query else engine.eval_rule_as_json)(entrypoint)
            if data is not None:
                reports.append(orjson.loads(engine.get_coverage_report_as_json()))
        reports.append(orjson.loads(plain.get_coverage_report_as_json()))
        return orjson.dumps({"files": [file for report in reports for file in report.get("files", ())]})
    except RuntimeError as error:
        return orjson.dumps({"error": describe(error)})
    finally:
        _timer(0)


def _compile(bundle: Bundle) -> Any:
    modules, data = bundle
    engine = new_engine()
    for path, text, v0 in modules:
        engine.set_rego_v0(v0)
        engine.add_policy(path, text)
    engine.add_data_json(data.decode())
    return engine


def _engine(digest: bytes, bundles: dict[bytes, Bundle]) -> Any:
    engine = _STATE.engines.get(digest)
    if engine is None:
        _timer(PREPARE_SECONDS)
        try:
            engine = _compile(bundles[digest])
        except RuntimeError as error:
            engine = describe(error)
        _STATE.engines[digest] = engine
    if isinstance(engine, str):
        raise RuntimeError(engine)
    return engine


def evaluate(item: Item, bundles: dict[bytes, Bundle]) -> dict[str, Any]:
    """One evaluation: ``{"v": {entrypoint: value}, "p": prints}`` or ``{"e": error}``."""
    digest, entrypoints, text, data, now_ns, query, weight = item
    engine = None
    try:
        engine = _engine(digest, bundles)
        if data is not None:
            engine = _with_data(engine, digest, data)
        _allow(weight)
        _STATE.now_ns = now_ns
        engine.set_input_json(str(text, "utf-8"))
        values: dict[str, Any] = {}
        for entrypoint in entrypoints:
            result = UNDEFINED if query else engine.eval_rule_as_json(entrypoint)
            if result != UNDEFINED:
                values[entrypoint] = orjson.loads(result)
            elif query or _reaches_text(engine, entrypoint):
                _query(engine, entrypoint, values)
    except (RuntimeError, UnicodeDecodeError, orjson.JSONDecodeError) as error:
        if engine is not None:
            with contextlib.suppress(RuntimeError):
                engine.take_prints()
        return {"e": describe(error)}
    prints = engine.take_prints()
    return {"v": values, "p": prints} if prints else {"v": values}


def _with_data(engine: Any, digest: bytes, data: bytes) -> Any:
    """The engine with more data in it. A batch is one pickle, so that the same text is the same object there."""
    held = _STATE.joined
    if held is None or held[0] != digest or held[1] is not data:
        _STATE.joined = None
        _timer(PREPARE_SECONDS + (len(data) >> 20))
        engine = engine.clone()
        engine.add_data_json(data.decode())
        held = _STATE.joined = (digest, data, engine)
    return held[2]


def _reaches_text(engine: Any, rule: str) -> bool:
    """Whether a rule that seems undefined really has the text that the engine writes for undefined."""
    return bool(orjson.loads(engine.eval_query_as_json(rule)).get("result"))


def _query(engine: Any, query: str, values: dict[str, Any]) -> None:
    results = orjson.loads(engine.eval_query_as_json(query)).get("result") or []
    if results:
        values[query] = results[0]["expressions"][-1]["value"]


def _read(descriptor: int, size: int) -> bytes | None:
    parts = []
    while size:
        part = os.read(descriptor, min(size, 1 << 20))
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _receive(descriptor: int) -> Any:
    """The next request; None at the end of them."""
    if (header := _read(descriptor, REQUEST.size)) is None:
        return None
    size, count = REQUEST.unpack(header)
    if (table := _read(descriptor, count * HEADER.size)) is None:
        return None
    lengths = [length for (length,) in HEADER.iter_unpack(table)]
    if (body := _read(descriptor, size + sum(lengths))) is None:
        return None
    view = memoryview(body)
    ends = [*accumulate(lengths, initial=size)]
    texts = [view[start:end] for start, end in pairwise(ends)]
    return pickle.loads(view[:size], buffers=texts)  # noqa: S301 - it comes from our parent


def _send(descriptor: int, data: bytes) -> None:
    _write(descriptor, HEADER.pack(len(data)) + data)


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _run(descriptor: int, bundles: dict[bytes, Bundle], items: list[Item]) -> None:
    """Evaluate and answer, a list of answers a message: one for each would wake the parent for each."""
    ready: list[bytes] = []
    progress = _STATE.progress
    size, sent = 0, time.monotonic()
    for index, item in enumerate(items):
        progress[0] = index
        answer = orjson.dumps(evaluate(item, bundles))
        ready.append(answer)
        size += len(answer)
        if size > FLUSH_BYTES or time.monotonic() - sent > FLUSH_SECONDS:
            _timer(0)
            _send(descriptor, b"[%b]" % b",".join(ready))
            ready.clear()
            size, sent = 0, time.monotonic()
    _timer(0)
    if ready:
        _send(descriptor, b"[%b]" % b",".join(ready))


def serve(requests: int, answers: int) -> None:
    """Answer requests until the parent closes its end."""
    while (request := _receive(requests)) is not None:
        kind, *arguments = request
        if kind == "run":
            bundles, items, forget = arguments
            _run(answers, bundles, items)
            _STATE.joined = None
            for digest in forget:
                _STATE.engines.pop(digest, None)
        elif kind == "check":
            _send(answers, check(*arguments))
        elif kind == "prepare":
            _send(answers, prepare(*arguments))
        elif kind == "coverage":
            _send(answers, coverage(*arguments))


def main(descriptors: tuple[int, int, int], memory_mb: int, seconds: float) -> None:
    """The process: limits first, then service. The descriptors are of requests, answers and progress."""
    requests, answers, progress = descriptors
    limit(memory_mb)
    _STATE.progress = memoryview(mmap.mmap(progress, PROGRESS.size)).cast("q")
    _STATE.seconds = seconds
    try:
        serve(requests, answers)
    except MemoryError:
        os._exit(MEMORY_EXIT)
    except BrokenPipeError:
        return
