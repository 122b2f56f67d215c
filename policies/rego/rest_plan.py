"""What must be on an OPA server for a program, and the module that asks all its rules at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import orjson

from policies.engine import Answer, Evaluation, Program
from policies.errors import EngineError, Position
from providers.normalise import digest_of

PREFIX: Final = "watchstander"
"""Begins the id of every module that is ours, and is the package of the wrappers."""
STAMP: Final = "watchstander_stamp"
PLANS: Final = 4096
"""Plans kept."""


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
class Uploaded:
    """One module as it is put on the server: its stamp follows the last line, so that every position stays."""

    id: str
    package: str
    text: str
    stamp: str
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What must be on the server for a program and a way of asking it."""

    name: str
    modules: tuple[Uploaded, ...]
    wrapper: str
    contested: frozenset[str]
    """The packages it needs for itself."""

    @classmethod
    def of(cls, program: Program, entrypoints: Sequence[str], keys: Sequence[str]) -> Plan:
        """The plan that asks these rules with data of these names; without rules, only for compiling."""
        modules = []
        for path, text, v0 in program.modules:
            digest = digest_of([text.encode(), b"0" if v0 else b"1", path.encode("utf-8", "surrogateescape")])
            stamp = digest.hex()[:24]
            uploaded = f'{text}\n\n{STAMP}["{stamp}"] := true\n'
            package = _package(text)
            modules.append(
                Uploaded(id=f"{PREFIX}-{stamp}", package=package, text=uploaded, stamp=stamp, path=Path(path))
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


class Plans:
    """Plans by what they are for; making one hashes every source. Safe from several threads."""

    def __init__(self) -> None:
        self._plans: dict[tuple[bytes, tuple[str, ...], tuple[str, ...]], Plan] = {}
        self._last: tuple[bytes, tuple[str, ...]] | None = None
        """Further data and its names: evaluations that share it come in a row."""

    def of(self, evaluation: Evaluation) -> Plan:
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
            plan = self._plans[key] = Plan.of(program, evaluation.entrypoints, keys)
        return plan


def _wrapper(name: str, modules: Sequence[Uploaded], entrypoints: Sequence[str], keys: Sequence[str]) -> str:
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
