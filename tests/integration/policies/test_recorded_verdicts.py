"""Assets recorded from Google Cloud, and what another tool's constraints said of them: our policies say the same."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.settings import PolicySettings
from policies.evaluate import Judge
from policies.loader import load
from policies.rego.engine import RegorusEngine
from policies.subject import Subject
from policies.verdict import Outcome
from providers.gcp.export import read_export
from providers.registry import terraform_view

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SHARED = Path(os.environ.get("WATCHSTANDER_SHARED", Path(__file__).parents[3].parent / "shared"))
RECORDED = SHARED / "fixtures" / "gcp" / "cai"
SETTINGS = PolicySettings(packs=("preparation",), workers=1)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("folder", "constraint", "policy"),
    [
        ("sql_public_ip", "constraints", "gcp.sql_public_address"),
        ("network_enable_firewall_logs", "constraints", "gcp.firewall_logging"),
        ("storage_bucket_world_readable", "forbid_world_readable_storage_bucket", "gcp.bucket_public"),
        ("vm_external_ip", "forbid_external_ip_denylist_all", "gcp.instance_public_address"),
    ],
)
def test_the_same_assets_fail(folder: str, constraint: str, policy: str) -> None:
    if not RECORDED.is_dir():
        pytest.skip("the recorded assets are not here")
    said = json.loads((RECORDED / folder / "verdicts.json").read_text())["verdicts"]
    theirs = {v["name"]: v["violations"] > 0 for v in said if v["constraint"].endswith(f"/{constraint}")}
    assert set(theirs.values()) == {True, False}
    subjects = [
        Subject(resource=resource, view=terraform_view(resource))
        for resource in read_export([RECORDED / folder / "assets.json"])
    ]
    with RegorusEngine() as engine, Judge(load(SETTINGS, engine), SETTINGS, engine=engine) as judge:
        chosen = [judge.policy_set.by_id(policy)]
        verdicts = list(judge.judge(subjects, now=NOW, policies=chosen))
    ours = {verdict.uid: verdict.outcome is Outcome.FAIL for verdict in verdicts}
    assert Outcome.UNKNOWN not in {verdict.outcome for verdict in verdicts}
    assert {uid: ours[uid] for uid in ours.keys() & theirs.keys()} == theirs
