"""Policies that never end, take all memory or crash; and workers killed from outside. Real processes die here."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from policies.engine import Answer, Evaluation, FailureKind, Limits, Module, Program
from policies.errors import EngineError
from policies.rego.engine import STRIKES, RegorusEngine

pytestmark = pytest.mark.crash

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ENDLESS = """package a
deny contains "done" if not input.loop
deny contains "never" if {
	input.loop
	some i in numbers.range(1, 5000)
	some j in numbers.range(1, 5000)
	i * j == -1
}
"""
GREEDY = """package a
deny contains "small" if not input.much
deny contains "much" if {
	input.much
	count(numbers.range(1, 1000000000)) > 0
}
"""


@pytest.fixture
def engine() -> Iterator[RegorusEngine]:
    with RegorusEngine(Limits(seconds=0.3, memory_mb=96, workers=1)) as engine:
        yield engine


def program(engine: RegorusEngine, text: str) -> Program:
    return Program.of(engine.check([Module(path=Path("a.rego"), text=text)]).raise_first().modules)


def evaluations(what: Program, *inputs: bytes) -> list[Evaluation]:
    return [Evaluation(program=what, entrypoints=("data.a.deny",), input=i, now=NOW) for i in inputs]


def said(answer: Answer) -> object:
    return answer.failure.kind if answer.failure else answer.values["data.a.deny"]


def test_a_policy_that_never_ends_costs_one_evaluation(engine: RegorusEngine) -> None:
    batch = evaluations(program(engine, ENDLESS), *[b"{}"] * 20, b'{"loop": true}', *[b"{}"] * 20)
    answers = engine.evaluate(batch)
    assert [said(a) for a in answers] == [*[["done"]] * 20, FailureKind.TIME, *[["done"]] * 20]
    failure = answers[20].failure
    assert failure is not None
    assert failure.cause == "stopped after 0.3 s of computing (policies.time_limit)"
    assert failure.kind.transient


def test_a_policy_that_never_ends_is_given_up_after_a_few(engine: RegorusEngine) -> None:
    endless, other = program(engine, ENDLESS), program(engine, ENDLESS.replace('"done"', '"other"'))
    batch = [*evaluations(endless, *[b'{"loop": true}'] * 50), *evaluations(other, b"{}")]
    *lost, last = engine.evaluate(batch)
    causes = [a.failure.cause for a in lost if a.failure]
    assert len(causes) == 50
    assert sum(c.startswith("given up") for c in causes) == 50 - STRIKES
    assert said(last) == ["other"]


def test_a_policy_that_takes_all_memory_costs_one_evaluation(engine: RegorusEngine) -> None:
    batch = evaluations(program(engine, GREEDY), b"{}", b'{"much": true}', b"{}")
    with RegorusEngine(Limits(seconds=20, memory_mb=96, workers=1)) as patient:
        answers = patient.evaluate(batch)
    assert [said(a) for a in answers] == [["small"], FailureKind.MEMORY, ["small"]]
    assert answers[1].failure is not None
    assert "96 MiB" in answers[1].failure.cause


def test_a_crash_of_the_engine_costs_one_evaluation(engine: RegorusEngine) -> None:
    # Recursion across two modules' names is not found at load; the engine then runs out of stack.
    text = """package a
deny contains "fine" if not input.deep
deny contains "lost" if { input.deep; f(1) }
f(x) if data["a"]["g"](x)
g(x) if data["a"]["f"](x)
"""
    checked = engine.check([Module(path=Path("a.rego"), text=text)])
    what = Program.of(checked.modules)
    answers = engine.evaluate(evaluations(what, b"{}", b'{"deep": true}', b"{}"))
    assert said(answers[0]) == said(answers[2]) == ["fine"]
    assert answers[1].failure is not None


def test_a_worker_killed_while_idle_is_replaced(engine: RegorusEngine) -> None:
    batch = evaluations(program(engine, ENDLESS), b"{}")
    engine.evaluate(batch)
    (pid,) = engine.pids
    os.kill(pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=5)
    assert said(engine.evaluate(batch)[0]) == ["done"]
    assert engine.pids != (pid,)


def test_a_worker_killed_in_the_middle_of_a_batch_costs_nothing() -> None:
    busy = """package a
deny contains count([x | some i in numbers.range(1, 300); some x in numbers.range(1, 60)])
"""
    with RegorusEngine(Limits(seconds=20, workers=1)) as engine:
        what = program(engine, busy)
        engine.evaluate(evaluations(what, b"{}"))
        (pid,) = engine.pids
        answers: list[Answer] = []
        thread = threading.Thread(
            target=lambda: answers.extend(engine.evaluate(evaluations(what, *[b"{}"] * 150)))
        )
        used = psutil.Process(pid).cpu_times().user
        thread.start()
        while psutil.Process(pid).cpu_times().user < used + 0.05:
            assert thread.is_alive(), "the batch was over before it could be disturbed"
        os.kill(pid, signal.SIGKILL)
        thread.join()
        assert [said(a) for a in answers] == [[18000]] * 150
        assert pid not in engine.pids


def test_workers_see_no_credentials(engine: RegorusEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-for-you")
    engine.evaluate(evaluations(program(engine, ENDLESS), b"{}"))
    (pid,) = engine.pids
    assert "AWS_SECRET_ACCESS_KEY" not in psutil.Process(pid).environ()


def test_closing_leaves_no_process(engine: RegorusEngine) -> None:
    engine.evaluate(evaluations(program(engine, ENDLESS), b"{}"))
    (pid,) = engine.pids
    engine.close()
    assert not psutil.pid_exists(pid)
    with pytest.raises(EngineError, match="closed"):
        engine.evaluate(evaluations(Program(digest=b"x", modules=()), b"{}"))


def test_a_worker_outlives_no_parent(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import os, signal\n"
        "from policies.rego.process import Worker\n"
        "from policies.engine import Limits\n"
        "w = Worker(Limits()); w.ask('check', 'a.rego', 'package a')\n"
        "print(w.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    root = str(Path(__file__).parents[2])
    result = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": root},
        check=False,
    )
    assert result.returncode == -signal.SIGKILL
    pid = int(result.stdout)
    if psutil.pid_exists(pid):
        gone, _ = psutil.wait_procs([psutil.Process(pid)], timeout=10)
        assert gone


def test_programs_beyond_the_cache_still_answer() -> None:
    with RegorusEngine(Limits(workers=1)) as engine:
        first = (
            engine.check([Module(path=Path("a.rego"), text="package a\ndeny contains data.n")])
            .raise_first()
            .modules
        )
        programs = [Program.of(first, b'{"n": %d}' % n) for n in range(1100)]
        for _ in range(2):
            batch = [e for what in programs for e in evaluations(what, b"{}")]
            assert [said(a) for a in engine.evaluate(batch)] == [[n] for n in range(1100)]
