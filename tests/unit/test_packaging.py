"""What the service, the image and the compose file promise: least rights, pinned parts, a health check that works."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "packaging" / "watchstander.service"
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def unit() -> dict[str, list[str]]:
    """Setting -> its values, in order."""
    out: dict[str, list[str]] = {}
    for line in UNIT.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith(("#", "[")):
            key, _, value = line.partition("=")
            out.setdefault(key, []).append(value)
    return out


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("Type", "notify"),
        ("DynamicUser", "yes"),
        ("StateDirectory", "watchstander"),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("PrivateTmp", "yes"),
        ("PrivateDevices", "yes"),
        ("NoNewPrivileges", "yes"),
        ("CapabilityBoundingSet", ""),
        ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX"),
    ],
)
def test_the_service_has_the_least_rights(setting: str, value: str) -> None:
    assert unit()[setting] == [value]


def test_the_service_lives_longer_than_its_own_shutdown_and_is_watched() -> None:
    from config.fields import parse_duration
    from config.settings import Settings

    settings = unit()
    assert parse_duration(settings["TimeoutStopSec"][0]) > Settings().shutdown_timeout
    assert "WatchdogSec" in settings
    assert "@system-service" in settings["SystemCallFilter"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_understands_the_service_and_finds_it_safe(tmp_path: Path) -> None:
    # The program need not be installed where the tests run.
    text = UNIT.read_text(encoding="utf-8").replace("/opt/watchstander/bin/watchstander", "/bin/true")
    path = tmp_path / "watchstander.service"
    path.write_text(text, encoding="utf-8")
    verified = subprocess.run(
        ["systemd-analyze", "verify", path], capture_output=True, text=True, timeout=60, check=False
    )
    assert "watchstander.service" not in verified.stdout + verified.stderr
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", path],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if rated.returncode != 0 and "Overall" not in rated.stdout:
        pytest.skip("this systemd-analyze rates no file")
    rating = re.search(r"Overall exposure level for watchstander.service: ([\d.]+)", rated.stdout)
    assert rating is not None
    assert float(rating[1]) < 2.0


def test_the_image_is_pinned_unprivileged_and_installs_by_hash() -> None:
    images = re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert len(images) == 1
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+(@sha256:[0-9a-f]{64})?", images[0])
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)) == {"${PYTHON_IMAGE}"}
    final = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.search(r"^USER (\d+):\d+$", final, re.MULTILINE)
    assert "apt-get" not in DOCKERFILE
    installs = [line for line in DOCKERFILE.splitlines() if re.search(r"pip.* install ", line)]
    assert installs
    assert all("--require-hashes" in line or "--no-index" in line for line in installs)


def test_what_the_image_copies_exists_and_is_let_through() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    allowed = {line[1:] for line in ignored if line.startswith("!")}
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    }
    assert copied == allowed
    assert all((ROOT / source).exists() for source in copied)


def test_the_build_backend_of_the_image_is_whole() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "packaging" / "backend.py", ROOT / "requirements-dev.lock"],
        capture_output=True, text=True, timeout=30, check=True,
    )  # fmt: skip
    pinned = set(re.findall(r"^([a-z0-9-]+)==", done.stdout, re.MULTILINE))
    needed = {
        re.split(r"[^A-Za-z0-9-]", line)[0] for line in requires("hatchling") or () if "extra ==" not in line
    }
    older_python_only = {"tomli"}
    assert needed - older_python_only <= pinned
    assert done.stdout.count("--hash=sha256:") >= len(pinned)


class _Health(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/healthz" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def health() -> Iterator[HTTPServer]:
    class Handler(_Health):
        pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False)])
def test_the_health_check_tells_well_from_ill(health: HTTPServer, status: int, healthy: bool) -> None:
    health.RequestHandlerClass.status = status  # type: ignore[attr-defined]
    command = json.loads(re.search(r"HEALTHCHECK .*?CMD (\[.*?\])$", DOCKERFILE, re.DOTALL | re.MULTILINE)[1])  # type: ignore[index]
    environment = {**os.environ, "WATCHSTANDER_API__PORT": str(health.server_address[1])}
    done = subprocess.run(
        [sys.executable, *command[1:]], env=environment, capture_output=True, timeout=30, check=False
    )
    assert (done.returncode == 0) is healthy


def test_the_compose_file_gives_least_rights_and_waits_for_health() -> None:
    compose = YAML(typ="safe").load(ROOT / "packaging" / "compose.yaml")
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert not service.get("privileged"), name
    assert compose["services"]["watchstander"]["depends_on"]["db"]["condition"] == "service_healthy"
    assert compose["services"]["db"]["healthcheck"]["test"]
    assert re.fullmatch(r"postgres:\d+\.\d+-\w+", compose["services"]["db"]["image"])
    assert all(port.startswith("127.0.0.1:") for port in compose["services"]["watchstander"]["ports"])
    environment = compose["services"]["watchstander"]["environment"]
    from config.load import load

    ours = {key: value for key, value in environment.items() if key.startswith("WATCHSTANDER_")}
    assert str(load(None, ours).settings.storage.password) == "file:/run/secrets/db-password"


def test_the_wheel_carries_all_that_runs_and_nothing_else(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", tmp_path],
        cwd=ROOT, capture_output=True, timeout=120, check=True,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {
        "config",
        "providers",
        "policies",
        "storage",
        "daemon",
    }
    assert {
        f"{package}/py.typed" for package in ("config", "providers", "policies", "storage", "daemon")
    } <= names
    assert "config/reference.yaml" in names
    for folder, suffix in (
        ("storage/migrations", ".py"),
        ("policies/packs", ".rego"),
        ("policies/packs", ".yaml"),
    ):
        there = {p.relative_to(ROOT).as_posix() for p in (ROOT / folder).rglob(f"*{suffix}")}
        assert there <= names
    assert not [name for name in names if "__pycache__" in name or name.endswith(".db")]


def test_continuous_integration_runs_what_the_readme_says() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    text = script.read_text()
    assert text.startswith("#!/usr/bin/env bash\n")
    assert "set -euo pipefail" in text
    assert "make test" in text
    subprocess.run(["bash", "-n", script], check=True, timeout=10)
