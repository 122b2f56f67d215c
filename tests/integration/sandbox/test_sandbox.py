"""The sandbox as a product: in this process, and as a process of its own that stops when told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import boto3
import pytest

from config.load import load
from providers.sandbox.aws import AwsEmulator, SandboxBusy
from providers.sandbox.faults import FaultKind
from providers.sandbox.sandbox import CLOUDS, Sandbox

COMMAND = [sys.executable, "-m", "daemon", "sandbox"]


def test_clouds_we_do_not_emulate_are_refused() -> None:
    for clouds in (("aws", "tencent"), ()):
        with pytest.raises(ValueError, match="there are aws, azure, gcp"):
            Sandbox(clouds)


def test_only_the_clouds_asked_for_run() -> None:
    with Sandbox(("azure",), seed=False) as sandbox:
        providers = sandbox.providers()
        assert providers.azure is not None
        assert providers.azure.endpoint == sandbox.emulator("azure").endpoint
        assert (providers.aws, providers.gcp) == (None, None)
        assert sandbox.endpoints().keys() == {"azure"}
    assert sandbox.endpoints() == {}


def test_one_emulated_aws_a_process(aws_sandbox: AwsEmulator) -> None:
    with pytest.raises(SandboxBusy), Sandbox(("azure", "aws"), seed=False):
        pytest.fail("it must not start")
    assert aws_sandbox.endpoint.startswith("http://127.0.0.1:")


def test_what_is_not_started_has_no_endpoint() -> None:
    with pytest.raises(RuntimeError):
        _ = AwsEmulator().endpoint
    AwsEmulator().close()


def start(tmp_path: Path, *arguments: str) -> tuple[subprocess.Popen[str], dict[str, Any]]:
    process = subprocess.Popen(
        [*COMMAND, "--format", "json", "--quiet", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line == "}\n":
            break
    return process, json.loads("".join(lines))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_as_a_process_of_its_own(tmp_path: Path, number: signal.Signals) -> None:
    clouds = ",".join(CLOUDS) if number is signal.SIGTERM else "aws"
    arguments = ["--clouds", clouds, "--write-config", "sandbox.yaml"]
    process, told = start(tmp_path, *arguments, *([] if number is signal.SIGTERM else ["--empty"]))
    try:
        assert told["endpoints"].keys() == set(clouds.split(","))
        sts = boto3.client(
            "sts",
            endpoint_url=told["endpoints"]["aws"]["endpoint"],
            region_name=told["environment"]["AWS_DEFAULT_REGION"],
            aws_access_key_id=told["environment"]["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=told["environment"]["AWS_SECRET_ACCESS_KEY"],
        )
        assert sts.get_caller_identity()["Account"] == "123456789012"
        sts.close()
        for endpoints in told["endpoints"].values():
            body = json.dumps({"kind": "denied", "service": "nothing"}).encode()
            with urlopen(Request(endpoints["faults"], data=body, method="POST"), timeout=10) as answer:
                assert answer.status in (200, 201)
            with urlopen(Request(endpoints["faults"], method="DELETE"), timeout=10) as answer:
                assert answer.status in (200, 204)
        loaded = load(tmp_path / "sandbox.yaml", environment={})
        assert loaded.settings.providers.aws is not None
        assert loaded.settings.providers.aws.endpoint == told["endpoints"]["aws"]["endpoint"]
        assert str(tmp_path) in loaded.settings.storage.url
    finally:
        process.send_signal(number)
        assert process.wait(timeout=30) == 0
        assert process.stdout is not None
        process.stdout.close()


def test_it_ends_by_itself(tmp_path: Path) -> None:
    process, told = start(tmp_path, "--clouds", "azure", "--empty", "--seconds", "0")
    assert process.wait(timeout=30) == 0
    assert told["seconds"] == 0
    assert process.stdout is not None
    process.stdout.close()


def test_every_fault_is_documented() -> None:
    page = (Path(__file__).parents[3] / "docs" / "sandbox.md").read_text()
    for kind in FaultKind:
        assert f"`{kind.value}`" in page
