"""The settings from a YAML file and the environment, or every problem with them at once.

The environment wins: ``WATCHSTANDER_STORAGE__URL`` is ``storage.url``. Lists and mappings are written as JSON, or lists
as ``a,b`` and mappings as ``a=1,b=2``. An empty variable is as good as none. Relative paths of the file are relative to
the file, those of the environment to the working directory. A section that is named but empty has its defaults.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from config.document import Document, Location, read_document
from config.errors import ConfigurationError, Problem
from config.fields import FileUrl
from config.settings import Settings
from config.shape import Shape, dotted, shape_at, suggestion

PREFIX = "WATCHSTANDER_"
NOT_SETTINGS = frozenset({"WATCHSTANDER_CONFIG", "WATCHSTANDER_DEBUG"})
"""Variables of ours that are no settings."""
DEFAULT = "default"

_SQLITE_FILE = re.compile(r"(sqlite(?:\+\w+)?:///)(?!/|:memory:|file:)(?=.)")

_EXPECTED = {
    "tuple_type": "expected a list",
    "dict_type": "expected options (`key: value`)",
    "model_type": "expected options (`key: value`)",
    "finite_number": "expected a whole number",
    "bool_type": "expected true or false",
    "bool_parsing": "expected true or false",
    "int_type": "expected a whole number",
    "int_parsing": "expected a whole number",
    "int_parsing_size": "expected a whole number",
    "int_from_float": "expected a whole number",
    "float_type": "expected a number",
    "float_parsing": "expected a number",
    "string_type": "expected text",
    "path_type": "expected a path",
}
"""pydantic's kinds of errors in the words of someone who writes YAML."""


@dataclass(frozen=True)
class Loaded:
    """A good configuration and where each of its settings came from."""

    settings: Settings
    path: Path | None = None
    origins: Mapping[Location, str] = field(default_factory=dict)
    """Place -> ``file:line`` or ``environment NAME``; what is not here is a default."""

    def origin(self, location: Location) -> str:
        """Where a setting came from."""
        return self.origins.get(location, DEFAULT)

    def place(self, error: ConfigurationError) -> ConfigurationError:
        """The same problems, each that names an option (``containment.hooks.x.use``) with the file and line it came from."""
        return ConfigurationError(tuple(self.at_its_line(problem) for problem in error.problems))

    def at_its_line(self, problem: Problem) -> Problem:
        """A problem of an option with the file and line the option came from; any other as it is."""
        known = {dotted(at): origin for at, origin in self.origins.items()}
        name = problem.where
        while name and name not in known:
            name = name.rpartition(".")[0]
        if not name:
            return problem
        # What other models say is in pydantic's words.
        what = "required" if problem.what == "Field required" else problem.what.removeprefix("Value error, ")
        return Problem(known[name], f"`{problem.where}`: {what}", problem.hint)

    def effective(self) -> Iterator[tuple[str, Any, str]]:
        """Every setting in force: its name, its value (secrets as references), and where it came from."""
        yield from self._below(self.settings, ())

    def _below(self, value: Any, at: Location) -> Iterator[tuple[str, Any, str]]:
        if isinstance(value, BaseModel) and not _is_leaf(at):
            for name in type(value).model_fields:
                yield from self._below(getattr(value, name), (*at, name))
        elif isinstance(value, dict) and value and all(isinstance(v, BaseModel) for v in value.values()):
            for name, item in value.items():
                yield from self._below(item, (*at, name))
        else:
            yield dotted(at), self._plain.get(at, value), self.origin(at)

    @cached_property
    def _plain(self) -> dict[Location, Any]:
        out: dict[Location, Any] = {}

        def walk(value: Any, at: Location) -> None:
            out[at] = value
            if isinstance(value, dict):
                for key, item in value.items():
                    walk(item, (*at, key))

        walk(self.settings.model_dump(mode="json"), ())
        return out


def _is_leaf(at: Location) -> bool:
    shape = shape_at(at)
    return shape is not None and shape.secret


