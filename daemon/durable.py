"""Durable workflows: work that must happen once, although the process may be killed between any two of its steps.

A workflow is a function ``(steps, argument) -> result`` over JSON values. Each step's result is remembered before the
next step starts; after a crash the workflow resumes at the first step whose result is not remembered. A workflow id is
an idempotency key: starting the same id again gives the first run's result and does nothing.

A step itself may run twice (killed after its effect, before its result was remembered), so a step with an effect looks
before it acts. That is the caller's part of the bargain; see :mod:`daemon.respond`.

Two runners fulfil the same contract: :class:`DurableRunner` on DBOS, and its in-memory twin :class:`ImmediateRunner`
for commands that end with the process. Nothing else in the house knows of DBOS.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import orjson
from dbos import DBOS, DBOSConfig, Serializer, SetWorkflowID

from daemon.errors import DaemonError
from daemon.log import Sparing

APPLICATION_VERSION = "1"
"""Workflows of another version are not resumed. Raised only when a workflow's steps change incompatibly; then the old
workflow keeps its name and the new one gets another (``respond.2``)."""

Json = Any
"""What JSON can say."""


@dataclass(frozen=True, slots=True)
class StepEvent:
    """Progress of a workflow, for logs, metrics and crash tests."""

    workflow_id: str
    workflow: str
    step: str
    moment: Literal["begin", "end"]


class Steps(Protocol):
    """What a workflow gets to run its steps with."""

    @property
    def workflow_id(self) -> str:
        """The idempotency key of this run."""

    def run(self, name: str, function: Callable[[], Json]) -> Json:
        """Run ``function`` once and remember its JSON result under ``name``; a resumed run gets the remembered one."""


Workflow = Callable[[Steps, Mapping[str, Json]], Json]
Listener = Callable[[StepEvent], None]


class Runner(Protocol):
    """Starts workflows by name and id."""

    def start(self, name: str, workflow_id: str, argument: Mapping[str, Json]) -> None:
        """Start it unless that id was started before. Returns at once; the work goes on in the background."""

    def unfinished(self) -> list[str]:
        """Ids of workflows that have been started and have not ended."""

    def result(self, workflow_id: str, timeout: float) -> Json:
        """Wait for its result. Raises :class:`DaemonError` if it failed, ``TimeoutError`` if it is not done in time."""

    def close(self, timeout: float) -> None:
        """Stop taking work; what is under way may finish within ``timeout`` seconds, else it resumes at next start."""


class Interrupted(BaseException):
    """Raised inside a step to leave the workflow unfinished: it resumes at that step at the next start. Not an
    ``Exception``, which would be the workflow's result."""


class WorkflowFailed(DaemonError):
    """A workflow ended in an error."""


class _JsonSerializer(Serializer):
    """JSON in the durable store instead of pickle: readable, and no code runs when a row is read."""

    def serialize(self, data: Any) -> str:
        return orjson.dumps(data, default=_error).decode()

    def deserialize(self, serialized_data: str) -> Any:
        value = orjson.loads(serialized_data)
        if isinstance(value, dict) and value.keys() == {"__error__", "message"}:
            return WorkflowFailed(f"{value['__error__']}: {value['message']}")
        return value

    def name(self) -> str:
        return "watchstander_json"


def _error(value: Any) -> Any:
    if isinstance(value, BaseException):
        return {"__error__": type(value).__name__, "message": str(value)}
    raise TypeError(f"{type(value).__name__} cannot be kept in a workflow; pass JSON values")


