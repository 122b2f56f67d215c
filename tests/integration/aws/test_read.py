"""Reading the emulated AWS with the real SDK: every scope, paged, and read again to the same document."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from config.clouds import AwsAccounts
from providers.aws.catalog import catalog
from providers.aws.provider import AwsProvider
from providers.aws.reader import Reader
from providers.errors import Gone, Refused
from providers.normalise import encode
from providers.provider import Provider, Selection
from providers.resource import ANY, GLOBAL, CoverageStatus, Resource, ResourceRef, Scope
from providers.sandbox.aws import AwsEmulator, Estate
from providers.sandbox.aws.door import enter
from providers.sandbox.aws.estate import TYPES
from providers.sandbox.faults import Fault, FaultKind
from providers.terraform import AbsentBlock

Make = Callable[..., AwsProvider]


@pytest.fixture(scope="module")
def warm(aws_sandbox: AwsEmulator) -> Iterator[AwsProvider]:
    """One provider with its clients made, for the tests that only read."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in aws_sandbox.environment().items():
            patch.setenv(name, value)
        provider = AwsProvider(aws_sandbox.settings(), clock=lambda: datetime.now(UTC), attempts=1)
        yield provider
        provider.close()


@pytest.fixture(scope="module")
def everything(warm: AwsProvider) -> dict[str, Resource]:
    """Every resource by uid, read once. Fails if anything at all was not read."""
    found: dict[str, Resource] = {}
    for scope in warm.discover(Selection()).scopes:
        reading = warm.read(scope)
        for resource in reading:
            assert scope.covers(resource.ref), resource.ref
            assert resource.uid not in found, "a uid must be one resource's"
            assert not resource.unread
            found[resource.uid] = resource
        assert reading.coverage.status is CoverageStatus.COMPLETE, reading.coverage
    return found


def view(provider: AwsProvider, resource: Resource) -> dict[str, Any]:
    made = provider.terraform(resource)
    assert made is not None
    assert not made.unread
    return made.render(AbsentBlock.NULL)


def test_it_is_a_provider(warm: AwsProvider) -> None:
    assert isinstance(warm, Provider)


