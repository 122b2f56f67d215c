"""``watchstander init`` on emulated clouds, without any, and on ones that never answer."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from config.clouds import AwsAccounts, AwsSettings, Providers
from config.errors import UsageError
from config.load import load
from daemon import beginning
from daemon.beginning import configuration, probe_all
from daemon.cli import app
from daemon.cli.context import State
from providers.probe import Look, Probe
from providers.sandbox.aws import AwsEmulator
from providers.sandbox.azure import AzureEmulator
from providers.sandbox.faults import Fault, FaultKind
from providers.sandbox.gcp import GcpEmulator

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def others() -> Iterator[dict[str, Any]]:
    with ExitStack() as stack:
        yield {
            "azure": stack.enter_context(AzureEmulator()),
            "gcp": stack.enter_context(GcpEmulator()),
        }


@pytest.fixture
def environment(aws: AwsEmulator, others: dict[str, Any]) -> Iterator[dict[str, str]]:
    del aws  # its variables are in os.environ, where boto3 looks
    gcp = others["gcp"].settings()
    yield {
        "WATCHSTANDER_PROVIDERS__AZURE__ENDPOINT": others["azure"].endpoint,
        "WATCHSTANDER_PROVIDERS__AZURE__CREDENTIAL": "static",
        "WATCHSTANDER_PROVIDERS__GCP__ENDPOINT": gcp.endpoint,
        "WATCHSTANDER_PROVIDERS__GCP__REST_ENDPOINT": gcp.rest_endpoint,
        "WATCHSTANDER_PROVIDERS__GCP__CREDENTIAL": "anonymous",
        "WATCHSTANDER_PROVIDERS__GCP__PARENTS": json.dumps(gcp.parents[:1]),
    }
    for one in others.values():
        one.faults.clear()


def init(
    capsys: pytest.CaptureFixture[str], environment: dict[str, str], *arguments: str
) -> tuple[int, str, str]:
    state = State(environment=environment, clock=lambda: datetime.now(UTC))
    status = app.run(("init", *arguments), state)
    out, err = capsys.readouterr()
    return status, out, err


def test_what_answers_is_written_and_what_is_written_loads(
    capsys: pytest.CaptureFixture[str], environment: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "w.yaml"
    status, out, _ = init(capsys, environment, "--output", str(path), "--format", "json")
    assert status == 0, out
    clouds = {c["cloud"]: c for c in json.loads(out)["clouds"]}
    assert all(c["found"] for c in clouds.values())
    assert {s["what"] for s in clouds["aws"]["seen"]} >= {"S3 buckets", "IAM", "CloudTrail"}
    assert any("organisation has" in line for line in clouds["aws"]["advice"])
    assert any("AWS_ENDPOINT_URL is http://" in line for line in clouds["aws"]["advice"])
    loaded = load(path, {}).settings
    assert loaded.providers.azure is not None
    assert loaded.providers.azure.endpoint == environment["WATCHSTANDER_PROVIDERS__AZURE__ENDPOINT"]
    assert loaded.providers.gcp is not None
    assert len(loaded.providers.gcp.parents) == 1
    assert loaded.providers.aws is not None
    assert loaded.storage.url.endswith("/watchstander.db")
    assert "discover: organizations" in path.read_text()


def test_what_is_written_scans(
    capsys: pytest.CaptureFixture[str],
    environment: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert init(capsys, environment)[0] == 0
    status = app.run(
        ("scan", "--provider", "azure", "--type", "microsoft.keyvault/vaults", "--format", "json"),
        State(environment={}),
    )
    assert json.loads(capsys.readouterr().out)["read"] > 0
    assert status in {0, 1, 3}


def test_what_is_denied_is_told_with_the_permission(
    capsys: pytest.CaptureFixture[str],
    aws: AwsEmulator,
    others: dict[str, Any],
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    aws.faults.add(Fault(kind=FaultKind.DENIED, service="iam"))
    aws.faults.add(Fault(kind=FaultKind.DENIED, service="organizations"))
    others["gcp"].faults.add(Fault(kind=FaultKind.DENIED, service="cloudasset"))
    path = tmp_path / "w.yaml"
    status, out, _ = init(capsys, environment, "--output", str(path), "--format", "json")
    assert status == 3
    clouds = {c["cloud"]: c for c in json.loads(out)["clouds"]}
    unseen = {u["what"]: u for u in clouds["aws"]["unseen"]}
    assert unseen["IAM"]["permission"] == "iam:GetAccountSummary"
    assert unseen["the accounts of the organisation"]["needed"] is False
    assert "S3 buckets" in {s["what"] for s in clouds["aws"]["seen"]}
    assert clouds["gcp"]["unseen"]
    assert not clouds["azure"]["unseen"]
    text = path.read_text()
    assert "# Not seen: IAM (missing: iam:GetAccountSummary)" in text
    assert load(path, {}).settings.providers.aws is not None


def test_refused_credentials_are_no_identity(
    capsys: pytest.CaptureFixture[str], aws: AwsEmulator, environment: dict[str, str], tmp_path: Path
) -> None:
    aws.faults.add(Fault(kind=FaultKind.EXPIRED, service="sts"))
    path = tmp_path / "w.yaml"
    status, out, _ = init(capsys, environment, "-o", str(path))
    assert status == 0  # two clouds accepted us
    assert "Amazon Web Services: not watched: sts:GetCallerIdentity" in out
    assert load(path, {}).settings.providers.aws is None


def test_a_file_that_is_there_stays_unless_forced(
    capsys: pytest.CaptureFixture[str], environment: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "w.yaml"
    path.write_text("instance: mine\n")
    status, _, err = init(capsys, environment, "-o", str(path))
    assert status == 2
    assert "is there already" in err
    assert path.read_text() == "instance: mine\n"
    assert init(capsys, environment, "-o", str(path), "--force")[0] == 0
    assert "providers:" in path.read_text()
    assert [p.name for p in tmp_path.iterdir()] == ["w.yaml"]
    status, _, err = init(capsys, environment, "-o", str(tmp_path / "no" / "w.yaml"))
    assert status == 4
    assert "Traceback" not in err


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def bare(tmp_path: Path, **more: str) -> dict[str, str]:
    """An environment without credentials, where metadata services are as ``more`` says."""
    return {"PATH": str(tmp_path), "HOME": str(tmp_path), **more}


def run_bare(
    tmp_path: Path, environment: dict[str, str], *arguments: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "daemon", "init", *arguments],
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_without_credentials_it_says_so_and_writes_what_to_fill_in(tmp_path: Path, silent: str) -> None:
    environment = bare(
        tmp_path,
        AWS_EC2_METADATA_SERVICE_ENDPOINT=f"http://{silent}",
        GCE_METADATA_HOST=silent,
        GCE_METADATA_ROOT=silent,
        GCE_METADATA_IP=silent,
        AZURE_POD_IDENTITY_AUTHORITY_HOST=f"http://{silent}",
        IDENTITY_ENDPOINT=f"http://{silent}",
        IDENTITY_HEADER="x",
    )
    done = run_bare(tmp_path, environment, "--timeout", "3")
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    for title in ("Amazon Web Services", "Microsoft Azure", "Google Cloud"):
        assert f"{title}: not watched: " in done.stdout
    settings = load(tmp_path / "watchstander.yaml", {}).settings
    assert settings.providers == Providers()
    again = run_bare(tmp_path, environment, "--timeout", "3")
    assert again.returncode == 2


def test_a_cloud_that_never_answers_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    never = threading.Event()
    times = iter([0, 0, 0, 31])  # the limit is over once two have answered
    monkeypatch.setattr(beginning, "time", SimpleNamespace(monotonic=lambda: next(times)))

    def ask(cloud: str) -> Probe:
        if cloud == "aws":
            never.wait()
        if cloud == "azure":
            raise UsageError("azure.endpoint is no good.", hint="Mend it.")
        return Probe(cloud=cloud, identity="me", source="here")

    try:
        found = probe_all(ask, timedelta(seconds=30))
    finally:
        never.set()
    assert found["aws"].cause == "no answer within 30 s"
    assert (found["azure"].cause, found["azure"].hint) == ("azure.endpoint is no good.", "Mend it.")
    assert found["gcp"].found


def test_no_cloud_answers() -> None:
    never = threading.Event()

    def ask(cloud: str) -> Probe:
        never.wait()
        return Probe(cloud=cloud)

    try:
        found = probe_all(ask, timedelta(seconds=0.01), ("aws", "gcp"))
    finally:
        never.set()
    assert {cloud: probe.cause for cloud, probe in found.items()} == {
        "aws": "no answer within 0.01 s",
        "gcp": "no answer within 0.01 s",
    }


def test_a_defect_of_ours_is_raised_not_told_as_a_clouds_answer() -> None:
    def ask(cloud: str) -> Probe:
        raise KeyError(cloud)

    with pytest.raises(KeyError):
        probe_all(ask, timedelta(seconds=30))


def test_what_a_cloud_says_stays_a_comment(tmp_path: Path) -> None:
    evil = "x\ninstance: pwned\r\u2028instance: again\x00 # \u202e"
    probes = {
        "aws": Probe(cloud="aws", cause=evil, hint=evil),
        "gcp": Probe(
            cloud="gcp",
            identity=evil,
            source=evil,
            looks=(Look(what=evil, cause=evil, permission=evil),),
            advice=(evil,),
            settings={"parents": ["projects/" + evil]},
        ),
    }
    path = tmp_path / "w.yaml"
    path.write_text(configuration(probes, Providers()), encoding="utf-8")
    loaded = load(path, {}).settings
    assert loaded.instance == "watchstander"
    assert loaded.providers.gcp is not None
    assert loaded.providers.gcp.parents == ("projects/" + evil,)


def test_an_account_id_stays_text(tmp_path: Path) -> None:
    given = Providers(aws=AwsSettings(accounts=AwsAccounts(include=("098765432109", "012345670123"))))
    path = tmp_path / "w.yaml"
    path.write_text(configuration({"aws": Probe(cloud="aws", identity="me", source="here")}, given))
    assert load(path, {}).settings.providers.aws == given.aws


def test_standard_output_gets_the_file_alone(
    capsys: pytest.CaptureFixture[str], environment: dict[str, str], tmp_path: Path
) -> None:
    status, out, err = init(capsys, environment, "-o", "-")
    assert status == 0
    path = tmp_path / "w.yaml"
    path.write_text(out)
    assert load(path, {}).settings.providers.azure is not None
    assert "Microsoft Azure:" in err
    assert [p.name for p in tmp_path.iterdir()] == ["w.yaml"]
