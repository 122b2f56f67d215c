"""A running OPA server (``opa run --server``) as the Rego engine, over its REST API.

Modules are put with ``PUT /v1/policies/ID`` when first needed. Beside them goes one wrapper for each program, which asks all
its rules at once, gives ``data`` and the moment of the judgement with ``with``, and lists the stamps of the modules it
found: every uploaded module carries one. A server that was restarted or tampered with lacks a stamp, and is given its
modules again; it can never turn a lost policy into a pass.

Metadata, reads and joins are found in the syntax tree by the embedded parser, whatever evaluates. The server has no limit
of processor time or memory for one evaluation: a request that is given up is cancelled, and its verdict is unknown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import httpx

from policies.engine import (
    Answer,
    Checked,
    CheckedModule,
    Evaluation,
    Failure,
    FailureKind,
    Limits,
    Module,
    Neighbourhood,
    Program,
)
from policies.errors import EngineError, PolicyError, PolicySyntaxError
from policies.rego.engine import STRIKES, RegorusEngine, nanoseconds
from policies.rego.inspect import bad_calls
from policies.rego.rest_plan import PREFIX, Plan, Plans, Refused
from policies.rego.rest_server import Server, timeout

REVISION: Final = 1
"""Raised when the wrapper comes to ask otherwise."""


class OpaServerEngine:
    """The engine. ``url`` is the server's base address. Raises EngineError where it cannot be reached.

    ``patience`` is how long one evaluation may take by the clock, in seconds; None makes it from the limits.
    """

    name = "opa"
    suffixes: tuple[str, ...] = (".rego",)

    def __init__(self, url: str, limits: Limits | None = None, *, patience: float | None = None) -> None:
        self.limits = limits or Limits()
        self._url = url.rstrip("/")
        self._seconds = 2 * self.limits.seconds + 1 if patience is None else patience
        self._parser = RegorusEngine(Limits(seconds=self.limits.seconds, memory_mb=self.limits.memory_mb))
        self._http = httpx.Client(base_url=self._url, timeout=timeout(30), follow_redirects=False)
        self._server = Server(self._http, self._url)
        self._plans = Plans()
        try:
            self._opa = self._server.version()
        except EngineError:
            self.close()
            raise
        self.version = f"opa-{self._opa}+{REVISION}"

    def __enter__(self) -> OpaServerEngine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections. What was uploaded stays; the next engine finds or replaces it."""
        self._http.close()
        self._parser.close()

    # Checking

    def check(self, modules: Sequence[Module]) -> Checked:
        """Parse and examine modules here, then let the server compile each with those it needs."""
        checked, found = self._parser.examine(modules)
        errors: list[PolicyError] = [*found, *bad_calls(checked, own_functions_only=False)]
        if not errors:
            neighbours = Neighbourhood(checked)
            for module in checked:
                errors.extend(self._compiled(module, neighbours))
        return Checked(modules=checked, errors=tuple(errors))

    def _compiled(self, module: CheckedModule, neighbours: Neighbourhood) -> list[PolicyError]:
        # Policies of one package need not fit each other: neighbours count only where it does not stand without them.
        errors = self._try(neighbours.closure(module, own_package=False))
        if errors and self._try(neighbours.closure(module)):
            return [error for error in errors if error.position.path == module.module.path]
        return []

    def _try(self, group: Sequence[CheckedModule]) -> list[PolicyError]:
        try:
            self._server.load(Plan.of(Program.of(group), (), ()), again=False)
        except Refused as refused:
            hint = _V0_HINT if any(m.v0 for m in group) else None
            return [PolicySyntaxError(error.what, error.at, hint=hint) for error in refused.errors]
        return []

    # Evaluating

    def evaluate(self, batch: Sequence[Evaluation]) -> list[Answer]:
        """An answer for each, in order. Raises EngineError where the server cannot be had."""
        strikes: Counter[bytes] = Counter()
        answers = []
        for evaluation in batch:
            digest = evaluation.program.digest
            if strikes[digest] >= STRIKES:
                cause = f"given up after {STRIKES} evaluations of this policy that did not end"
                answers.append(Answer(failure=Failure(kind=FailureKind.TIME, cause=cause)))
                continue
            answer = self._one(evaluation)
            if answer.failure is not None and answer.failure.kind.transient:
                strikes[digest] += 1
            answers.append(answer)
        return answers

    def _one(self, evaluation: Evaluation) -> Answer:
        plan = self._plans.of(evaluation)
        body = _body(evaluation)
        with self._server.at_work(plan):
            for again in (False, True):
                try:
                    self._server.load(plan, again=again)
                except Refused as refused:
                    return _failure(FailureKind.ERROR, "; ".join(str(error) for error in refused.errors))
                found = self._ask(plan, body, evaluation.weight)
                if isinstance(found, Answer):
                    return found
                if again:
                    break
                self._same_server()
        raise EngineError(
            f"The OPA server at {self._url} loses modules right after they are loaded.",
            hint="Let nothing else manage its policies: give Watchstander a server of its own.",
        )

    def _ask(self, plan: Plan, body: bytes, weight: int) -> Answer | None:
        """The answer, or None where the server does not have all the modules."""
        seconds = self._seconds * weight
        for attempt in range(2):
            try:
                response = self._server.send(
                    "POST",
                    f"/v1/data/{PREFIX}/{plan.name}?strict-builtin-errors=true",
                    body,
                    seconds=seconds,
                )
            except httpx.TimeoutException:
                return _failure(FailureKind.TIME, f"the OPA server did not answer within {seconds:g} s")
            except httpx.TransportError as error:
                # The connection was lost with it: a server that closed an idle one, or one that died of it.
                if attempt:
                    self._server.version()  # gone for good: EngineError
                    return _failure(FailureKind.CRASH, f"the OPA server was lost with it ({error})")
                self._server.version()
                continue
            if response.status_code == httpx.codes.OK:
                return plan.read(response)
            return _failure(FailureKind.ERROR, "; ".join(str(e) for e in plan.errors_of(response)))
        raise AssertionError("two attempts end in an answer")

    def _same_server(self) -> None:
        version = self._server.version()
        if version != self._opa:
            raise EngineError(
                f"The OPA server at {self._url} is now version {version}, and was {self._opa}.",
                hint="Reload the configuration: another version may give other verdicts, so all are judged anew.",
            )

    def coverage(self, batch: Sequence[Evaluation]) -> list[dict[str, Any]]:
        """Always raises EngineError: the REST API does not tell."""
        del batch
        raise EngineError(
            "An OPA server does not tell which lines were reached.",
            hint="Measure coverage with `policies.engine: embedded`.",
        )


_V0_HINT: Final = (
    "This file is in the old syntax: start the server with --v0-compatible, or rewrite it with `opa fmt`."
)


def _body(evaluation: Evaluation) -> bytes:
    own = evaluation.program.data
    further = evaluation.data
    if further is not None and own.strip() != b"{}":
        own = own.rstrip()[:-1] + b"," + further.lstrip()[1:]
    elif further is not None:
        own = further
    now = str(nanoseconds(evaluation.now)).encode()
    return b'{"input":{"input":' + evaluation.input + b',"data":' + own + b',"now":' + now + b"}}"


def _failure(kind: FailureKind, cause: str) -> Answer:
    return Answer(failure=Failure(kind=kind, cause=cause))
