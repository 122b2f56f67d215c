"""What each cloud remembers of many resources at once: one answer each, in their order, and no error of one costs another's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from providers.errors import Denied
from providers.provider import Action, PastVersion, Provider, Remembered
from providers.resource import ANY, ResourceRef, Scope
from providers.sandbox.faults import Fault, FaultKind


@dataclass(kw_only=True)
class Cloud:
    """``known`` have a past, ``unknown`` was never there; ``calls`` counts the questions asked so far."""

    provider: Provider
    known: list[ResourceRef]
    unknown: ResourceRef
    deny: Callable[[], None]
    mend: Callable[[], None]
    calls: Callable[[], int]
    questions: int
    """How many calls telling of all of them takes."""
    since: datetime = field(default_factory=lambda: utc() - timedelta(days=6))

    def past(self, refs: list[ResourceRef]) -> list[Remembered]:
        return list(self.provider.past(refs, self.since))


def utc() -> datetime:
    return datetime.now(UTC)


def denial(cloud: Any, **where: Any) -> Callable[[], None]:
    return lambda: cloud.faults.add(Fault(kind=FaultKind.DENIED, **where))


def memory() -> Iterator[Cloud]:
    from providers.memory.estate import Estate
    from providers.memory.provider import MemoryProvider

    estate = Estate(resources=5, scopes=1)
    for index in range(4):
        now = estate.generated(index)
        estate.remember(PastVersion(ref=now.ref, at=utc() - timedelta(days=1), resource=now))
    yield Cloud(
        provider=MemoryProvider(estate),
        known=[estate.generated(index).ref for index in range(4)],
        unknown=estate.generated(4).ref,
        deny=lambda: estate.forget(Denied("no")),
        mend=lambda: estate.forget(None),
        calls=lambda: 0,
        questions=0,
    )


def aws(emulator: Any) -> Iterator[Cloud]:
    from providers.aws.provider import AwsProvider

    account, name = emulator.estate.drifting_bucket

    def bucket(name: str) -> ResourceRef:
        uid = f"arn:aws:s3:::{name}"
        return ResourceRef(provider="aws", account=account, region="us-east-1", type="aws.s3_bucket", uid=uid)

    provider = AwsProvider(emulator.settings(), clock=utc, attempts=1)
    yield Cloud(
        provider=provider,
        known=[bucket(name), bucket("production-invoices")],
        unknown=bucket("unheard-of"),
        deny=denial(emulator, service="config"),
        mend=emulator.faults.clear,
        calls=lambda: emulator.calls.get("config:GetResourceConfigHistory", 0),
        questions=2,
    )
    provider.close()


def azure() -> Iterator[Cloud]:
    from providers.azure.provider import AzureProvider
    from providers.sandbox.azure import AzureEmulator
    from providers.sandbox.azure.estate import PRODUCTION

    with AzureEmulator() as emulator:
        provider = AzureProvider(emulator.settings(), clock=utc, sleep=lambda _: None)
        scope = Scope("azure", PRODUCTION, ANY, "microsoft.storage/storageaccounts")
        known = [resource.ref for resource in provider.read(scope)]
        for ref in known:
            provider.act(Action(kind="azure.apply_tag", target=ref, parameters={"name": "k", "value": "v"}))
        yield Cloud(
            provider=provider,
            known=known,
            unknown=replace(known[0], uid=f"{known[0].uid}nosuch"),
            deny=denial(emulator, service="resourcegraph"),
            mend=emulator.faults.clear,
            calls=lambda: sum("ResourceGraph" in path for _, path in emulator.calls),
            questions=1,
        )
        provider.close()


def gcp() -> Iterator[Cloud]:
    from providers.gcp.provider import GcpProvider
    from providers.sandbox.gcp import GcpEmulator

    with GcpEmulator() as emulator:
        provider = GcpProvider(emulator.settings(transport="rest"), clock=utc, sleep=lambda _: None)
        known = [resource.ref for resource in provider.read(Scope("gcp", "harbour-dev", ANY, ANY))]
        yield Cloud(
            provider=provider,
            known=known,
            unknown=replace(known[0], uid=f"{known[0].uid}-no-such"),
            deny=denial(emulator, operation="BatchGetAssetsHistory"),
            mend=emulator.faults.clear,
            calls=lambda: sum("batchGetAssetsHistory" in path for _, path in emulator.calls),
            questions=2,
        )
        provider.close()


@pytest.fixture(scope="module", params=["memory", "aws", "azure", "gcp"])
def shared(request: pytest.FixtureRequest) -> Iterator[Cloud]:
    with pytest.MonkeyPatch.context() as patch:
        if request.param != "aws":
            yield from {"memory": memory, "azure": azure, "gcp": gcp}[request.param]()
            return
        emulator = request.getfixturevalue("aws_sandbox")
        for name, value in emulator.environment().items():
            patch.setenv(name, value)
        yield from aws(emulator)


@pytest.fixture
def cloud(shared: Cloud) -> Iterator[Cloud]:
    yield shared
    shared.mend()


def test_each_is_answered_in_its_turn(cloud: Cloud) -> None:
    assert 2 <= len(cloud.known) <= cloud.provider.past_batch
    before = cloud.calls()
    told = cloud.past(cloud.known)
    assert cloud.calls() - before == cloud.questions
    assert [answer.ref for answer in told] == cloud.known
    for answer in told:
        assert answer.error is None
        assert answer.versions
        assert list(answer.versions) == sorted(answer.versions, key=lambda version: version.at)
        assert {version.ref.uid for version in answer.versions} == {answer.ref.uid}
    assert cloud.past(cloud.known[::-1]) == told[::-1]
    assert cloud.past([]) == []


def test_what_is_not_known_spoils_no_other(cloud: Cloud) -> None:
    first, *others = cloud.known
    told = {answer.ref: answer for answer in cloud.past([first, cloud.unknown, *others])}
    assert list(told) == [first, cloud.unknown, *others]
    assert told[cloud.unknown].versions == ()
    assert [told[ref] for ref in cloud.known] == cloud.past(cloud.known)


def test_a_denial_is_the_answer_of_each(cloud: Cloud) -> None:
    cloud.deny()
    told = cloud.past(cloud.known)
    assert [answer.ref for answer in told] == cloud.known
    assert {type(answer.error) for answer in told} == {Denied}
    assert {answer.versions for answer in told} == {()}
