"""Assets recorded from Google Cloud, and what another tool's constraints said of them: our policies say the same."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from config.settings import PolicySettings
from policies.evaluate import Judge
from policies.loader import load, load_paths
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


def labels(asked: Mapping[str, Any]) -> dict[str, Any]:
    return {"labels": {name: pattern for one in asked["mandatory_labels"] for name, pattern in one.items()}}


def member_domains(asked: Mapping[str, Any]) -> dict[str, Any]:
    said = {"domains": asked["domains"], "sub_domains": asked.get("allow_sub_domains", True)}
    if "member_type_allowlist" in asked:
        said["member_types"] = asked["member_type_allowlist"]
    return said


def firewall_shapes(asked: Mapping[str, Any]) -> dict[str, Any]:
    exempt = asked.get("exemptions", [])
    return {
        "shapes": asked["rules"],
        # Their allow list asks of a rule that it matches all that is listed.
        "mode": {"allowlist": "every", "denylist": "forbidden"}[asked["mode"]],
        "left_alone": exempt if asked.get("exemptions_mode") == "regex" else [f"^{name}$" for name in exempt],
    }


@pytest.mark.shared
@pytest.mark.parametrize(
    ("folder", "parameters", "constraints"),
    [
        ("enforce_labels", labels, 1),
        ("iam_allowed_policy_member_domains", member_domains, 4),
        ("restricted_firewall_rules", firewall_shapes, 23),
    ],
)
def test_the_same_assets_fail_with_the_parameters_of_the_constraints(
    folder: str, parameters: Callable[[Mapping[str, Any]], dict[str, Any]], constraints: int
) -> None:
    """Constraints with parameters of their own: policies in `constraints`, with what each constraint asks for."""
    if not RECORDED.is_dir():
        pytest.skip("the recorded assets are not here")
    said = json.loads((RECORDED / folder / "verdicts.json").read_text())["verdicts"]
    asked = json.loads((RECORDED / folder / "constraints.json").read_text())
    assert len(asked) == constraints
    subjects = [Subject(resource=resource) for resource in read_export([RECORDED / folder / "assets.json"])]
    name = parameters.__name__
    source = Path(__file__).parent / "constraints" / f"{name}.rego"
    seen = set()
    with RegorusEngine() as engine:
        for constraint, document in asked.items():
            given = {f"house.{name}": parameters(document["spec"]["parameters"])}
            settings = PolicySettings(packs=(), workers=1, parameters=given)
            with Judge(load_paths([source], engine, settings), settings, engine=engine) as judge:
                ours = {v.uid: v.outcome for v in judge.judge(subjects, now=NOW)}
            theirs = {
                v["name"]: Outcome.FAIL if v["violations"] else Outcome.PASS
                for v in said
                if v["constraint"] == constraint
            }
            assert theirs
            assert {uid: ours.get(uid) for uid in theirs} == theirs, constraint
            seen |= set(theirs.values())
    assert seen == {Outcome.FAIL, Outcome.PASS}
