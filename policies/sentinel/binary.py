"""The vendor's own engine, where a ``sentinel`` binary is installed: ``sentinel apply -json`` in a directory of its own.

Its data go in as mocks of a generated ``sentinel.json``. Its output has changed its keys between releases, so it is read
tolerantly, and its exit status decides where the output says nothing: 0 pass, 1 fail, 2 undefined, anything else error.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from policies.errors import EngineError
from policies.sentinel.policy import SentinelError, SentinelResult

_STATUS: Final[Mapping[int, bool | None]] = {0: True, 1: False, 2: None}
_SHOWN: Final = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class SentinelBinary:
    """One installed binary. Same answers as ``CompiledPolicy.evaluate``, at the price of a process each."""

    path: Path
    seconds: float = 30.0

    @classmethod
    def find(cls) -> SentinelBinary | None:
        """The ``sentinel`` on the search path, if there is one."""
        found = shutil.which("sentinel")
        return cls(path=Path(found)) if found is not None else None

    def version(self) -> str:
        """What the binary calls itself. Raises EngineError."""
        return self._run(["version"], Path.cwd()).stdout.strip().splitlines()[0]

    def evaluate(
        self,
        source: str,
        imports: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        *,
        modules: Mapping[str, str] | None = None,
        static: Mapping[str, Any] | None = None,
    ) -> SentinelResult:
        """Evaluate a policy. ``modules`` are sources by import name. Raises EngineError where the binary cannot be run."""
        with tempfile.TemporaryDirectory(prefix="watchstander-sentinel-") as name:
            directory = Path(name)
            (directory / "policy.sentinel").write_text(source, encoding="utf-8")
            config: dict[str, Any] = {
                "mock": {key: {"data": data} for key, data in (imports or {}).items()},
                "import": {"module": {}, "static": {}},
                "param": {key: {"value": value} for key, value in (params or {}).items()},
            }
            for place, (key, text) in enumerate((modules or {}).items()):
                (directory / f"module{place}.sentinel").write_text(text, encoding="utf-8")
                config["import"]["module"][key] = {"source": f"module{place}.sentinel"}
            for place, (key, data) in enumerate((static or {}).items()):
                (directory / f"static{place}.json").write_text(json.dumps(data), encoding="utf-8")
                config["import"]["static"][key] = {"source": f"static{place}.json", "format": "json"}
            (directory / "sentinel.json").write_text(json.dumps(config), encoding="utf-8")
            done = self._run(["apply", "-json", "-config=sentinel.json", "policy.sentinel"], directory)
        return read_output(done.stdout, done.stderr, done.returncode)

    def _run(self, arguments: list[str], directory: Path) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(  # noqa: S603 - the path is the administrator's, the arguments are ours
                [str(self.path), *arguments],
                cwd=directory,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=self.seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise EngineError(
                f"{self.path} did not end within {self.seconds:g} s.",
                hint="The policy may loop, or the binary wait.",
            ) from None
        except OSError as error:
            raise EngineError(f"{self.path} cannot be run: {error.strerror or error}.") from None


def read_output(output: str, errors: str, status: int) -> SentinelResult:
    """What the binary's output and exit status say, whichever release wrote it."""
    try:
        document = json.loads(output)
    except ValueError:
        document = None
    entry = _policy(document)
    trace = _mapping(entry.get("trace"))
    message = (
        _message(entry.get("error"))
        or _message(trace.get("error"))
        or _message(_mapping(document).get("error"))
    )
    if status not in _STATUS and message is None:
        message = (errors.strip() or output.strip() or f"exit status {status}")[:_SHOWN]
    rules = _rules(trace.get("rules"))
    printed = trace.get("print")
    prints = tuple(printed.splitlines()) if isinstance(printed, str) else tuple(map(str, _list(printed)))
    if message is not None:
        error = SentinelError(message=message, kind="runtime")
        return SentinelResult(result=None, rules=rules, prints=prints, error=error, cause=message)
    result = _STATUS[status]
    return SentinelResult(
        result=result,
        value=rules.get("main", result),
        rules=rules,
        prints=prints,
        cause="main is undefined" if result is None else None,
    )


def _policy(document: Any) -> Mapping[str, Any]:
    """The one policy of the document: in a list, in a map by path, or the document itself."""
    policies = _mapping(document).get("policies")
    if isinstance(policies, list) and policies:
        return _mapping(policies[0])
    if isinstance(policies, Mapping) and policies:
        return _mapping(next(iter(policies.values())))
    return _mapping(document)


def _rules(found: Any) -> dict[str, Any]:
    if isinstance(found, Mapping):
        return {str(name): _value(rule) for name, rule in found.items()}
    named = [(_mapping(rule).get("ident") or _mapping(rule).get("name"), rule) for rule in _list(found)]
    return {str(name): _value(rule) for name, rule in named if name}


def _value(rule: Any) -> Any:
    value = rule.get("value") if isinstance(rule, Mapping) else rule
    return (
        {"true": True, "false": False, "undefined": None}.get(value, value)
        if isinstance(value, str)
        else value
    )


def _message(found: Any) -> str | None:
    if isinstance(found, Mapping):
        found = found.get("message") or found.get("error")
    return str(found)[:_SHOWN] if found else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
