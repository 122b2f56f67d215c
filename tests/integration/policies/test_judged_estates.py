"""The emulated AWS and Azure under the built-in policies, through the real SDK clients: each policy meets its good twin and
its bad twin, and nothing that was read is unknown. (Google Cloud's turn is in ``tests/integration/gcp``.)"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.settings import PolicySettings
from policies.evaluate import Judge
from policies.loader import load, load_paths
from policies.rego.engine import RegorusEngine
from policies.subject import Subject
from policies.verdict import Outcome, Verdict
from providers.aws.provider import AwsProvider
from providers.azure.provider import AzureProvider
from providers.provider import Provider, Selection
from providers.sandbox.aws import AwsEmulator
from providers.sandbox.azure import AzureEmulator

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
    assert len(failing & passing) >= 35
