"""S3 buckets and EBS volumes, in Terraform's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.aws.terraform.parts import block, constant, field, policy, tags
from providers.terraform import ABSENT_BLOCK, Document, TerraformType


def _encryption(found: Mapping[str, Any]) -> dict[str, Any]:
    def rule(item: Mapping[str, Any]) -> dict[str, Any]:
        by_default = item.get("ApplyServerSideEncryptionByDefault") or {}
        return {
            "apply_server_side_encryption_by_default": [
                {
                    "sse_algorithm": by_default.get("SSEAlgorithm"),
                    "kms_master_key_id": by_default.get("KMSMasterKeyID", ""),
                }
            ],
            "bucket_key_enabled": bool(item.get("BucketKeyEnabled", False)),
        }

    return {"rule": [rule(item) for item in found.get("Rules", ())]}


def _versioning(document: Document) -> Any:
    status = field("Versioning.Status")(document)
    mfa = field("Versioning.MFADelete")(document)
    return [{"enabled": status == "Enabled", "mfa_delete": mfa == "Enabled"}] if status else ABSENT_BLOCK


_ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
_AUTHENTICATED = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
_LOG_DELIVERY = "http://acs.amazonaws.com/groups/s3/LogDelivery"
_CANNED = {
    frozenset[tuple[str, str]](): "private",
    frozenset({(_ALL_USERS, "READ")}): "public-read",
    frozenset({(_ALL_USERS, "READ"), (_ALL_USERS, "WRITE")}): "public-read-write",
    frozenset({(_AUTHENTICATED, "READ")}): "authenticated-read",
    frozenset({(_LOG_DELIVERY, "WRITE"), (_LOG_DELIVERY, "READ_ACP")}): "log-delivery-write",
}


def _foreign_grants(document: Document) -> list[Mapping[str, Any]]:
    owner = field("Acl.Owner")(document)
    grants: list[Mapping[str, Any]] = field("Acl.Grants", [])(document)
    return [grant for grant in grants if grant["Grantee"].get("ID") != owner]


def _acl(document: Document) -> str | None:
    """The canned ACL that these grants are; None where they are none."""
    grants = frozenset(
        (str(g["Grantee"].get("URI") or g["Grantee"].get("ID")), str(g["Permission"]))
        for g in _foreign_grants(document)
    )
    return _CANNED.get(grants)


def _grant(document: Document) -> Any:
    if _acl(document) is not None:
        return ABSENT_BLOCK
    grants: dict[tuple[str, str, str], set[str]] = {}
    for grant in field("Acl.Grants", [])(document):
        grantee = grant["Grantee"]
        key = (grantee.get("ID", ""), grantee.get("Type", ""), grantee.get("URI", ""))
        grants.setdefault(key, set()).add(grant["Permission"])
    return [
        {"id": key[0], "type": key[1], "uri": key[2], "permissions": sorted(permissions)}
        for key, permissions in sorted(grants.items())
    ]


def _lifecycle(rule: Mapping[str, Any]) -> dict[str, Any]:
    expiration = rule.get("Expiration") or {}
    return {
        "id": rule.get("ID"),
        "enabled": rule.get("Status") == "Enabled",
        "prefix": (rule.get("Filter") or {}).get("Prefix", rule.get("Prefix", "")),
        "expiration": [{"days": expiration.get("Days"), "date": expiration.get("Date")}]
        if expiration
        else [],
        "transition": [
            {"days": t.get("Days"), "storage_class": t.get("StorageClass")}
            for t in rule.get("Transitions", ())
        ],
    }


S3_BUCKET = TerraformType(
    "aws_s3_bucket",
    {
        "id": field("Name"),
        "bucket": field("Name"),
        "arn": field("Name"),
        "region": field("BucketRegion"),
        "acl": _acl,
        "grant": _grant,
        "logging": block(
            "Logging",
            lambda v: {"target_bucket": v.get("TargetBucket"), "target_prefix": v.get("TargetPrefix", "")},
        ),
        "server_side_encryption_configuration": block("Encryption", _encryption),
        "versioning": _versioning,
        "policy": policy,
        "website": block(
            "Website",
            lambda v: {
                "index_document": (v.get("IndexDocument") or {}).get("Suffix", ""),
                "error_document": (v.get("ErrorDocument") or {}).get("Key", ""),
                "redirect_all_requests_to": (v.get("RedirectAllRequestsTo") or {}).get("HostName", ""),
            },
        ),
        "lifecycle_rule": lambda document: (
            [_lifecycle(rule) for rule in document.get("Lifecycle") or ()] or ABSENT_BLOCK
        ),
        "force_destroy": constant(False),
        "tags": tags(),
    },
)
