"""The vendor's binary as an engine. It cannot be had here, so a script of the same interface stands in for it: it checks
how it is called, and writes what the documented releases write."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from policies.errors import EngineError
from policies.sentinel import SentinelBinary
from policies.sentinel.binary import read_output

DOUBLE = """#!{python}
import json, os, re, sys, threading
args = sys.argv[1:]
if args == ["version"]:
    print("Sentinel v0.26.1"); sys.exit(0)
if sys.stdin.read():
    sys.exit("something on stdin")
if args[:2] != ["apply", "-json"] or not args[2].startswith("-config=") or len(args) != 4:
    sys.exit(9)
config = json.load(open(args[2].partition("=")[2]))
source = open(args[3]).read()
for held in [*config["import"]["module"].values(), *config["import"]["static"].values()]:
    open(held["source"]).close()
wanted = re.search(r"# double: (\\\\S+)", source)[1]
release = re.search(r"# release: (\\\\S+)", source)[1]
if wanted == "hang":
    threading.Event().wait()
if wanted == "garbage":
    print("panic: oh no"); sys.exit(2 if release == "lying" else 9)
status = {{"pass": 0, "fail": 1, "undefined": 2, "error": 3}}[wanted]
error = "policy.sentinel:3:1: division by zero" if wanted == "error" else None
value = {{"pass": True, "fail": False, "undefined": "undefined", "error": False}}[wanted]
printed = "seen " + json.dumps(config["mock"], sort_keys=True) + " " + json.dumps(config["param"]) + "\\\\n"
rule = {{"desc": "", "ident": "main", "position": {{"filename": "policy.sentinel", "line": 1}}, "value": value}}
trace = {{"description": "", "error": None, "print": printed, "result": value is True, "rules": {{"main": rule}}}}
policy = {{"policy": "policy.sentinel", "result": value is True, "error": error, "trace": trace}}
if release == "0.21":
    document = {{"can_override": False, "error": None, "policies": [dict(policy, allowed_failure=False)], "result": value is True}}
elif release == "0.25":
    document = {{"policies": {{"policy.sentinel": dict(policy, enforcement_level="advisory", duration=1)}}, "duration": 2}}
else:
    trace["rules"] = [{{"name": "main", "value": str(value).lower()}}]
    trace["print"] = printed.splitlines()
    document = dict(policy, error={{"message": error}} if error else None)
print(json.dumps(document))
sys.exit(status)
"""


@pytest.fixture(scope="module")
def binary(tmp_path_factory: pytest.TempPathFactory) -> SentinelBinary:
    path = tmp_path_factory.mktemp("bin") / "sentinel"
    path.write_text(
        DOUBLE.replace("{python}", sys.executable).replace("{{", "{").replace("}}", "}").replace("\\\\", "\\")
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return SentinelBinary(path=path)


def ask(binary: SentinelBinary, wanted: str, release: str = "0.25", **given: Any) -> Any:
    return binary.evaluate(f"# double: {wanted}\n# release: {release}\nmain = true\n", **given)


@pytest.mark.parametrize("release", ["0.21", "0.25", "other"])
@pytest.mark.parametrize(("wanted", "passes"), [("pass", True), ("fail", False), ("undefined", None)])
def test_results_of_every_release(
    binary: SentinelBinary, release: str, wanted: str, passes: bool | None
) -> None:
    result = ask(binary, wanted, release)
    assert result.result is passes
    assert result.error is None
    assert result.rules == {"main": passes}
    assert (result.cause is None) == (passes is not None)
    assert result.prints == ("seen {} {}",)


@pytest.mark.parametrize("release", ["0.21", "0.25", "other"])
def test_errors_of_every_release(binary: SentinelBinary, release: str) -> None:
    result = ask(binary, "error", release)
    assert result.result is None
    assert "division by zero" in str(result.error)


def test_data_parameters_modules_and_static_data_go_in(binary: SentinelBinary) -> None:
    result = ask(
        binary,
        "pass",
        imports={"tfplan/v2": {"a": 1}},
        params={"p": [1]},
        modules={"m": "x = 1"},
        static={"s": {"k": "v"}},
    )
    assert result.prints == ('seen {"tfplan/v2": {"data": {"a": 1}}} {"p": {"value": [1]}}',)


def test_garbage_is_an_error(binary: SentinelBinary) -> None:
    result = ask(binary, "garbage")
    assert result.result is None
    assert "panic: oh no" in str(result.error)
    assert ask(binary, "garbage", "lying").result is None


def test_a_binary_that_hangs_is_stopped(binary: SentinelBinary) -> None:
    with pytest.raises(EngineError, match=r"did not end within 0\.5 s"):
        ask(SentinelBinary(path=binary.path, seconds=0.5), "hang")


def test_a_binary_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="cannot be run"):
        ask(SentinelBinary(path=tmp_path / "none"), "pass")


def test_its_version(binary: SentinelBinary) -> None:
    assert binary.version() == "Sentinel v0.26.1"


def test_it_is_found_on_the_search_path(binary: SentinelBinary, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(binary.path.parent))
    assert SentinelBinary.find() == binary
    monkeypatch.setenv("PATH", "/nowhere")
    assert SentinelBinary.find() is None


def test_output_without_a_policy_is_read_by_its_status() -> None:
    assert read_output("{}", "", 0).result is True
    assert read_output("", "", 1).result is False
    assert read_output("[1]", "", 2).result is None
    assert str(read_output("null", "boom", 7).error) == "boom"
    assert str(read_output(json.dumps({"error": "bad config"}), "", 0).error) == "bad config"
