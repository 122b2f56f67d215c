"""``config check`` finds what the daemon would refuse at its start, each with file and line."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.load import load
from config.settings import Settings
from daemon.checking import check
from daemon.cli.app import run
from daemon.cli.context import State
from storage.errors import NoDatabase

ROOT = Path(__file__).parents[3]


def clock() -> datetime:
    return datetime(2024, 5, 1, tzinfo=UTC)


def test_a_checkout_at_another_commit_is_told_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout = tmp_path / "acme"
    checkout.mkdir()
    (checkout / "names.rego").write_text(
        "# METADATA\n# custom: {id: acme.names, types: [t]}\npackage acme.names\n\n"
        'deny contains "taken" if input.asset.name == "x"\n'
    )
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    commit = (*who, "commit", "--quiet", "--allow-empty", "--message=x")
    for command in (("init", "--quiet"), ("add", "--all"), commit, ("tag", "v1")):
        subprocess.run(["git", *command], cwd=checkout, check=True)
    path = tmp_path / "w.yaml"
    path.write_text("policies:\n  packs: []\n  checkouts:\n    acme:\n      path: acme\n      ref: v1\n")

    def said(*arguments: str) -> str:
        status = run([*arguments, "--config", str(path)], State(environment={}, clock=clock))
        captured = capsys.readouterr()
        return f"{status} {captured.out}{captured.err}"

    head = subprocess.run(["git", "rev-parse", "v1"], cwd=checkout, check=True, stdout=subprocess.PIPE)
    now = head.stdout.decode().strip()
    assert said("config", "check").startswith("0 ")
    assert f'"commit": "{now}"' in said("policy", "list", "--format", "json").replace('":"', '": "')
    assert f"Commit:     {now}" in said("policy", "show", "acme.names")
    subprocess.run(["git", *commit], cwd=checkout, check=True)
    plan = tmp_path / "plan.json"
    plan.write_text('{"planned_values": {}}')
    for verb in (("config", "check"), ("check", str(plan)), ("policy", "list"), ("policy", "show", "x")):
        told = said(*verb)
        assert told.startswith("2 ")
        assert f"{path}:6: `policies.checkouts.acme.ref`: the checkout {checkout} is at commit " in told
        assert f"not at v1 ({now[:12]})" in told


@pytest.mark.parametrize("path", sorted((ROOT / "config" / "examples").glob("*.yaml")), ids=lambda p: p.name)
def test_the_examples_and_the_defaults_are_good(path: Path) -> None:
    check(load(path, {}).settings, clock)
    check(Settings(), clock)


def test_everything_is_found_at_once_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "w.yaml"
    path.write_text(
        "providers: {aws: {schedule: {cron: '61 * * * *'}}}\n"
        "policies:\n"
        "  packs: [preparation, detecton]\n"
        "  paths: [broken.rego]\n"
        "containment:\n"
        "  hooks:\n"
        "    soar.x:\n"
        "      use: webhook\n"
        "      when: [a]\n"
        "      options:\n"
        "        url: http://example.com\n"
        "        timeout: soon\n"
        "    key: {use: deactivate_acess_key}\n"
    )
    (tmp_path / "broken.rego").write_text("package x\n\ndeny[msg] { msg := }\n")
    assert run(["config", "check", "--config", str(path)], State(environment={}, clock=clock)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    for said in (
        f"{path}:1: `providers.aws.schedule.cron`: The cron expression '61 * * * *' cannot be used",
        f"{path}:3: `policies.packs`: there is no built-in pack `detecton`",
        f"{path}:11: `containment.hooks.soar.x.options.url`: a webhook needs an https:// address",
        f"{path}:10: `containment.hooks.soar.x.options.secret`: required",
        f"{path}:12: `containment.hooks.soar.x.options.timeout`: 'soon' is not a duration",
        f"{path}:13: `containment.hooks.key.use`: there is no hook 'deactivate_acess_key'",
        f"{tmp_path}/broken.rego:3:",
    ):
        assert said in err


def test_a_hook_whose_policy_is_not_in_force_is_told_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "w.yaml"

    def said(packs: str, mode: str) -> str:
        path.write_text(
            f"policies: {{packs: [{packs}]}}\n"
            "containment:\n"
            "  hooks:\n"
            "    key:\n"
            f"      mode: {mode}\n"
            "      use: deactivate_access_key\n"
            "      when: ['event:*']\n"
            "      policy: containment.aws.nowhere\n"
            "    other: {use: deactivate_access_key, when: ['event:*']}\n"
        )
        status = run(["config", "check", "--config", str(path)], State(environment={}, clock=clock))
        return f"{status} {capsys.readouterr().err}"

    named = f"{path}:8: `containment.hooks.key.policy`: the containment policy `containment.aws.nowhere` is not in force"
    assert named in said("containment", "approve")
    assert "hooks.other" not in said("containment", "approve")
    assert f"{path}:9: `containment.hooks.other.policy`: " in said("preparation", "approve")
    assert said("containment", "off").startswith("0 ")


def test_the_verbs_of_config(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "w.yaml"
    path.write_text("storage: {password: 'env:DB'}\n")
    state = State(environment={"DB": "hunter2"}, clock=clock)
    assert run(["config", "show", "-c", str(path), "-f", "ndjson"], state) == 0
    shown = capsys.readouterr().out
    assert '{"setting":"storage.password","value":"env:DB","origin":"' + f'{path}:1"}}' in shown
    assert "hunter2" not in shown
    assert run(["config", "reference"], State(environment={})) == 0
    assert capsys.readouterr().out == (ROOT / "config" / "reference.yaml").read_text()


def test_the_database_is_opened_when_asked_for_and_closed_at_the_end(tmp_path: Path) -> None:
    state = State(environment={"WATCHSTANDER_STORAGE__URL": f"sqlite:///{tmp_path}/w.db"})
    with state.closing:
        with pytest.raises(NoDatabase):
            assert state.database
        assert not (tmp_path / "w.db").exists()
        assert state.made_database is state.made_database
        assert state.made_database.path == tmp_path / "w.db"
        assert state.database.path == tmp_path / "w.db"