def load(path: Path | None, environment: Mapping[str, str]) -> Loaded:
    """The settings of ``path`` (None: no file) and ``environment``. Raises ConfigurationError with every problem."""
    document = Document(Path("defaults")) if path is None else read_document(path)
    problems = list(document.problems)
    if document.data is None:
        document.data = {}
    if not isinstance(document.data, dict):
        problems.append(
            Problem(document.where(()), "the file must hold options (`key: value`), not a list or text")
        )
        document.data = {}
    base = Path.cwd() if path is None else path.absolute().parent
    data = _prepare(document.data, Shape(Settings), base)
    origins: dict[Location, str] = {at: f"{path}:{line}" for at, line in document.lines.items() if at}
    for name, at, value in _variables(environment, data, problems):
        _put(data, at, value)
        for below in [known for known in origins if known[: len(at)] == at]:
            del origins[below]
        origins.update(dict.fromkeys(_places(value, at), f"environment {name}"))
    settings = _validate(data, document, origins, problems)
    if settings is None or problems:
        raise ConfigurationError(tuple(sorted(set(problems), key=_reading_order)))
    return Loaded(settings, path, origins)


def reference_text() -> str:
    """``reference.yaml``: every option, its default and its meaning."""
    return (Path(__file__).parent / "reference.yaml").read_text(encoding="utf-8")


def _reading_order(problem: Problem) -> tuple[bool, str, int, str]:
    """The file from top to bottom, then the environment."""
    name, _, line = problem.where.rpartition(":")
    if line.isdigit():
        return False, name, int(line), problem.what
    return True, problem.where, 0, problem.what


def _prepare(value: Any, shape: Shape | None, base: Path) -> Any:
    """Empty sections as their defaults, relative paths made absolute."""
    if shape is None:
        return value
    if value is None and (shape.model is not None or (not shape.optional and shape.type in (dict, tuple))):
        return {} if shape.type is not tuple else []
    if isinstance(value, dict):
        return {key: _prepare(item, shape.child(key), base) for key, item in value.items()}
    if isinstance(value, list):
        return [_prepare(item, shape.child(0), base) for item in value]
    return _absolute(value, shape, base) if isinstance(value, str) and "\x00" not in value else value


def _absolute(value: str, shape: Shape, base: Path) -> str:
    if shape.type is Path:
        return str(base / _home(Path(value))) if value else value
    if shape.secret and value.startswith("file:") and value != "file:":
        location = value.removeprefix("file:")
        return value if location.startswith("%d") else f"file:{base / location}"
    if any(marker is FileUrl or isinstance(marker, FileUrl) for marker in shape.markers):
        return _SQLITE_FILE.sub(lambda match: f"{match[1]}{base}/", value, count=1)
    return value


