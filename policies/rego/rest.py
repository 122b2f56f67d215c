"""A running OPA server (``opa run --server``) as the Rego engine, over its REST API.

Modules are put with ``PUT /v1/policies/ID`` when first needed. Beside them goes one wrapper for each program, which asks all
its rules at once, gives ``data`` and the moment of the judgement with ``with``, and lists the stamps of the modules it
found: every uploaded module carries one. A server that was restarted or tampered with lacks a stamp, and is given its
modules again; it can never turn a lost policy into a pass.

Metadata, reads and joins are found in the syntax tree by the embedded parser, whatever evaluates. The server has no limit
of processor time or memory for one evaluation: a request that is given up is cancelled, and its verdict is unknown.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import orjson

from policies.engine import (
    Answer,
    Checked,
    CheckedModule,
    Evaluation,
    Failure,
    FailureKind,
    Limits,
    Module,
    Program,
    closure,
)
from policies.errors import EngineError, PolicyError, PolicySyntaxError, Position
from policies.rego.engine import STRIKES, RegorusEngine, nanoseconds
from policies.rego.inspect import bad_calls
from providers.normalise import digest_of

REVISION: Final = 1
"""Raised when the wrapper comes to ask otherwise."""
PREFIX: Final = "watchstander"
"""Begins the id of every module that is ours, and is the package of the wrappers."""
STAMP: Final = "watchstander_stamp"
RETRIES: Final = 3
"""How often a server that cannot be reached is asked before it is given up."""
BACKOFF: Final = 0.2
"""Seconds before the first of these; twice as long before each further one."""
PLANS: Final = 4096
"""Plans kept."""
_UNAVAILABLE: Final = frozenset({429, 502, 503, 504})


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
        self._http = httpx.Client(base_url=self._url, timeout=_timeout(30), follow_redirects=False)
        self._server = _Server(self._http, self._url)
        self._plans = _Plans()
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
            for module in checked:
                errors.extend(self._compiled(module, checked))
        return Checked(modules=checked, errors=tuple(errors))

    def _compiled(self, module: CheckedModule, others: Sequence[CheckedModule]) -> list[PolicyError]:
        # Policies of one package need not fit each other: neighbours count only where it does not stand without them.
        alone = closure(module, [other for other in others if other.package != module.package])
        errors = self._try(alone)
        if errors and self._try(closure(module, others)):
            return [error for error in errors if error.position.path == module.module.path]
        return []

    def _try(self, group: Sequence[CheckedModule]) -> list[PolicyError]:
        try:
            self._server.load(_Plan.of(Program.of(group), (), ()), again=False)
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

    def _ask(self, plan: _Plan, body: bytes, weight: int) -> Answer | None:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One thing the server said, at its place in our files."""

    at: Position
    what: str

    def __str__(self) -> str:
        return f"{self.at}: {self.what}" if self.at.line else self.what


class Refused(Exception):
    """The server does not compile modules."""

    def __init__(self, errors: Sequence[Said]) -> None:
        self.errors = tuple(errors)
        super().__init__("; ".join(str(error) for error in errors))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Uploaded:
    """One module as it is put on the server: its stamp follows the last line, so that every position stays."""

    id: str
    package: str
    text: str
    stamp: str
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What must be on the server for a program and a way of asking it."""

    name: str
    modules: tuple[_Uploaded, ...]
    wrapper: str
    contested: frozenset[str]
    """The packages it needs for itself."""

    @classmethod
    def of(cls, program: Program, entrypoints: Sequence[str], keys: Sequence[str]) -> _Plan:
        """The plan that asks these rules with data of these names; without rules, only for compiling."""
        modules = []
        for path, text, v0 in program.modules:
            digest = digest_of([text.encode(), b"0" if v0 else b"1", path.encode("utf-8", "surrogateescape")])
            stamp = digest.hex()[:24]
            uploaded = f'{text}\n\n{STAMP}["{stamp}"] := true\n'
            package = _package(text)
            modules.append(
                _Uploaded(
                    id=f"{PREFIX}-{stamp}", package=package, text=uploaded, stamp=stamp, path=Path(path)
                )
            )
        name = "p" + digest_of([program.digest, *(e.encode() for e in (*entrypoints, *keys))]).hex()[:24]
        return cls(
            name=name,
            modules=tuple(modules),
            wrapper=_wrapper(name, modules, entrypoints, keys) if entrypoints else "",
            contested=frozenset(m.package for m in modules),
        )

    def read(self, response: httpx.Response) -> Answer | None:
        """An answer, or None where a stamp is missing."""
        try:
            result = orjson.loads(response.content).get("result")
        except (orjson.JSONDecodeError, AttributeError):
            raise EngineError(
                f"What answers at {_base(response)} is no OPA server.", hint="Correct policies.opa_url."
            ) from None
        stamps = set(result.get("stamps", ())) if isinstance(result, Mapping) else set()
        if not stamps.issuperset(m.stamp for m in self.modules):
            return None
        return Answer(values=result.get("answer", {}))

    def errors_of(self, response: httpx.Response) -> list[Said]:
        """What a refusal says, in our files' places. Raises EngineError where the server did not say it as OPA does."""
        try:
            body = orjson.loads(response.content)
            errors = body.get("errors") or [body]
            return [self._said(error) for error in errors]
        except (orjson.JSONDecodeError, AttributeError, TypeError, KeyError):
            what = f"status {response.status_code} and no error as OPA writes them"
            raise EngineError(
                f"The server at {_base(response)} answered with {what}.",
                hint="Is policies.opa_url the address of an OPA server, and may Watchstander use it?",
            ) from None

    def _said(self, error: Mapping[str, Any]) -> Said:
        place = error.get("location") or {}
        paths = {module.id: module.path for module in self.modules}
        path = paths.get(str(place.get("file", "")))
        position = Position(path, int(place["row"]), int(place.get("col", 0))) if path else Position(Path())
        return Said(at=position, what=f"{error['code']}: {error['message']}")


