"""One evaluation by hand: ``policy eval``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from config.errors import UsageError
from policies.engine import Engine, Evaluation, Program
from policies.errors import PackError, PolicyErrors
from policies.files import DISK
from policies.yaml import load_yaml


def read_json(path: Path, *, what: str) -> bytes:
    """A JSON file as it stands, checked. Raises UsageError with file:line:column."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: the {what} cannot be read: {error.strerror}.") from None
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        raise UsageError(
            f"{path}:{error.lineno}:{error.colno}: the {what} is not JSON: {error.msg}."
        ) from None
    except UnicodeDecodeError as error:
        before = text[: error.start].decode("utf-8", "replace").split("\n")
        place = f"{path}:{len(before)}:{len(before[-1]) + 1}"
        raise UsageError(f"{place}: the {what} is not UTF-8 text (byte 0x{text[error.start]:02x}).") from None
    except RecursionError:
        return text  # the engine has its own limit, and its own words for it
    return text


def values_of(text: bytes | str, path: Path | str, *, what: str) -> Any:
    """The values of JSON text that has been checked. Raises UsageError where it nests too deeply to be read."""
    try:
        return json.loads(text)
    except RecursionError:
        raise UsageError(f"{path}: the {what} nests too deeply to be read.") from None


def read_data(paths: Sequence[Path]) -> dict[str, Any]:
    """Data files (JSON or YAML) merged at the top, later ones over earlier ones. Raises UsageError."""
    merged: dict[str, Any] = {}
    for path in paths:
        if path.suffix in (".yaml", ".yml"):
            values: Any = load_yaml(DISK.text(path), path)[0]
        else:
            values = values_of(read_json(path, what="data"), path, what="data")
        if not isinstance(values, Mapping):
            raise UsageError(f"{path}: data must be an object.")
        merged.update(values)
    return merged


def read_parameters(pairs: Sequence[str]) -> dict[str, Any]:
    """``k=v`` pairs; a value that is JSON is taken as such, anything else as text. Raises UsageError."""
    parameters: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UsageError(f"--param takes name=value, not {pair!r}.")
        try:
            parameters[name] = values_of(value, f"--param {name}", what="value")
        except json.JSONDecodeError:
            parameters[name] = value
    return parameters


def evaluate_files(
    files: Sequence[Path],
    engine: Engine,
    *,
    text: bytes,
    data: Mapping[str, Any],
    query: str | None,
    now: datetime,
) -> dict[str, Any]:
    """``{"result": value}``, ``{"undefined": true}`` or ``{"error": …}``. Without a query, all of the first file's
    package. Raises PolicyErrors for files that are no policies."""
    try:
        modules = [DISK.module(path) for path in files]
    except PackError as error:
        raise PolicyErrors((error,)) from None
    checked = engine.check(modules)
    if checked.errors:
        raise PolicyErrors(checked.errors)
    asked = query or f"data.{checked.modules[0].package}"
    try:
        program = Program.of(checked.modules, orjson.dumps(dict(data)))
    except TypeError as error:
        raise UsageError(f"The data cannot be written as JSON: {error}.") from None
    evaluation = Evaluation(program=program, entrypoints=(asked,), input=text, now=now, query=True)
    (answer,) = engine.evaluate([evaluation])
    if answer.failure is not None:
        return {"error": answer.failure.cause}
    if asked not in answer.values:
        return {"undefined": True}
    result: dict[str, Any] = {"result": answer.values[asked]}
    if answer.prints:
        result["print"] = list(answer.prints)
    return result
