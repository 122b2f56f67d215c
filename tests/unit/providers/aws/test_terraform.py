"""Terraform views of documents: absent blocks, unread attributes, the forms that need thought."""

from __future__ import annotations

from typing import Any

import pytest

from providers.aws.terraform import types, view_of
from providers.resource import Resource, ResourceRef
from providers.terraform import AbsentBlock

OWNER = {"Grantee": {"ID": "me", "Type": "CanonicalUser"}, "Permission": "FULL_CONTROL"}
ALL = {
    "Grantee": {"URI": "http://acs.amazonaws.com/groups/global/AllUsers", "Type": "Group"},
    "Permission": "READ",
}
OTHER = {"Grantee": {"ID": "you", "Type": "CanonicalUser"}, "Permission": "READ"}


def seen(type_name: str, document: dict[str, Any], unread: dict[str, str] | None = None) -> Any:
    ref = ResourceRef(provider="aws", account="1", region="eu-west-1", type=type_name, uid="arn:…")
    view = view_of(Resource(ref=ref, name="x", document=document, unread=unread or {}))
    assert view is not None
    return view


def bucket(**document: Any) -> dict[str, Any]:
    return seen("aws.s3_bucket", {"Name": "b", **document}).render(AbsentBlock.NULL)


def test_a_bucket_with_nothing_configured_in_each_form() -> None:
    view = seen("aws.s3_bucket", {"Name": "b", "Logging": None, "Encryption": None})
    blocks = ("logging", "server_side_encryption_configuration", "versioning", "website", "lifecycle_rule")
    for block in blocks:
        assert view.render(AbsentBlock.NULL)[block] == [None]
        assert view.render(AbsentBlock.EMPTY)[block] == []
        assert block not in view.render(AbsentBlock.MISSING)


def test_what_is_unread_is_not_an_attribute() -> None:
    view = seen("aws.s3_bucket", {"Name": "b"}, {"Logging": "denied", "Acl": "throttled"})
    assert view.unread == {"logging": "denied", "acl": "throttled", "grant": "throttled"}
    assert not {"logging", "acl", "grant"} & view.render(AbsentBlock.NULL).keys()


@pytest.mark.parametrize(
    ("grants", "acl"),
    [([OWNER], "private"), ([OWNER, ALL], "public-read"), ([OWNER, ALL, OTHER], None), ([], "private")],
)
def test_the_canned_acl(grants: list[Any], acl: str | None) -> None:
    attributes = bucket(Acl={"Owner": "me", "Grants": grants})
    assert attributes["acl"] == acl
    if acl is None:
        assert {(g["id"] or g["uri"], *g["permissions"]) for g in attributes["grant"]} == {
            ("me", "FULL_CONTROL"),
            ("you", "READ"),
            ("http://acs.amazonaws.com/groups/global/AllUsers", "READ"),
        }
    else:
        assert attributes["grant"] == [None]


@pytest.mark.parametrize(
    ("status", "versioning"),
    [
        (None, [None]),
        ("Enabled", [{"enabled": True, "mfa_delete": False}]),
        ("Suspended", [{"enabled": False, "mfa_delete": False}]),
    ],
)
def test_versioning(status: str | None, versioning: list[Any]) -> None:
    assert bucket(Versioning={"Status": status, "MFADelete": None})["versioning"] == versioning


def test_a_load_balancers_access_log_is_always_a_block() -> None:
    """The owner's policy reads ``access_logs[_].enabled == false``, which an absent block would escape."""
    attributes = seen("aws.elb", {"LoadBalancerName": "l", "Attributes": {"AccessLog": {"Enabled": False}}})
    assert attributes.render(AbsentBlock.NULL)["access_logs"] == [
        {"enabled": False, "bucket": "", "bucket_prefix": "", "interval": 60}
    ]
    unread = seen("aws.elb", {"LoadBalancerName": "l"}, {"Attributes": "denied"})
    assert "access_logs" in unread.unread


def test_a_trail_whose_status_is_unread_is_not_stopped() -> None:
    assert (
        seen("aws.cloudtrail", {"Name": "t", "Status": {"IsLogging": False}}).attributes["enable_logging"]
        is False
    )
    assert "enable_logging" in seen("aws.cloudtrail", {"Name": "t"}, {"Status": "denied"}).unread


def test_a_security_groups_rules() -> None:
    rule = {
        "IpProtocol": "-1",
        "UserIdGroupPairs": [{"GroupId": "sg-1"}, {"GroupId": "sg-2"}],
        "Ipv6Ranges": [{"CidrIpv6": "::/0"}],
    }
    (ingress,) = seen("aws.security_group", {"GroupId": "sg-1", "IpPermissions": [rule]}).attributes[
        "ingress"
    ]
    assert (ingress["from_port"], ingress["to_port"], ingress["protocol"]) == (0, 0, "-1")
    assert (ingress["self"], ingress["security_groups"]) == (True, ["sg-2"])
    assert ingress["ipv6_cidr_blocks"] == ["::/0"]


def test_the_arn_is_the_uid_in_every_partition() -> None:
    assert bucket()["arn"] == "arn:…"
    assert "arn" not in seen("aws.elb", {"LoadBalancerName": "l"}).attributes


def test_one_view_a_type() -> None:
    ours = [one for several in types().values() for one in several]
    assert len(set(ours)) == len(ours)
    assert types()["aws_wafv2_web_acl"] == {"aws.wafv2_web_acl", "aws.wafv2_web_acl_global"}
    assert {
        "aws_s3_bucket",
        "aws_elb",
        "aws_lb",
        "aws_cloudtrail",
        "aws_iam_access_key",
        "aws_instance",
    } <= types().keys()
    nothing = ResourceRef(
        provider="aws", account="1", region="global", type="aws.iam_credentials", uid="arn:…"
    )
    assert view_of(Resource(ref=nothing, name="x", document={})) is None
