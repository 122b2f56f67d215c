"""What Terraform's providers split off a resource: resources of their own that only say what another one is like.

Version 4 of the AWS provider took a bucket's versioning, encryption and the like out of ``aws_s3_bucket``; azurerm lets rules
stand in a resource or beside it. In the cloud they are one thing, and policies read them in the one that owns them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """One attribute of an owner that a resource of type ``type`` says."""

    type: str
    owner: str
    link: tuple[str, ...]
    """Attributes that name the owner; the first is the one that refers to it."""
    keys: tuple[tuple[str, ...], ...]
    """Attributes of the owner, one set of which they equal."""
    attribute: str
    """What it is called in the owner."""
    reads: tuple[str, ...]
    """Attributes that ``form`` looks at."""
    form: Callable[[Mapping[str, Any]], Any]
    """The owner's attribute, from the values; None where they say nothing of it. For ``many``, one item of it."""
    many: bool = False
    """Whether each is an item beside others, and not the whole."""


def _first(value: Any) -> Mapping[str, Any]:
    found = value[0] if isinstance(value, list) and value else value
    return found if isinstance(found, Mapping) else {}


def _blocks(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _versioning(values: Mapping[str, Any]) -> Any:
    said = _first(values.get("versioning_configuration"))
    if not said:
        return None
    return [{"enabled": said.get("status") == "Enabled", "mfa_delete": said.get("mfa_delete") == "Enabled"}]


def _grants(values: Mapping[str, Any]) -> Any:
    grants: dict[tuple[str, str, str], set[str]] = {}
    for grant in _blocks(_first(values.get("access_control_policy")).get("grant")):
        grantee = _first(grant.get("grantee"))
        key = tuple(str(grantee.get(name) or "") for name in ("id", "type", "uri"))
        grants.setdefault((key[0], key[1], key[2]), set()).add(str(grant.get("permission")))
    return [
        {"id": id_, "type": type_, "uri": uri, "permissions": sorted(permissions)}
        for (id_, type_, uri), permissions in sorted(grants.items())
    ] or None


def _lifecycle(values: Mapping[str, Any]) -> Any:
    return [
        {
            "id": rule.get("id"),
            "enabled": rule.get("status") == "Enabled",
            "prefix": _first(rule.get("filter")).get("prefix") or rule.get("prefix") or "",
            "expiration": _blocks(rule.get("expiration")),
            "transition": _blocks(rule.get("transition")),
        }
        for rule in _blocks(values.get("rule"))
    ] or None


def _only(*names: str) -> Callable[[Mapping[str, Any]], Any]:
    def form(values: Mapping[str, Any]) -> Any:
        return {name: values[name] for name in names if name in values}

    return form


def _bucket(
    type_: str, attribute: str, reads: tuple[str, ...], form: Callable[[Mapping[str, Any]], Any]
) -> Split:
    return Split(
        type=f"aws_s3_bucket_{type_}",
        owner="aws_s3_bucket",
        link=("bucket",),
        keys=(("bucket",), ("id",)),
        attribute=attribute,
        reads=reads,
        form=form,
    )


_RULES: Final = ("bypass", "default_action", "ip_rules", "private_link_access", "virtual_network_subnet_ids")
_KEY: Final = ("key_vault_key_id", "managed_hsm_key_id", "user_assigned_identity_id")
_SECURITY: Final = (
    "access",
    "description",
    "destination_address_prefix",
    "destination_address_prefixes",
    "destination_application_security_group_ids",
    "destination_port_range",
    "destination_port_ranges",
    "direction",
    "name",
    "priority",
    "protocol",
    "source_address_prefix",
    "source_address_prefixes",
    "source_application_security_group_ids",
    "source_port_range",
    "source_port_ranges",
)
_ACCESS: Final = (
    "application_id",
    "certificate_permissions",
    "key_permissions",
    "object_id",
    "secret_permissions",
    "storage_permissions",
    "tenant_id",
)

SPLITS: Final = (
    _bucket("acl", "acl", ("acl",), lambda values: values.get("acl")),
    _bucket("acl", "grant", ("access_control_policy",), _grants),
    _bucket("versioning", "versioning", ("versioning_configuration",), _versioning),
    _bucket(
        "server_side_encryption_configuration",
        "server_side_encryption_configuration",
        ("rule",),
        lambda values: [{"rule": _blocks(values.get("rule"))}],
    ),
    _bucket(
        "logging",
        "logging",
        ("target_bucket", "target_prefix"),
        lambda values: [
            {"target_bucket": values.get("target_bucket"), "target_prefix": values.get("target_prefix") or ""}
        ],
    ),
    _bucket("policy", "policy", ("policy",), lambda values: values.get("policy")),
    _bucket("lifecycle_configuration", "lifecycle_rule", ("rule",), _lifecycle),
    Split(
        type="azurerm_storage_account_network_rules",
        owner="azurerm_storage_account",
        link=("storage_account_id",),
        keys=(("id",),),
        attribute="network_rules",
        reads=_RULES,
        form=lambda values: [_only(*_RULES)(values)],
    ),
    Split(
        type="azurerm_storage_account_customer_managed_key",
        owner="azurerm_storage_account",
        link=("storage_account_id",),
        keys=(("id",),),
        attribute="customer_managed_key",
        reads=_KEY,
        form=lambda values: [_only(*_KEY)(values)],
    ),
    Split(
        type="azurerm_network_security_rule",
        owner="azurerm_network_security_group",
        link=("network_security_group_name", "resource_group_name"),
        keys=(("name", "resource_group_name"),),
        attribute="security_rule",
        reads=_SECURITY,
        form=_only(*_SECURITY),
        many=True,
    ),
    Split(
        type="azurerm_key_vault_access_policy",
        owner="azurerm_key_vault",
        link=("key_vault_id",),
        keys=(("id",),),
        attribute="access_policy",
        reads=_ACCESS,
        form=_only(*_ACCESS),
        many=True,
    ),
)
