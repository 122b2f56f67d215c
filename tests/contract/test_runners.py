"""Both runners of durable workflows fulfil one contract."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from daemon.durable import DurableRunner, ImmediateRunner, StepEvent, Steps, Workflow, WorkflowFailed

Make = Callable[[Mapping[str, Workflow]], Any]


@pytest.fixture(params=["dbos-sqlite", "immediate"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Make, list[StepEvent]]]:
    events: list[StepEvent] = []
    made: list[Any] = []

    def build(workflows: Mapping[str, Workflow]) -> Any:
        if request.param == "immediate":
            runner: Any = ImmediateRunner(workflows, events.append)
        else:
            url = f"sqlite:///{tmp_path}/durable.db"
            runner = DurableRunner(url=url, instance="test", workflows=workflows, listener=events.append)
            runner.launch()
        made.append(runner)
        return runner

    yield build, events
    for runner in made:
        runner.close(0)


def test_one_id_runs_once_and_keeps_its_first_result(make: tuple[Make, list[StepEvent]]) -> None:
    build, events = make
    calls: list[int] = []

    def workflow(steps: Steps, argument: Mapping[str, Any]) -> Any:
        return {"n": steps.run("count", lambda: calls.append(argument["n"]) or len(calls))}

    runner = build({"count": workflow})
    for n in range(5):
        runner.start("count", "event-1", {"n": n})
        assert runner.result("event-1", 20) == {"n": 1}
    assert calls == [0]
    assert [(e.step, e.moment) for e in events] == [("count", "begin"), ("count", "end")]


def test_ids_are_independent(make: tuple[Make, list[StepEvent]]) -> None:
    build, _ = make
    runner = build({"echo": lambda steps, argument: steps.run("echo", lambda: argument["x"])})
    for x in ("a", "b"):
        runner.start("echo", f"id-{x}", {"x": x})
    assert [runner.result(f"id-{x}", 20) for x in ("a", "b")] == ["a", "b"]
    assert runner.unfinished() == []


def test_a_failure_is_told_with_its_reason(make: tuple[Make, list[StepEvent]]) -> None:
    build, _ = make

    def workflow(steps: Steps, argument: Mapping[str, Any]) -> Any:
        def fail() -> None:
            raise ValueError("the key is gone")

        return steps.run("fail", fail)

    runner = build({"fail": workflow})
    runner.start("fail", "id", {})
    with pytest.raises(WorkflowFailed, match="the key is gone"):
        runner.result("id", 20)


def test_what_json_cannot_say_is_refused(make: tuple[Make, list[StepEvent]]) -> None:
    build, _ = make
    runner = build({"bad": lambda steps, argument: steps.run("bad", object)})
    runner.start("bad", "id", {})
    with pytest.raises(WorkflowFailed):
        runner.result("id", 20)


def test_an_unfinished_workflow_is_not_done_in_time(tmp_path: Path) -> None:
    release = threading.Event()
    runner = DurableRunner(
        url=f"sqlite:///{tmp_path}/d.db",
        instance="test",
        workflows={"wait": lambda steps, argument: steps.run("wait", lambda: release.wait(20))},
    )
    runner.launch()
    try:
        runner.start("wait", "id", {})
        with pytest.raises(TimeoutError, match="id"):
            runner.result("id", 0.01)
        assert runner.unfinished() == ["id"]
        release.set()
        assert runner.result("id", 20) is True
    finally:
        release.set()
        runner.close(0)