def _home(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:  # no such user: then ~ is a name like any other
        return path


def _variables(
    environment: Mapping[str, str], data: dict[str, Any], problems: list[Problem]
) -> Iterator[tuple[str, Location, Any]]:
    """Every setting in the environment: variable, place, value. Shorter places come before those below them."""
    ours = {
        name for name in environment if name.startswith(PREFIX) and environment[name].strip()
    } - NOT_SETTINGS
    for name in sorted(ours, key=lambda n: (n.count("__"), n)):
        at = _place(name, data)
        shape = shape_at(at)
        if shape is None:
            # Orchestrators invent variables (`WATCHSTANDER_PORT=tcp://…` for a Kubernetes service of our name):
            # a single segment is refused only where it looks like a slip.
            if len(at) > 1:
                problems.append(
                    Problem(f"environment {name}", f"unknown option `{dotted(at)}`", suggestion(at))
                )
            elif get_close_matches(str(at[0]), list(Settings.model_fields), 1, 0.8):
                problems.append(Problem(f"environment {name}", f"unknown option `{at[0]}`", suggestion(at)))
            continue
        try:
            value = _from_text(environment[name], shape)
        except ValueError as error:
            problems.append(Problem(f"environment {name}", str(error)))
            continue
        yield name, at, _prepare(value, shape, Path.cwd())


def _place(variable: str, data: Any) -> Location:
    """``WATCHSTANDER_CONTAINMENT__HOOKS__REVOKE__MODE`` -> ("containment", "hooks", "revoke", "mode").

    Names the user gave are found whatever their case, and with ``-`` for ``_``.
    """
    at: list[str | int] = []
    for segment in variable.removeprefix(PREFIX).split("__"):
        key = segment.lower()
        if isinstance(data, dict):
            key = next((known for known in data if known.lower().replace("-", "_") == key), key)
        data = data.get(key) if isinstance(data, dict) else None
        at.append(key)
    return tuple(at)


def _from_text(value: str, shape: Shape) -> Any:
    """The value of a variable as the data a file would hold. Raises ValueError."""
    if shape.model is not None or shape.type in (dict, tuple):
        kind = list if shape.type is tuple else dict
        if value.lstrip()[:1] in ("[", "{"):
            parsed = _json(value)
            if not isinstance(parsed, kind):
                raise ValueError(f"expected a JSON {'array' if kind is list else 'object'}")
            return parsed
        parts = [part.strip() for part in value.split(",") if part.strip()]
        if kind is list:
            return parts
        if shape.model is not None or not all("=" in part for part in parts):
            raise ValueError(
                'expected a JSON object: {"key": "value"}' + ("" if shape.model else " or key=value,…")
            )
        return {key.strip(): item.strip() for key, item in (part.split("=", 1) for part in parts)}
    if shape.type is Any:
        try:
            return _json(value)
        except ValueError:
            return value
    return value


def _json(value: str) -> Any:
    try:
        return json.loads(value)
    except RecursionError:
        raise ValueError("JSON nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"not JSON: {error}") from None


def _places(value: Any, at: Location) -> Iterator[Location]:
    """A value's own place and those of all that is in it."""
    yield at
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _places(item, (*at, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _places(item, (*at, index))


def _put(data: dict[str, Any], at: Location, value: Any) -> None:
    for key in at[:-1]:
        below = data.get(str(key))
        if not isinstance(below, dict):
            below = data[str(key)] = {}
        data = below
    data[str(at[-1])] = value


def _validate(
    data: dict[str, Any], document: Document, origins: Mapping[Location, str], problems: list[Problem]
) -> Settings | None:
    try:
        return Settings.model_validate(data)
    except ValidationError as error:
        for found in error.errors(include_url=False, include_context=True):
            at = tuple(found["loc"])
            if at[-1:] == ("[key]",):  # pydantic's mark: it is the key itself that is wrong
                at = at[:-1]
            problems.append(_problem(at, dict(found), document, origins))
        return None


def _problem(
    at: Location, found: dict[str, Any], document: Document, origins: Mapping[Location, str]
) -> Problem:
    """One of pydantic's errors as a sentence with its place. A secret's value is never repeated."""
    where = next(
        (origins[at[:end]] for end in range(len(at), 0, -1) if at[:end] in origins), document.where(at)
    )
    name = dotted(at)
    if found["type"] == "extra_forbidden":
        return Problem(where, f"unknown option `{name}`", suggestion(at))
    if found["type"] == "missing":
        return Problem(where, f"`{name}` is required")
    shape = shape_at(at)
    what = str(found["msg"]).removeprefix("Value error, ").replace("Input should be", "expected")
    what = _EXPECTED.get(found["type"], what)
    written = document.written.get(at)
    if found["type"] == "string_type" and written is not None:
        return Problem(
            where, f"`{name}`: expected text, got {written or 'nothing'}", f'quote it: "{written}"'
        )
    given = found.get("input")
    if (
        isinstance(given, str | int | float)
        and not (shape and shape.secret)
        and found["type"] != "value_error"
    ):
        what += f", got {str(given)[:60]!r}"
    hint = f"write [{given}]" if found["type"] == "tuple_type" and isinstance(given, str) else None
    return Problem(where, f"`{name}`: {what}" if name else what, hint)
