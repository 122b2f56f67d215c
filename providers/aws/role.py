"""The least role for AWS: an IAM policy from the types that are read and the actions there are."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from config.clouds import AwsSettings
from providers.aws.actions import effects
from providers.aws.catalog import ResourceType, catalog
from providers.aws.organization import operations
from providers.aws.permissions import permission_of, policy
from providers.aws.sqs import queue_arn
from providers.hcl import Block, Call, render
from providers.roles import Role, chosen_kinds

LIMIT: Final = 6144
"""Characters, without white space, that IAM takes in a managed policy."""
_CLOUD_CONTROL: Final = frozenset(
    {"cloudformation:GetResource", "cloudformation:ListResources", "cloudformation:ListTypes"}
)
_AGGREGATOR: Final = frozenset(
    {"config:SelectAggregateResourceConfig", "config:DescribeConfigurationAggregatorSourcesStatus"}
)
_ALWAYS: Final = ("ec2:DescribeRegions",)


def read_types(settings: AwsSettings) -> dict[str, ResourceType]:
    """The declared types that a configuration reads, by name."""
    if "describe" not in settings.sources:
        return {}
    return {
        name: declared
        for name, declared in catalog().items()
        if matches(name, settings.types, empty=True)
        and not matches(name, settings.exclude_types, empty=False)
    }


def matches(name: str, patterns: Collection[str], *, empty: bool) -> bool:
    """Whether a type is named by one of the patterns (a trailing ``*`` is a prefix); ``empty`` where there are none."""
    if not patterns:
        return empty
    return any(name.startswith(p[:-1]) if p.endswith("*") else name == p for p in patterns)


def document(settings: AwsSettings, *, contain: bool, kinds: Collection[str] = ()) -> dict[str, Any]:
    """The IAM policy document. Raises UsageError for an unknown action."""
    if contain:
        chosen = chosen_kinds(effects(), kinds)
        wanted = (p for kind in chosen for p in effects()[kind].kind.permissions)
        return policy([("WatchstanderContain", wanted, "*")])
    accounts, queue, partition = settings.accounts, settings.events.queue_url, settings.partition
    read = {p for declared in read_types(settings).values() for p in declared.permissions()} | {*_ALWAYS}
    if settings.past.back:
        read.add("config:GetResourceConfigHistory")
    if settings.who.enabled:
        read.add("cloudtrail:LookupEvents")
    if "cloudcontrol" in settings.sources:
        read |= _CLOUD_CONTROL
    if "config" in settings.sources:
        read |= _AGGREGATOR
    names = sorted({name for name in (accounts.role, accounts.contain_role) if name is not None})
    roles = [f"arn:{partition}:iam::*:role/{name}" for name in names]
    enter = ("sts:AssumeRole", *(("sts:TagSession",) if accounts.session_tags else ()))
    return policy(
        [
            ("WatchstanderRead", read, "*"),
            (
                "WatchstanderDiscover",
                tuple(permission_of("organizations", name) for name in operations(settings)),
                "*",
            ),
            ("WatchstanderEnterAccounts", enter if roles else (), roles),
            (
                "WatchstanderEvents",
                ("sqs:ReceiveMessage", "sqs:DeleteMessage") if queue else (),
                queue_arn(queue, partition) if queue else "*",
            ),
        ]
    )


def role(settings: AwsSettings, *, contain: bool, kinds: Collection[str] = ()) -> Role:
    """The same with its parts and its Terraform form."""
    whole = document(settings, contain=contain, kinds=kinds)
    parts = tuple(split(whole))
    title = "WatchstanderContain" if contain else "WatchstanderRead"
    notes = []
    if len(parts) > 1:
        notes.append(
            f"IAM takes {LIMIT} characters in a policy, so this is {len(parts)} policies for one role: attach them all."
        )
    if not contain and "cloudcontrol" in settings.sources:
        notes.append(
            "Cloud Control reads with the role's own permissions: for `cloudcontrol_types` it needs what their handlers"
            " call, which AWS's managed policy ReadOnlyAccess or SecurityAudit gives."
        )
    if not contain and settings.accounts.role:
        notes.append(
            f"Accounts are entered by assuming {settings.accounts.role}: this policy belongs to that role in each of"
            " them too."
        )
    return Role(
        cloud="aws",
        title=title,
        permissions=tuple(sorted({p for s in whole["Statement"] for p in s["Action"]})),
        documents=parts,
        terraform=render([terraform_block(part, title, n, len(parts)) for n, part in enumerate(parts, 1)]),
        apply=f"aws iam create-policy --policy-name {title}{'-N' if len(parts) > 1 else ''}"
        " --policy-document file://FILE",
        notes=tuple(notes),
    )


def terraform_block(part: Mapping[str, Any], title: str, number: int, count: int) -> Block:
    """One part as a Terraform resource, numbered where there are several."""
    suffix = f"_{number}" if count > 1 else ""
    what = "contain" if title.endswith("Contain") else "read"
    return Block(
        "resource",
        ("aws_iam_policy", f"watchstander_{what}{suffix}"),
        {
            "name": title + suffix.replace("_", "-"),
            "description": f"The least that Watchstander needs to {what}.",
            "policy": Call("jsonencode", part),
        },
    )


def size(part: Mapping[str, Any]) -> int:
    """The characters IAM counts."""
    return len("".join(json.dumps(part, separators=(",", ":")).split()))


def split(whole: Mapping[str, Any], limit: int = LIMIT) -> Iterator[dict[str, Any]]:
    """A policy as policies of at most ``limit`` characters that together allow the same."""
    statements: list[dict[str, Any]] = []
    for statement in whole["Statement"]:
        for action in statement["Action"]:
            last = statements[-1] if statements else None
            if (
                last is not None
                and last["Resource"] == statement["Resource"]
                and last["Sid"] == statement["Sid"]
            ):
                grown = [*statements[:-1], {**last, "Action": [*last["Action"], action]}]
            else:
                grown = [*statements, {**statement, "Action": [action]}]
            if size({**whole, "Statement": grown}) > limit and statements:
                yield {**whole, "Statement": statements}
                grown = [{**statement, "Action": [action]}]
            statements = grown
    yield {**whole, "Statement": statements}
