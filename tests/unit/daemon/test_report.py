"""The sentence says what happened, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.report import CycleReport, accounts_of
from providers.resource import Coverage, CoverageStatus, Scope

DENIED = Coverage(
    scope=Scope("aws", "111111111111", "eu-west-1", "aws.s3_bucket"),
    status=CoverageStatus.DENIED,
    cause="AccessDenied",
    permission="s3:ListAllMyBuckets",
)


@pytest.mark.parametrize(
    ("report", "sentence"),
    [
        (
            CycleReport(cycle=1, providers=("aws",), read=182, scopes=46, accounts=3, open=9, seconds=4.21),
            "Read 182 resources in 46 scopes of aws in 3 accounts; nothing was left unread; nothing changed; no policy had to be evaluated, 9 findings open, in 4.2 s.",
        ),
        (
            CycleReport(
                cycle=1,
                providers=("aws", "azure"),
                read=1,
                scopes=1,
                accounts=1,
                created=1,
                first_contact=1,
                evaluated=5,
                opened=1,
                open=1,
                unknown=1,
            ),
            "Read 1 resource in 1 scope of aws and azure in 1 account; nothing was left unread; recorded 1 as a first baseline; 5 evaluations opened 1 and resolved 0, 1 finding open, 1 unknown, in 0.0 s.",
        ),
        (
            CycleReport(
                cycle=2,
                providers=("aws",),
                read=10,
                scopes=3,
                accounts=1,
                unread=(DENIED,),
                details_unread=2,
                changed=1,
                evaluated=2,
                resolved=1,
            ),
            "Read 10 resources in 3 scopes of aws in 1 account; could not read 1 scope (1 denied: aws/111111111111/eu-west-1/aws.s3_bucket), details of 2 resources are missing; 0 created, 1 changed, 0 deleted; 2 evaluations opened 0 and resolved 1, 0 findings open, in 0.0 s.",
        ),
        (
            CycleReport(cycle=3, providers=("gcp",), unread=(DENIED,) * 5, seconds=1),
            "Read nothing of gcp; could not read 5 scopes (5 denied: aws/111111111111/eu-west-1/aws.s3_bucket, aws/111111111111/eu-west-1/aws.s3_bucket, aws/111111111111/eu-west-1/aws.s3_bucket and 2 more); nothing changed; no policy had to be evaluated, 0 findings open, in 1.0 s.",
        ),
        (
            CycleReport(
                cycle=4,
                providers=("aws",),
                read=3,
                scopes=1,
                evaluated=3,
                opened=3,
                open=3,
                responses={"dry-run": 2, "done": 1},
                stopped=("hook x was stopped: 40 targets are more than 10 an hour",),
            ),
            "Read 3 resources in 1 scope of aws; nothing was left unread; nothing changed; 3 evaluations opened 3 and resolved 0, 3 findings open; containment: 1 done, 2 dry-run; hook x was stopped: 40 targets are more than 10 an hour, in 0.0 s.",
        ),
        (
            CycleReport(cycle=5, providers=("aws",), read=3, scopes=1, switched_off=34, seconds=1),
            "Read 3 resources in 1 scope of aws; nothing was left unread, 34 scopes of services not switched on; nothing changed; no policy had to be evaluated, 0 findings open, in 1.0 s.",
        ),
    ],
)
def test_sentence(report: CycleReport, sentence: str) -> None:
    assert report.sentence == sentence


numbers = st.integers(0, 2_000_000)


@given(
    read=numbers,
    scopes=numbers,
    created=numbers,
    changed=numbers,
    deleted=numbers,
    evaluated=numbers,
    open_=numbers,
)
def test_every_sentence_is_one_and_no_unread_scope_is_silent(
    read: int, scopes: int, created: int, changed: int, deleted: int, evaluated: int, open_: int
) -> None:
    report = CycleReport(
        cycle=1,
        providers=("aws",),
        read=read,
        scopes=scopes,
        unread=(DENIED,),
        created=created,
        changed=changed,
        deleted=deleted,
        evaluated=evaluated,
        open=open_,
    )
    assert report.sentence.endswith(" s.")
    assert report.sentence[0].isupper()
    assert "could not read 1 scope" in report.sentence
    assert not report.complete
    assert report.to_json()["unread"] == 1


def test_what_accounts_are_in_is_not_counted_as_one() -> None:
    places = (
        "123456789012",
        "organizations/1",
        "folders/2",
        "managementgroups/g",
        "tenants/t",
        "123456789012",
    )
    read = [
        Coverage(scope=Scope("aws", place, "eu-west-1", str(n)), status=CoverageStatus.COMPLETE, read=0)
        for n, place in enumerate(places)
    ]
    assert accounts_of(read) == 1
