"""The emulated AWS and Azure under the built-in policies, through the real SDK clients: each policy meets its good twin and
its bad twin, and nothing that was read is unknown. (Google Cloud's turn is in ``tests/integration/gcp``.)"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from config.settings import PolicySettings
from policies.evaluate import Judge
from policies.joining import ACCOUNT_TYPE, JoinedInventory
from policies.loader import load, load_paths
from policies.policy import PolicyScope
from policies.rego.engine import RegorusEngine
from policies.subject import Subject, asset
from policies.verdict import Outcome, Verdict
from providers.aws.provider import AwsProvider
from providers.azure.provider import AzureProvider
from providers.provider import Provider, Selection
from providers.resource import Resource, ResourceRef, holds_accounts
from providers.sandbox.aws import AwsEmulator
from providers.sandbox.azure import AzureEmulator
from providers.sandbox.azure.estate import DEVELOPMENT, PRODUCTION

SHARED = Path(os.environ.get("WATCHSTANDER_SHARED", Path(__file__).parents[3].parent / "shared"))
SETTINGS = PolicySettings(packs=("preparation",), workers=1)


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(scope="module")
def engine() -> Iterator[RegorusEngine]:
    with RegorusEngine() as engine:
        yield engine


@pytest.fixture(scope="module")
def judge(engine: RegorusEngine) -> Iterator[Judge]:
    with Judge(load(SETTINGS, engine), SETTINGS, engine=engine) as judge:
        yield judge


def subjects(provider: Provider, types: Iterable[str] = ()) -> Iterator[Subject]:
    for scope in provider.discover(Selection(types=frozenset(types))).scopes:
        for resource in provider.read(scope):
            yield Subject(resource=resource, view=provider.terraform(resource))


def by_policy(verdicts: Iterable[Verdict]) -> dict[str, dict[Outcome, list[Verdict]]]:
    found: dict[str, dict[Outcome, list[Verdict]]] = defaultdict(lambda: defaultdict(list))
    for verdict in verdicts:
        found[verdict.policy_id][verdict.outcome].append(verdict)
    return found


def doubts(found: dict[str, dict[Outcome, list[Verdict]]]) -> dict[str, str]:
    return {p: str(v[Outcome.UNKNOWN][0].cause) for p, v in found.items() if Outcome.UNKNOWN in v}


def test_aws(aws: AwsEmulator, judge: Judge, engine: RegorusEngine) -> None:
    provider = AwsProvider(aws.settings(), clock=now)
    try:
        estate = list(subjects(provider))
    finally:
        provider.close()
    found = by_policy(judge.judge(estate, now=now()))
    assert doubts(found) == {}
    failing = {policy for policy, outcomes in found.items() if Outcome.FAIL in outcomes}
    passing = {policy for policy, outcomes in found.items() if Outcome.PASS in outcomes}
    seeds = {"aws.s3_bucket_logging", "aws.elb_access_logs", "aws.cloudtrail_logging"}
    assert seeds <= failing & passing
    assert len(failing & passing) >= 18
    seed = SHARED / "seed" / "ir_preparation.rego"
    if seed.is_file():
        with Judge(load_paths([seed], engine), engine=engine) as owners:
            said = by_policy(owners.judge(estate, now=now()))["ir.preparation"]
        assert {v.text for v in said[Outcome.FAIL]} == {
            "S3 bucket logging is not enabled.",
            "ELB access logs are not enabled.",
            "CloudTrail is not enabled.",
        }
        assert said[Outcome.PASS]
        assert Outcome.UNKNOWN not in said


def test_azure(judge: Judge) -> None:
    with AzureEmulator() as emulator:
        provider = AzureProvider(emulator.settings(), clock=now)
        try:
            found = by_policy(judge.judge(subjects(provider), now=now()))
        finally:
            provider.close()
    assert doubts(found) == {}
    failing = {policy for policy, outcomes in found.items() if Outcome.FAIL in outcomes}
    passing = {policy for policy, outcomes in found.items() if Outcome.PASS in outcomes}
    assert len(failing & passing) >= 45
    # What Resource Graph lacks is judged by what Resource Manager told.
    assert {
        "azure.flow_log_retention",
        "azure.key_expiry",
        "azure.role_custom_owner",
        "azure.secret_expiry",
        "azure.sql_audit_retention",
        "azure.sql_auditing",
        "azure.sql_customer_key",
        "azure.sql_database_encrypted",
        "azure.storage_blob_soft_delete",
    } <= failing & passing
    assert {"azure.sql_firewall_azure", "azure.sql_firewall_internet"} <= failing


def test_azures_subscriptions(judge: Judge) -> None:
    """Policies over an account, with what was read of the orderly subscription and of the other."""
    with AzureEmulator() as emulator:
        provider = AzureProvider(emulator.settings(), clock=now)
        try:
            estate = list(subjects(provider))
        finally:
            provider.close()
    held: dict[str, dict[str, list[Mapping[str, Any]]]] = {PRODUCTION: {}, DEVELOPMENT: {}}
    for subject in estate:
        ref = subject.resource.ref
        if holds_accounts(ref.account):
            continue
        held[ref.account].setdefault(ref.type, []).append({**asset(subject.resource), "unread": {}})
    failing: dict[str, set[str]] = {}
    for account, by_type in held.items():
        ref = ResourceRef(provider="azure", account=account, region="global", type=ACCOUNT_TYPE, uid=account)
        place = Resource(ref=ref, name=account, document={"provider": "azure"})
        failing[account] = set()
        for policy in judge.policy_set.policies:
            if policy.scope is PolicyScope.ACCOUNT and policy.id.startswith("azure."):
                joined = JoinedInventory({t: by_type.get(t, []) for t in policy.joins}, {})
                verdict = judge.judge_place(policy, Subject(resource=place, inventory=joined), now=now())
                assert verdict.outcome is not Outcome.UNKNOWN, verdict
                if verdict.outcome is Outcome.FAIL:
                    failing[account].add(policy.id)
    orderly = {
        "azure.activity_log_categories",
        "azure.activity_log_exported",
        "azure.contact_alerts",
        "azure.contact_named",
        "azure.contact_owners",
        "azure.defender_key_vault",
        "azure.defender_servers",
        "azure.defender_sql",
        "azure.defender_storage",
        "azure.told_of_security_group_changes",
    }
    assert orderly <= failing[DEVELOPMENT]
    assert not orderly & failing[PRODUCTION]
    # Each of these has one resource in production that logs and one that does not.
    assert {"azure.key_vault_logging", "azure.storage_blob_logging", "azure.web_app_logging"} <= failing[
        PRODUCTION
    ]