def _base(response: httpx.Response) -> str:
    return str(response.request.url.copy_with(path="/", query=None))


class _Plans:
    """Plans by what they are for; making one hashes every source. Safe from several threads."""

    def __init__(self) -> None:
        self._plans: dict[tuple[bytes, tuple[str, ...], tuple[str, ...]], _Plan] = {}
        self._last: tuple[bytes, tuple[str, ...]] | None = None
        """Further data and its names: evaluations that share it come in a row."""

    def of(self, evaluation: Evaluation) -> _Plan:
        """The plan of an evaluation."""
        further, last = evaluation.data, self._last
        if further is None:
            names: tuple[str, ...] = ()
        elif last is not None and last[0] is further:
            names = last[1]
        else:
            names = tuple(_keys(further))
            self._last = (further, names)
        program = evaluation.program
        key = (program.digest, evaluation.entrypoints, names)
        plan = self._plans.get(key)
        if plan is None:
            if len(self._plans) > PLANS:
                self._plans.clear()
            keys = sorted({*_keys(program.data), *names})
            plan = self._plans[key] = _Plan.of(program, evaluation.entrypoints, keys)
        return plan


def _wrapper(name: str, modules: Sequence[_Uploaded], entrypoints: Sequence[str], keys: Sequence[str]) -> str:
    override = "".join(f" with data.{key} as input.data.{key}" for key in keys)
    lines = [f"package {PREFIX}.{name}", "", "import rego.v1", ""]
    for entrypoint in entrypoints:
        key = orjson.dumps(entrypoint).decode()
        asked = f"x := {entrypoint} with input as input.input{override} with time.now_ns as input.now"
        lines.append(f"answer[{key}] := x if {{ {asked} }}")
    lines += [f'stamps contains "{m.stamp}" if data.{m.package}.{STAMP}["{m.stamp}"]' for m in modules]
    return "\n".join([*lines, ""])


def _keys(text: bytes) -> list[str]:
    """The top-level names of data."""
    return sorted(orjson.loads(text))


def _package(text: str) -> str:
    """A module's package, below ``data``. It has been parsed before."""
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["package"] and len(words) > 1:
            return words[1]
    return ""


def _body(evaluation: Evaluation) -> bytes:
    own = evaluation.program.data
    further = evaluation.data
    if further is not None and own.strip() != b"{}":
        own = own.rstrip()[:-1] + b"," + further.lstrip()[1:]
    elif further is not None:
        own = further
    now = str(nanoseconds(evaluation.now)).encode()
    return b'{"input":{"input":' + evaluation.input + b',"data":' + own + b',"now":' + now + b"}}"


def _timeout(seconds: float) -> httpx.Timeout:
    return httpx.Timeout(seconds, connect=5, pool=None)


def _failure(kind: FailureKind, cause: str) -> Answer:
    return Answer(failure=Failure(kind=kind, cause=cause))


