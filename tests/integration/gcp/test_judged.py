"""The seeded estate under the built-in policies: each has its good and its bad twin, and unread is never a pass."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from config.settings import PolicySettings
from policies.evaluate import Judge
from policies.loader import load
from policies.rego.engine import RegorusEngine
from policies.subject import Subject
from policies.verdict import Outcome
from providers.gcp.provider import GcpProvider
from providers.provider import Selection
from providers.sandbox.faults import Fault, FaultKind
from providers.sandbox.gcp import GcpEmulator

SETTINGS = PolicySettings(packs=("preparation",), workers=1)


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    with RegorusEngine() as engine, Judge(load(SETTINGS, engine), SETTINGS, engine=engine) as made:
        yield made


def outcomes(provider: GcpProvider, judge: Judge, clock) -> dict[str, set[Outcome]]:
    found: dict[str, set[Outcome]] = defaultdict(set)
    subjects = [
        Subject(resource=resource, view=provider.terraform(resource))
        for scope in provider.discover(Selection()).scopes
        for resource in provider.read(scope)
    ]
    for verdict in judge.judge(subjects, now=clock()):
        found[verdict.policy_id].add(verdict.outcome)
    return found


def test_what_was_read_is_decided_and_the_twins_are_told_apart(
    still: GcpEmulator, connect, clock, judge: Judge
) -> None:
    found = outcomes(connect(still), judge, clock)
    assert {policy for policy, seen in found.items() if not seen <= {Outcome.PASS, Outcome.FAIL}} == set()
    told_apart = {policy for policy, seen in found.items() if seen == {Outcome.PASS, Outcome.FAIL}}
    assert len(told_apart) >= 30, sorted(set(found) - told_apart)


def test_a_policy_on_what_was_not_read_is_unknown_and_never_a_pass(
    emulator: GcpEmulator, connect, clock, judge: Judge
) -> None:
    emulator.faults.add(Fault(kind=FaultKind.DENIED, resource="IAM_POLICY"))
    found = outcomes(connect(emulator), judge, clock)
    assert found["gcp.bucket_public"] == {Outcome.UNKNOWN}
    assert found["gcp.project_audit_logs"] == {Outcome.UNKNOWN}
    assert found["gcp.bucket_uniform_access"] == {Outcome.PASS, Outcome.FAIL}


@pytest.mark.parametrize("transport", ["grpc", "rest"])
def test_many_threads_read_and_re_read_at_once(transport: str, still: GcpEmulator, connect) -> None:
    provider = connect(still, transport=transport)
    scopes = provider.discover(Selection()).scopes
    with ThreadPoolExecutor(8) as pool:
        readings = list(pool.map(lambda scope: {r.uid: r for r in provider.read(scope)}, scopes * 4))
        assert readings == readings[:2] * 4
        some = list(readings[1].values())[:24]
        assert list(pool.map(lambda r: provider.reread(r.ref), some)) == some