class DurableRunner:
    """Workflows on DBOS, in a SQLite file or a PostgreSQL database. One in a process (DBOS is a singleton)."""

    def __init__(
        self, *, url: str, instance: str, workflows: Mapping[str, Workflow], listener: Listener | None = None
    ) -> None:
        """Make the runner; nothing runs before :meth:`launch`. ``instance`` must be the same after a restart: it names
        whose unfinished workflows are ours to resume."""
        self._listener = listener or (lambda _event: None)
        _route_logs()
        config: DBOSConfig = {
            "name": "watchstander",
            "system_database_url": url,
            "executor_id": instance,
            "application_version": APPLICATION_VERSION,
            "serializer": _JsonSerializer(),
            "log_level": "WARNING",
            "max_executor_threads": 16,
        }
        DBOS(config=config)
        self._functions = {name: self._register(name, workflow) for name, workflow in workflows.items()}

    def _register(self, name: str, workflow: Workflow) -> Callable[[Json], Json]:
        listener = self._listener

        def run(argument: Json) -> Json:
            workflow_id = DBOS.workflow_id
            assert workflow_id is not None
            return workflow(_DbosSteps(workflow_id, name, listener), argument)

        run.__qualname__ = run.__name__ = name.replace(".", "_")
        registered: Callable[[Json], Json] = DBOS.workflow(name=name)(run)
        return registered

    def launch(self) -> None:
        """Open the store, migrate it, and resume what an earlier process of this instance left unfinished."""
        DBOS.launch()

    def start(self, name: str, workflow_id: str, argument: Mapping[str, Json]) -> None:
        """See :class:`Runner`."""
        with SetWorkflowID(workflow_id):
            DBOS.start_workflow(self._functions[name], dict(argument))

    def result(self, workflow_id: str, timeout: float) -> Json:
        """See :class:`Runner`."""
        handle: Any = DBOS.retrieve_workflow(workflow_id)
        box: list[Json] = []
        failure: list[BaseException] = []

        def wait() -> None:
            try:
                box.append(handle.get_result(polling_interval_sec=0.02))
            except Exception as error:  # noqa: BLE001 - carried to the waiting thread below, whatever it is
                failure.append(error)

        thread = threading.Thread(target=wait, name=f"result-{workflow_id}", daemon=True)
        thread.start()
        thread.join(timeout)
        if failure:
            raise (
                failure[0] if isinstance(failure[0], DaemonError) else WorkflowFailed(str(failure[0]))
            ) from failure[0]
        if not box:
            raise TimeoutError(f"workflow {workflow_id} is not done after {timeout:g} s")
        return box[0]

    def unfinished(self) -> list[str]:
        """Ids of workflows that have been started and have not ended."""
        return [status.workflow_id for status in DBOS.list_workflows(status=["PENDING", "ENQUEUED"])]

    def close(self, timeout: float) -> None:
        """See :class:`Runner`."""
        DBOS.destroy(
            destroy_registry=True, workflow_completion_timeout_sec=int(timeout) if self.unfinished() else 0
        )


class _DbosSteps:
    def __init__(self, workflow_id: str, workflow: str, listener: Listener) -> None:
        self.workflow_id = workflow_id
        self._workflow = workflow
        self._listener = listener

    def run(self, name: str, function: Callable[[], Json]) -> Json:
        self._listener(StepEvent(self.workflow_id, self._workflow, name, "begin"))
        result: Json = DBOS.run_step({"name": name}, function)
        self._listener(StepEvent(self.workflow_id, self._workflow, name, "end"))
        return result


class ImmediateRunner:
    """The in-memory twin: runs a workflow at once in the calling thread and remembers its result while it lives."""

    def __init__(self, workflows: Mapping[str, Workflow], listener: Listener | None = None) -> None:
        self._workflows = workflows
        self._listener = listener or (lambda _event: None)
        self._results: dict[str, Json] = {}
        self._failures: dict[str, BaseException] = {}
        self._lock = threading.RLock()

    def start(self, name: str, workflow_id: str, argument: Mapping[str, Json]) -> None:
        """See :class:`Runner`."""
        with self._lock:
            if workflow_id in self._results or workflow_id in self._failures:
                return
            steps = _ImmediateSteps(workflow_id, name, self._listener)
            try:
                self._results[workflow_id] = self._workflows[name](steps, _json(dict(argument)))
            except Exception as error:  # noqa: BLE001 - a workflow's failure is its result, as with the other runner
                self._failures[workflow_id] = error

    def result(self, workflow_id: str, timeout: float) -> Json:
        """See :class:`Runner`."""
        with self._lock:
            if workflow_id in self._failures:
                error = self._failures[workflow_id]
                raise WorkflowFailed(f"{type(error).__name__}: {error}") from error
            if workflow_id not in self._results:
                raise TimeoutError(f"workflow {workflow_id} is not done after {timeout:g} s")
            return self._results[workflow_id]

    def unfinished(self) -> list[str]:
        """Always empty: nothing outlives its start."""
        return []

    def close(self, timeout: float) -> None:
        """See :class:`Runner`."""


class _ImmediateSteps:
    def __init__(self, workflow_id: str, workflow: str, listener: Listener) -> None:
        self.workflow_id = workflow_id
        self._workflow = workflow
        self._listener = listener

    def run(self, name: str, function: Callable[[], Json]) -> Json:
        self._listener(StepEvent(self.workflow_id, self._workflow, name, "begin"))
        result = _json(function())
        self._listener(StepEvent(self.workflow_id, self._workflow, name, "end"))
        return result


def _json(value: Any) -> Any:
    """The value as the durable store would give it back, so that the twin hides no serialisation fault."""
    return orjson.loads(orjson.dumps(value))


_SPARING = Sparing()


def _route_logs() -> None:
    """Let DBOS's records go through our own logging instead of a console handler of its own, and not the same each second."""
    logger = logging.getLogger("dbos")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    logger.propagate = True
    logger.addFilter(_SPARING)  # once, however often
