"""Exemptions: what must be said, what is covered, and when it ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.exemption import LONGEST, Exemption, ExemptionRefused
from providers.resource import ResourceRef

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
REF = ResourceRef(
    provider="aws",
    account="123456789012",
    region="eu-central-1",
    type="aws.s3_bucket",
    uid="arn:aws:s3:::legacy",
)
RECORD = {"uid": REF.uid, "tags": {"Stage": "lab"}, "document": {"Size": 5}}


def exemption(**more: Any) -> Exemption:
    said: dict[str, Any] = {
        "policy": "aws.s3_bucket_logging",
        "resource": REF.uid,
        "who": "ann",
        "why": "replaced in May",
        "ticket": "SEC-12",
        "created_at": NOW,
        "until": NOW + timedelta(days=90),
    }
    return Exemption(**(said | more))


@pytest.mark.parametrize(
    ("more", "policy_id", "covered"),
    [
        ({}, "aws.s3_bucket_logging", True),
        ({}, "aws.s3_bucket_encryption", False),
        ({"policy": "aws.s3_*"}, "aws.s3_bucket_encryption", True),
        ({"policy": "*_logging"}, "aws.s3_bucket_logging", True),
        ({"policy": "aws?s3_bucket_logging"}, "aws.s3_bucket_logging", False),
        ({"resource": "arn:aws:s3:::legacy*"}, "aws.s3_bucket_logging", True),
        ({"resource": "arn:aws:s3:::leg"}, "aws.s3_bucket_logging", False),
        ({"account": "123456789012"}, "aws.s3_bucket_logging", True),
        ({"account": "210987654321"}, "aws.s3_bucket_logging", False),
        ({"resource": None, "tags": {"Stage": "lab"}}, "aws.s3_bucket_logging", True),
        ({"tags": {"Stage": "live"}}, "aws.s3_bucket_logging", False),
        ({"tags": {"Stage": "lab", "Owner": "ann"}}, "aws.s3_bucket_logging", False),
        ({"where": "document.Size < `10`"}, "aws.s3_bucket_logging", True),
        ({"where": "document.Size > `10`"}, "aws.s3_bucket_logging", False),
        ({"where": "document.Missing"}, "aws.s3_bucket_logging", False),
        # An expression that fails covers nothing.
        ({"where": "length(document.Size) == `1`"}, "aws.s3_bucket_logging", False),
    ],
)
def test_all_that_is_given_must_hold(more: dict[str, Any], policy_id: str, covered: bool) -> None:
    assert exemption(**more).covers(policy_id, REF, RECORD) is covered


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"who": " "}, "does not say its who"),
        ({"why": ""}, "does not say its why"),
        ({"ticket": ""}, "does not say its ticket"),
        ({"policy": ""}, "does not say its policy"),
        ({"resource": None}, "names no resource, account, tag or expression"),
        ({"until": NOW}, "is not in the future"),
        ({"until": NOW + LONGEST + timedelta(seconds=1)}, "more than a year away"),
        ({"where": "document.["}, "is not a JMESPath expression"),
    ],
)
def test_what_it_must_say(more: dict[str, Any], why: str) -> None:
    with pytest.raises(ExemptionRefused, match=why) as caught:
        exemption(**more)
    assert caught.value.exit_status == 2


def test_everything_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(ExemptionRefused) as caught:
        exemption(who="", ticket="", until=NOW)
    assert caught.value.message.count(";") == 2


def test_it_ends_by_itself_and_is_warned_of_before() -> None:
    found = exemption()
    day = timedelta(days=1)
    assert [found.status(NOW + n * day) for n in (0, 75, 76, 89)] == [
        "in force",
        "in force",
        "ending",
        "ending",
    ]
    assert found.status(found.until) == "ended"
    assert not found.in_force(NOW - timedelta(microseconds=1))
    revoked = exemption(revoked_at=NOW + day, revoked_by="ben", revoked_why="gone")
    assert revoked.in_force(NOW)
    assert not revoked.in_force(NOW + day)
    assert revoked.status(NOW + day) == "revoked"
    assert revoked.id == found.id


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_pattern_without_a_star_is_the_text_itself(pattern: str, uid: str) -> None:
    if not pattern.replace("*", ""):
        return
    ref = ResourceRef(provider="p", account="a", region="r", type="t", uid=uid or "u")
    plain = pattern.replace("*", "")
    assert exemption(policy="p", resource=plain).speaks_of("p", ref) is (plain == ref.uid)
    around = exemption(policy="p", resource=f"*{plain}*")
    assert around.speaks_of("p", ref) is (plain in ref.uid)