@pytest.mark.parametrize(("type_", "in_the_pool"), [("aws.security_group", False), ("aws.vpc", True)])
def test_only_what_waits_for_a_cloud_goes_to_another_thread(
    warm: AwsProvider, account: str, type_: str, in_the_pool: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pool is for asking about an item; what its listing told needs no other thread."""
    declared = catalog()[type_]
    assert bool(declared.details or declared.each) is in_the_pool
    threads: set[str] = set()
    describe = Reader._describe

    def noted(self: Reader, *arguments: Any) -> Any:
        threads.add(threading.current_thread().name)
        return describe(self, *arguments)

    monkeypatch.setattr(Reader, "_describe", noted)
    read = list(warm.read(Scope("aws", account, "eu-west-1", type_)))
    assert read
    assert (threading.current_thread().name not in threads) is in_the_pool


def test_every_account_region_and_type(warm: AwsProvider, estate: Estate) -> None:
    found = warm.discover(Selection())
    assert found.unread == ()
    assert set(found.accounts) == set(estate.accounts)
    assert found.accounts[estate.drifting_bucket[0]] == "production"
    per_type = Counter(scope.type for scope in found.scopes)
    assert per_type.keys() == set(TYPES)
    assert per_type["aws.s3_bucket"] == 3
    assert per_type["aws.ec2_instance"] == 6
    assert {scope.region for scope in found.scopes} == {ANY, GLOBAL, "us-east-1", "eu-west-1"}


def test_the_whole_estate_is_read(everything: dict[str, Resource]) -> None:
    per_type = Counter(resource.ref.type for resource in everything.values())
    assert per_type.keys() == set(TYPES)
    assert per_type["aws.s3_bucket"] >= 18
    assert per_type["aws.elb"] == 12
    assert per_type["aws.iam_access_key"] >= 9
    assert len(everything) > 180


def test_lists_longer_than_a_page_are_read_whole(
    everything: dict[str, Resource], aws_sandbox: AwsEmulator
) -> None:
    groups = Counter((r.ref.account, r.ref.region) for r in everything.values() if r.ref.type == "aws.subnet")
    assert max(groups.values()) > 5, "the estate must need a second page to prove anything"
    assert aws_sandbox.calls["ec2:DescribeSubnets"] > len(groups)


def test_many_threads_share_one_provider(everything: dict[str, Resource], provider: AwsProvider) -> None:
    """A provider whose clients are not made yet, read by eight threads at once, reads what one thread reads."""
    scopes = provider.discover(Selection(types=frozenset({"aws.ebs*", "aws.vpc", "aws.kms_key"}))).scopes

    def read(scope: Scope) -> list[Resource]:
        reading = provider.read(scope)
        found = list(reading)
        assert reading.coverage.complete, reading.coverage
        return found

    with ThreadPoolExecutor(8) as pool:
        found = [resource for part in pool.map(read, scopes) for resource in part]
    types = {scope.type for scope in scopes}
    assert {r.uid: r for r in found} == {u: r for u, r in everything.items() if r.ref.type in types}


@pytest.mark.parametrize("type_name", TYPES)
def test_reading_again_gives_the_same(
    everything: dict[str, Resource], warm: AwsProvider, type_name: str
) -> None:
    ref = next(resource.ref for resource in everything.values() if resource.ref.type == type_name)
    region = catalog()[type_name].scope_region(ref.region)
    listed = list(warm.read(Scope("aws", ref.account, region, type_name)))
    assert listed
    for resource in listed[:2]:
        again = warm.reread(resource.ref)
        assert encode(again.document) == encode(resource.document)
        assert again == resource


def test_what_is_gone_is_gone_by_the_services_own_word(
    everything: dict[str, Resource], warm: AwsProvider
) -> None:
    examples = {resource.ref.type: resource.ref for resource in everything.values()}
    for declared in (catalog()[name] for name in TYPES):
        if declared.get is None:
            continue
        ref = examples[declared.type]
        parts = declared.parse_arn(ref.uid)
        assert parts is not None
        last = [name for name in parts if not name.startswith("_")][-1]
        value = parts[last]
        other = value[:-4] + ("0000" if value[-4:] != "0000" else "1111")
        uid = ref.uid.replace(value, other) if value in ref.uid else ref.uid
        if declared.type == "aws.flow_log":
            continue  # moto answers an empty list for an unknown flow log, which proves nothing; see the next test
        with pytest.raises(Gone):
            warm.reread(
                ResourceRef(provider="aws", account=ref.account, region=ref.region, type=ref.type, uid=uid)
            )


def test_an_empty_answer_is_no_proof(everything: dict[str, Resource], warm: AwsProvider) -> None:
    ref = next(r.ref for r in everything.values() if r.ref.type == "aws.flow_log")
    other = ResourceRef(
        provider="aws", account=ref.account, region=ref.region, type=ref.type, uid=f"{ref.uid[:-4]}0000"
    )
    with pytest.raises(Exception, match="proves nothing") as caught:
        warm.reread(other)
    assert not isinstance(caught.value, Gone)


def test_what_is_not_of_the_type_is_refused(warm: AwsProvider, account: str) -> None:
    ref = ResourceRef(
        provider="aws", account=account, region="*", type="aws.s3_bucket", uid="arn:aws:iam::1:user/u"
    )
    with pytest.raises(Refused):
        warm.reread(ref)


def test_a_new_bucket_then_a_deleted_one(warm: AwsProvider, emulator: AwsEmulator, account: str) -> None:
    door = enter(emulator.endpoint, account)
    s3 = door.client("s3")
    s3.create_bucket(Bucket="come-and-gone")
    ref = ResourceRef(
        provider="aws",
        account=account,
        region="us-east-1",
        type="aws.s3_bucket",
        uid="arn:aws:s3:::come-and-gone",
    )
    resource = warm.reread(ref)
    assert resource.document["Logging"] is None
    assert resource.document["Policy"] is None
    assert resource.tags == {}
    s3.delete_bucket(Bucket="come-and-gone")
    door.close()
    with pytest.raises(Gone):
        warm.reread(ref)


def test_good_and_bad_twins_in_terraforms_words(
    everything: dict[str, Resource], warm: AwsProvider, account: str
) -> None:
    def one(type_name: str, name: str, region: str = "us-east-1") -> dict[str, Any]:
        (found,) = [
            r
            for r in everything.values()
            if r.ref.type == type_name
            and r.ref.account == account
            and name in (r.name, r.tags.get("Name"))
            and r.ref.region in (region, GLOBAL)
        ]
        return view(warm, found)

    assert one("aws.s3_bucket", "production-invoices")["logging"] == [
        {"target_bucket": "production-logs", "target_prefix": "production-invoices/"}
    ]
    unlogged = one("aws.s3_bucket", "production-unlogged", "eu-west-1")
    assert unlogged["logging"] == [None]
    assert unlogged["server_side_encryption_configuration"][0]["rule"][0][
        "apply_server_side_encryption_by_default"
    ] == [{"sse_algorithm": "AES256", "kms_master_key_id": ""}]
    plain = one("aws.s3_bucket", "production-plain", "eu-west-1")
    assert plain["server_side_encryption_configuration"] == [None]
    assert plain["versioning"] == [None]
    assert (plain["acl"], plain["grant"]) == ("private", [None])
    assert '"Principal":"*"' in one("aws.s3_bucket", "production-website")["policy"]
    assert one("aws.elb", "shop")["access_logs"][0]["enabled"] is True
    assert one("aws.elb", "legacy")["access_logs"][0]["enabled"] is False
    assert one("aws.lb", "front")["access_logs"][0]["bucket"] == "production-logs"
    assert one("aws.cloudtrail", "production-trail")["enable_logging"] is True
    assert one("aws.cloudtrail", "production-stopped", "eu-west-1")["enable_logging"] is False
    assert one("aws.security_group", "open-ssh")["ingress"] == [
        {
            "from_port": 22,
            "to_port": 22,
            "protocol": "tcp",
            "cidr_blocks": ["0.0.0.0/0"],
            "ipv6_cidr_blocks": [],
            "prefix_list_ids": [],
            "security_groups": [],
            "self": False,
            "description": "",
        }
    ]
    assert one("aws.ebs_volume", "bare")["encrypted"] is False
    assert one("aws.ebs_volume", "sealed")["encrypted"] is True
    assert one("aws.db_instance", "production-reports")["publicly_accessible"] is True
    assert one("aws.ec2_instance", "bastion")["metadata_options"][0]["http_tokens"] == "optional"
    assert one("aws.iam_user", "ci-deployer")["arn"] == f"arn:aws:iam::{account}:user/ci-deployer"
    keys = [
        view(warm, r) for r in everything.values() if r.ref.type == "aws.kms_key" and r.ref.account == account
    ]
    assert {key["enable_key_rotation"] for key in keys} == {True, False}


def test_a_vpc_knows_its_own_flow_logs_only(everything: dict[str, Resource]) -> None:
    vpcs = [r for r in everything.values() if r.ref.type == "aws.vpc" and r.tags]
    assert {r.tags["Name"]: len(r.document["FlowLogs"]) for r in vpcs} == {"watched": 1, "unwatched": 0}
    for vpc in vpcs:
        assert all(log["ResourceId"] == vpc.document["VpcId"] for log in vpc.document["FlowLogs"])


def test_every_view_is_of_a_declared_type_and_renders(
    everything: dict[str, Resource], warm: AwsProvider
) -> None:
    views = warm.terraform_types()
    viewed = frozenset[str]().union(*views.values())
    assert viewed <= catalog().keys()
    assert views["aws_s3_bucket"] == {"aws.s3_bucket"}
    for resource in everything.values():
        made = warm.terraform(resource)
        if resource.ref.type == "aws.account" and resource.document["PasswordPolicy"] is None:
            assert made is None
        elif resource.ref.type in viewed:
            assert made is not None
            assert resource.ref.type in views[made.type]
            for absent in AbsentBlock:
                encode(made.render(absent))
        else:
            assert made is None


def test_a_selection_narrows(warm: AwsProvider, account: str) -> None:
    found = warm.discover(Selection(accounts=frozenset({account}), types=frozenset({"aws.s3*", "aws.elb"})))
    assert {scope.account for scope in found.scopes} == {account}
    assert {scope.type for scope in found.scopes} == {"aws.s3_bucket", "aws.elb"}
    region = warm.discover(Selection(regions=frozenset({"eu-west-1"})))
    assert {scope.region for scope in region.scopes} == {"eu-west-1", ANY}, "a bucket may lie in any region"
    assert warm.discover(Selection(providers=frozenset({"gcp"}))).scopes == ()


def test_settings_narrow(make: Make, estate: Estate) -> None:
    accounts = AwsAccounts(discover="organizations", role="WatchstanderRead", exclude=(estate.management,))
    provider = make(
        {"accounts": accounts, "types": ("aws.iam_*",), "exclude_types": ("aws.iam_role",), "regions": ()}
    )
    found = provider.discover(Selection())
    assert set(found.accounts) == set(estate.accounts) - {estate.management}
    iam = {name for name in catalog() if name.startswith("aws.iam_")}
    assert {scope.type for scope in found.scopes} == iam - {"aws.iam_role"}


def test_enabled_regions_are_asked_where_none_are_named(make: Make, account: str) -> None:
    provider = make({"regions": (), "types": ("aws.vpc",)})
    regions = {s.region for s in provider.discover(Selection(accounts=frozenset({account}))).scopes}
    assert {"us-east-1", "eu-west-1", "eu-central-1"} <= regions
    assert "ap-east-1" not in regions, "not opted in"


def test_without_organisation_and_role_only_our_own_account(make: Make, estate: Estate) -> None:
    provider = make({"accounts": AwsAccounts(include=("999999999999",))})
    found = provider.discover(Selection())
    assert {scope.account for scope in found.scopes} == {estate.management}
    (unread,) = found.unread
    assert unread.scope == Scope("aws", "999999999999", ANY, ANY)
    assert "no role" in (unread.cause or "")


def test_a_denied_account_does_not_stop_the_others(
    make: Make, emulator: AwsEmulator, account: str, estate: Estate
) -> None:
    emulator.faults.add(Fault(kind=FaultKind.DENIED, operation="AssumeRole", resource=f"*{account}*"))
    found = make().discover(Selection())
    assert {scope.account for scope in found.scopes} == set(estate.accounts) - {account}
    (unread,) = found.unread
    assert unread.scope == Scope("aws", account, ANY, ANY)
    assert unread.status is CoverageStatus.DENIED
    assert unread.permission == "sts:AssumeRole"
    assert "WatchstanderRead" in (unread.cause or "")


@pytest.mark.parametrize("kind", [FaultKind.DENIED, FaultKind.TRUNCATED])
def test_an_organisation_that_cannot_be_listed(
    make: Make, aws: AwsEmulator, estate: Estate, kind: FaultKind
) -> None:
    """Our own account is read all the same, and it is said that the others are not known."""
    aws.faults.add(Fault(kind=kind, operation="ListAccounts"))
    found = make().discover(Selection())
    assert estate.management in {scope.account for scope in found.scopes}
    (unread,) = found.unread
    assert unread.scope == Scope("aws", "organization", ANY, ANY)
    assert not unread.complete
    assert "organizations:ListAccounts" in (unread.cause or "")


def test_a_type_nobody_declared(warm: AwsProvider, account: str) -> None:
    reading = warm.read(Scope("aws", account, "us-east-1", "aws.unheard_of"))
    assert list(reading) == []
    assert not reading.coverage.complete


def test_the_least_role(warm: AwsProvider) -> None:
    read = warm.permissions(contain=False)
    by_sid = {statement["Sid"]: statement for statement in read["Statement"]}
    assert "s3:GetBucketLogging" in by_sid["WatchstanderRead"]["Action"]
    assert by_sid["WatchstanderEnterAccounts"]["Resource"] == [
        "arn:aws:iam::*:role/WatchstanderContain",
        "arn:aws:iam::*:role/WatchstanderRead",
    ]
    assert "sqs:DeleteMessage" in by_sid["WatchstanderEvents"]["Action"]
    contain = warm.permissions(contain=True)
    assert contain["Statement"][0]["Action"] == sorted(
        {p for kind in warm.action_kinds().values() for p in kind.permissions}
    )
    verbs = [action.partition(":")[2] for action in by_sid["WatchstanderRead"]["Action"]]
    assert all(verb.startswith(("Get", "List", "Describe", "Lookup")) for verb in verbs)


def test_users_and_their_keys_are_one_call_a_user(
    provider: AwsProvider, emulator: AwsEmulator, account: str
) -> None:
    """And a fresh read in between lets nobody have what was asked before it."""

    def read(name: str) -> list[Resource]:
        return list(provider.read(Scope("aws", account, GLOBAL, name)))

    def calls() -> int:
        return emulator.calls["iam:ListAccessKeys"]

    before = calls()
    users, keys = read("aws.iam_user"), read("aws.iam_access_key")
    assert calls() - before == len(users) == 3
    assert {key.name for key in keys} == {k["AccessKeyId"] for u in users for k in u.document["AccessKeys"]}
    before = calls()
    read("aws.iam_access_key")
    assert provider.reread(keys[0].ref) == keys[0]
    read("aws.iam_user")
    assert calls() - before == 3 + 1 + 3