class _Server:
    """What is on the server, as far as we know, and how it is talked to. Safe from several threads.

    Two programs may need different modules of one package (policies of one package do not see each other). Such programs
    take turns: whoever is at work with one of them holds the lock.
    """

    def __init__(self, http: httpx.Client, url: str) -> None:
        self._http = http
        self._url = url
        self._lock = threading.RLock()
        self._modules: dict[str, str] = {}
        """Id -> package."""
        self._wrappers: dict[str, frozenset[str]] = {}
        """Plan -> the modules it asks."""
        self._contested: set[str] = set()
        self._surveyed = False
        self._wait = threading.Event()

    @contextmanager
    def at_work(self, plan: _Plan) -> Iterator[None]:
        """Work with a plan; alone, where another needs other modules of its packages."""
        if self._contested.isdisjoint(plan.contested):
            yield
            return
        with self._lock:
            yield

    def version(self) -> str:
        """The server's version. Raises EngineError where there is no OPA."""
        try:
            response = self.send("GET", "/v1/data/system/version")
        except httpx.TransportError as error:
            raise self._unreachable(error) from error
        if response.status_code != httpx.codes.OK:
            raise EngineError(
                f"The OPA server at {self._url} refuses (status {response.status_code}).",
                hint="Watchstander needs PUT and GET on /v1/policies and POST on /v1/data; see docs/rego-engines.md.",
            )
        try:
            found = orjson.loads(response.content)
            return str(found["result"]["version"]) if "result" in found else "unknown"
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise EngineError(
                f"What answers at {self._url} is no OPA server.", hint="Correct policies.opa_url."
            ) from None

    def send(
        self, method: str, path: str, body: bytes | None = None, *, text: bool = False, seconds: float = 30
    ) -> httpx.Response:
        """One request; again where nobody was there. Raises EngineError for that, httpx.TransportError otherwise."""
        kind = "text/plain" if text else "application/json"
        delay = BACKOFF
        for attempt in range(RETRIES + 1):
            last: Exception | str
            try:
                response = self._http.request(
                    method, path, content=body, headers={"Content-Type": kind}, timeout=_timeout(seconds)
                )
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                last = error
            else:
                if response.status_code not in _UNAVAILABLE:
                    return response
                last = f"status {response.status_code}"
            if attempt < RETRIES:
                self._wait.wait(delay)
                delay *= 2
        raise self._unreachable(last)

    def _unreachable(self, why: Exception | str) -> EngineError:
        return EngineError(
            f"The OPA server at {self._url} cannot be reached: {why}.",
            hint="Start it with `opa run --server`, or correct policies.opa_url.",
        )

    def load(self, plan: _Plan, *, again: bool) -> None:
        """See that the server has what a plan needs; with ``again``, whatever we believe. Raises Refused, EngineError."""
        if not again and plan.name in self._wrappers:
            return
        with self._lock:
            if again:
                self._modules.clear()
                self._wrappers.clear()
                self._surveyed = False
            self._survey()
            wanted = {module.id for module in plan.modules}
            rivals = [i for i, p in self._modules.items() if p in plan.contested and i not in wanted]
            if rivals:
                self._contested |= plan.contested
                for name in [n for n, needed in self._wrappers.items() if not needed.isdisjoint(rivals)]:
                    del self._wrappers[name]
                    self._delete(f"{PREFIX}-{name}")
                for rival in rivals:
                    self._delete(rival)
            for module in plan.modules:
                if module.id not in self._modules:
                    self._put(plan, module.id, module.text)
                    self._modules[module.id] = module.package
            if plan.wrapper:
                self._put(plan, f"{PREFIX}-{plan.name}", plan.wrapper)
                self._wrappers[plan.name] = frozenset(wanted)

    def _survey(self) -> None:
        """Take away what an earlier process of ours left."""
        if self._surveyed:
            return
        response = self.send("GET", "/v1/policies")
        try:
            listed = [str(policy["id"]) for policy in orjson.loads(response.content).get("result") or ()]
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            raise EngineError(
                f"The OPA server at {self._url} does not list its policies (status {response.status_code}).",
                hint="Watchstander needs GET on /v1/policies.",
            ) from None
        # Wrappers first: they refer to the modules.
        ours = sorted(i for i in listed if i.startswith(f"{PREFIX}-"))
        for one in sorted(ours, key=lambda i: not i.startswith(f"{PREFIX}-p")):
            self._delete(one)
        self._surveyed = True

    def _delete(self, id_: str) -> None:
        self.send("DELETE", f"/v1/policies/{id_}")
        self._modules.pop(id_, None)

    def _put(self, plan: _Plan, id_: str, text: str) -> None:
        response = self.send("PUT", f"/v1/policies/{id_}", text.encode(), text=True)
        if response.status_code != httpx.codes.OK:
            raise Refused(plan.errors_of(response))
