"""One client serves all accounts: no request ever leaves with another account's key."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from config.clouds import AwsAccounts, AwsSettings, Budget
from providers.aws.session import Place, Sessions
from providers.errors import Refused, Throttled, Unavailable

OWN, OWN_KEY = "999999999999", "AKIAOWN"
REGION = "us-east-1"
ACCOUNTS = tuple(f"{number:012}" for number in range(1, 7))


class Body:
    """What botocore reads an answer from."""

    def __init__(self, content: str) -> None:
        self._content = content.encode()

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self._content


class Wire:
    """Stands where the network is: hands out keys that name their account, and looks at every request that leaves.

    Each request says for whom it was asked (a filter, or the bucket's name). Each moves the clock on by a second, and keys of
    12 minutes are renewed again and again (before 15), yet end for no thread that waits; one in three of the listings fails and is
    asked again.
    """

    def __init__(self) -> None:
        self.left: Counter[tuple[str, str]] = Counter()
        """Requests by (for whom asked, whose key)."""
        self.operations: Counter[str] = Counter()
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self._lock = threading.Lock()

    def __call__(self, request: Any, **_: Any) -> AWSResponse:
        found = re.search(r"Credential=([^/]+)/", str(request.headers["Authorization"]))
        assert found is not None
        key = found[1]
        if key != OWN_KEY:
            assert request.headers["X-Amz-Security-Token"] in (f"token-of-{key}", f"token-of-{key}".encode())
        with self._lock:
            self.now += timedelta(seconds=1)
            return self._answer(request, key)

    def _answer(self, request: Any, key: str) -> AWSResponse:
        body = request.body.decode() if isinstance(request.body, bytes) else str(request.body or "")
        asked = {name: values[0] for name, values in parse_qs(body).items()}
        operation = asked.get("Action", f"s3:{request.method}")
        self.operations[operation] += 1
        headers: dict[str, str] = {"Content-Type": "text/xml"}
        status = 200
        if operation == "GetCallerIdentity":
            self.left[("own", key)] += 1
            content = f"<R><GetCallerIdentityResult><Account>{OWN}</Account></GetCallerIdentityResult></R>"
        elif operation == "AssumeRole":
            self.left[("own", key)] += 1
            content = self._keys(asked["RoleArn"])
        elif operation == "DescribeSecurityGroups":
            self.left[(asked["Filter.1.Value.1"], key.partition("-")[0])] += 1
            page = int(asked.get("NextToken", "0"))
            more = f"<nextToken>{page + 1}</nextToken>" if page < 3 else ""
            content = f"<R><securityGroupInfo/>{more}</R>"
            if self.operations[operation] % 3 == 0:
                status, content = 503, "<R><Errors><Error><Code>Unavailable</Code></Error></Errors></R>"
        else:
            bucket = (urlsplit(request.url).hostname or "").split(".")[0]
            self.left[(bucket.split("--")[0], key.partition("-")[0])] += 1
            elsewhere = "eu-west-1" not in request.url and "--x-s3" not in bucket
            headers["x-amz-bucket-region"] = "eu-west-1"
            status = 301 if elsewhere else 200
            content = "<Error><Code>PermanentRedirect</Code></Error>" if elsewhere else "<R/>"
        return AWSResponse(request.url, status, headers, Body("" if request.method == "HEAD" else content))

    def _keys(self, role: str) -> str:
        _, _, _, _, account, name = role.split(":")
        key = f"{account}{name.removeprefix('role/')}-{self.operations['AssumeRole']}"
        until = (self.now + timedelta(minutes=12)).strftime("%Y-%m-%dT%H:%M:%SZ")
        return (
            f"<R><AssumeRoleResult><Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
            f"<SessionToken>token-of-{key}</SessionToken><Expiration>{until}</Expiration></Credentials>"
            "</AssumeRoleResult></R>"
        )

    def mistaken(self) -> dict[tuple[str, str], int]:
        """The requests that left with a key not of the one who asked."""
        right = {"own": OWN_KEY}
        return {
            asked: count
            for asked, count in self.left.items()
            if asked[1] != right.get(asked[0], asked[0].replace("-", ""))
        }


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_CONFIG_FILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", OWN_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")


def made(wire: Wire, prepare: Callable[[boto3.Session], None] | None = None) -> Sessions:
    def prepared(session: boto3.Session) -> None:
        session.events.register_last("before-send", wire)
        if prepare is not None:
            prepare(session)

    return Sessions(
        AwsSettings(
            accounts=AwsAccounts(role="read", contain_role="act"),
            budget=Budget(calls_per_second=1e6, burst=10**6, concurrency=8),
        ),
        clock=lambda: wire.now,
        prepare=prepared,
        attempts=2,
    )


def listing(sessions: Sessions, account: str, contain: bool) -> Iterator[dict[str, Any]]:
    asked = {"Filters": [{"Name": "owner-id", "Values": [f"{account}-{'act' if contain else 'read'}"]}]}
    return sessions.pages(Place(account, REGION, contain), "ec2", "DescribeSecurityGroups", asked)


def test_threads_that_share_a_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight threads, six accounts, two roles: listings with pages and attempts left half read, buckets that are elsewhere,
    keys that are renewed all the while."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    wire = Wire()
    sessions = made(wire)

    def work(seed: int) -> None:
        random = Random(seed)
        pairs = [(account, contain) for account in ACCOUNTS for contain in (False, True)]
        random.shuffle(pairs)
        for account, contain in pairs:
            place = Place(account, REGION, contain)
            bucket = f"{account}-{'act' if contain else 'read'}"
            if random.random() < 0.5:
                sessions.call(place, "s3", "GetBucketLogging", {"Bucket": bucket})
            with suppress(Unavailable):
                for page, _ in enumerate(listing(sessions, account, contain)):
                    if page == random.randrange(6):
                        break

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    sessions.close()
    assert wire.mistaken() == {}
    keys = {key for _, key in wire.left}
    assert keys == {OWN_KEY, *(f"{account}{role}" for account in ACCOUNTS for role in ("read", "act"))}
    assert wire.operations["AssumeRole"] > 2 * 2 * len(ACCOUNTS)
    assert wire.operations["s3:GET"] > 20


def test_listings_whose_pages_alternate_in_one_thread() -> None:
    """Nothing of one listing's page is left in the context of the next one's."""
    wire = Wire()
    sessions = made(wire)

    @settings(max_examples=25)
    @given(st.lists(st.tuples(st.sampled_from(ACCOUNTS[:3]), st.booleans()), min_size=2, max_size=16))
    def alternate(turns: list[tuple[str, bool]]) -> None:
        wire.left.clear()
        under_way = {turn: listing(sessions, *turn) for turn in set(turns)}
        for turn in turns:
            with suppress(Unavailable):
                next(under_way[turn], None)
        assert wire.mistaken() == {}
        asked = {asked for asked, _ in wire.left}
        assert asked - {"own"} == {f"{account}-{'act' if contain else 'read'}" for account, contain in turns}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.sleep", lambda _: None)
        alternate()
    sessions.close()


def test_a_directory_bucket_has_no_keys_of_its_own() -> None:
    """botocore would keep a session for the bucket, got with the first account's keys, and sign the next account's with it."""
    wire = Wire()
    sessions = made(wire)
    for account in ACCOUNTS[:2]:
        bucket = f"{account}-read--use1-az4--x-s3"
        sessions.call(Place(account, REGION), "s3", "ListObjectsV2", {"Bucket": bucket})
    sessions.close()
    assert wire.mistaken() == {}


def test_outside_of_a_call_nothing_is_signed() -> None:
    """Not even in a thread that a call has started."""
    wire = Wire()
    sessions = made(wire)
    client = sessions.clients.get("ec2", REGION)
    with pytest.raises(Refused, match="outside of any call"):
        client.describe_security_groups()
    with sessions._calling(Place(ACCOUNTS[0], REGION), "ec2", "DescribeSecurityGroups", None):
        thread = ThreadPoolExecutor(1)
        with pytest.raises(Refused, match="outside of any call"):
            thread.submit(client.describe_security_groups).result()
        thread.shutdown()
    sessions.close()
    assert set(wire.left) == {("own", OWN_KEY)}


def test_what_carries_another_key_is_not_sent() -> None:
    """Whatever in botocore put it there."""
    wire = Wire()
    other = Credentials("AKIAOTHER", "s")

    def prepare(session: boto3.Session) -> None:
        def resigned(request: Any, **_: Any) -> None:
            request.context.setdefault("signing", {})["request_credentials"] = other

        session.events.register("before-sign.ec2", resigned)

    sessions = made(wire, prepare)
    with pytest.raises(Refused, match="another key"):
        list(listing(sessions, ACCOUNTS[0], contain=False))
    sessions.close()
    assert wire.operations["DescribeSecurityGroups"] == 0


def test_throttling_is_told_to_the_budget_of_the_account_that_met_it() -> None:
    wire = Wire()

    def prepare(session: boto3.Session) -> None:
        def refused(request: Any, **_: Any) -> AWSResponse | None:
            if ACCOUNTS[0] not in str(request.body):
                return None
            content = "<R><Errors><Error><Code>RequestLimitExceeded</Code></Error></Errors></R>"
            return AWSResponse(request.url, 503, {}, Body(content))

        session.events.register("before-send.ec2", refused)

    sessions = made(wire, prepare)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.sleep", lambda _: None)
        next(listing(sessions, ACCOUNTS[1], contain=False))
        with pytest.raises(Throttled):
            next(listing(sessions, ACCOUNTS[0], contain=False))
    sessions.close()
    rates = sessions.budgets.rates()
    assert rates[(ACCOUNTS[0], "ec2")] < rates[(ACCOUNTS[1], "ec2")]
