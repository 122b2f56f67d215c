"""Actions: what can be changed, each with its permissions, its pre-image and its undo.

An effect says how to read the part of the target's state it changes, what that part should become, and how to write it.
The guards stand here once: read afresh, do nothing if it is so already, and undo only what is still as we left it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from providers.aws.catalog import catalog
from providers.aws.session import Place, Sessions
from providers.errors import Conflict, Gone, ProviderError, Refused
from providers.provider import Action, ActionKind, Receipt

State = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Effect:
    """How one kind of action reads and writes its target."""

    kind: ActionKind
    observe: Callable[[Sessions, Action], State]
    """The state it would change, read afresh. Raises Gone or another ProviderError."""
    wanted: Callable[[Action], State]
    """The part of the state that the action makes so. Raises Refused for a missing parameter."""
    write: Callable[[Sessions, Action, State], str | None]
    """Make the state so; returns the request id."""


def effect_of(action: Action) -> Effect:
    """The declared effect of an action. Raises Refused for an unknown kind or a target of another type."""
    effect = effects().get(action.kind)
    if effect is None:
        raise Refused(
            f"{action.kind} is not an action on AWS.", hint=f"There are: {', '.join(sorted(effects()))}."
        )
    if action.target.type not in effect.kind.target_types:
        wanted = ", ".join(sorted(effect.kind.target_types))
        raise Refused(f"{action.kind} acts on {wanted}, not on {action.target.type}.")
    missing = effect.kind.parameters.keys() - action.parameters.keys()
    if missing:
        raise Refused(f"{action.kind} needs {', '.join(sorted(missing))}.")
    return effect


def observe(sessions: Sessions, action: Action) -> State:
    """The state the action would change, read afresh."""
    return effect_of(action).observe(sessions, action)


def act(sessions: Sessions, action: Action) -> Receipt:
    """Make the change, unless it is already so."""
    effect = effect_of(action)
    before = effect.observe(sessions, action)
    wanted = effect.wanted(action)
    after = before | wanted
    if after == before:
        return Receipt(action=action, changed=False, before=before, after=before)
    request = effect.write(sessions, action, after)
    return Receipt(action=action, changed=True, before=before, after=after, request_id=request)


def undo(sessions: Sessions, receipt: Receipt) -> Receipt:
    """Restore the pre-image, if the target is still as the receipt left it."""
    action = receipt.action
    effect = effect_of(action)
    now = effect.observe(sessions, action)
    before = dict(receipt.before)
    if not receipt.changed or now == before:
        return Receipt(action=action, changed=False, before=now, after=now)
    if now != dict(receipt.after):
        raise Conflict(
            f"{action.target.uid} is no longer as the action left it, so it is not restored.",
            hint=f"It was left as {dict(receipt.after)} and is {now}; decide by hand.",
        )
    request = effect.write(sessions, action, before)
    return Receipt(action=action, changed=True, before=now, after=before, request_id=request)


# Access keys


def _key(action: Action) -> tuple[str, str]:
    parts = catalog()["aws.iam_access_key"].parse_arn(action.target.uid)
    if parts is None:
        raise Refused(f"{action.target.uid} does not name an access key and its user.")
    return parts["UserName"], parts["AccessKeyId"]


def _place(sessions: Sessions, action: Action) -> Place:
    region = action.target.region
    return Place(action.target.account, sessions.home_region if region == "global" else region, contain=True)


def _observe_key(sessions: Sessions, action: Action) -> State:
    user, key = _key(action)
    try:
        for page in sessions.pages(_place(sessions, action), "iam", "ListAccessKeys", {"UserName": user}):
            for found in page.get("AccessKeyMetadata", ()):
                if found["AccessKeyId"] == key:
                    return {"user_name": user, "access_key_id": key, "status": str(found["Status"])}
    except ProviderError as error:
        if error.code == "NoSuchEntity":
            raise Gone(f"The user {user} of access key {key} does not exist.", code=error.code) from error
        raise
    raise Gone(f"User {user} has no access key {key}.", code="NotListed")


def _write_key(sessions: Sessions, action: Action, state: State) -> str | None:
    user, key = _key(action)
    answer = sessions.call(
        _place(sessions, action),
        "iam",
        "UpdateAccessKey",
        {"UserName": user, "AccessKeyId": key, "Status": state["status"]},
    )
    return _request_id(answer)


# Buckets

_BLOCKS: Final = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")


def _bucket(action: Action) -> str:
    parts = catalog()["aws.s3_bucket"].parse_arn(action.target.uid)
    if parts is None:
        raise Refused(f"{action.target.uid} is not the ARN of a bucket.")
    return parts["Name"]


def _observe_block(sessions: Sessions, action: Action) -> State:
    bucket = _bucket(action)
    try:
        answer = sessions.call(_place(sessions, action), "s3", "GetPublicAccessBlock", {"Bucket": bucket})
    except ProviderError as error:
        if error.code == "NoSuchPublicAccessBlockConfiguration":
            return {"bucket": bucket, "block": None}
        if error.code == "NoSuchBucket":
            raise Gone(f"The bucket {bucket} does not exist.", code=error.code) from error
        raise
    block = answer["PublicAccessBlockConfiguration"]
    return {"bucket": bucket, "block": {name: bool(block.get(name)) for name in _BLOCKS}}


def _write_block(sessions: Sessions, action: Action, state: State) -> str | None:
    place, bucket = _place(sessions, action), _bucket(action)
    if state["block"] is None:
        answer = sessions.call(place, "s3", "DeletePublicAccessBlock", {"Bucket": bucket})
    else:
        answer = sessions.call(
            place,
            "s3",
            "PutPublicAccessBlock",
            {"Bucket": bucket, "PublicAccessBlockConfiguration": state["block"]},
        )
    return _request_id(answer)


# Instances


def _instance(action: Action) -> str:
    parts = catalog()["aws.ec2_instance"].parse_arn(action.target.uid)
    if parts is None:
        raise Refused(f"{action.target.uid} is not the ARN of an instance.")
    return parts["InstanceId"]


def _observe_groups(sessions: Sessions, action: Action) -> State:
    instance = _instance(action)
    try:
        answer = sessions.call(
            _place(sessions, action),
            "ec2",
            "DescribeInstanceAttribute",
            {"InstanceId": instance, "Attribute": "groupSet"},
        )
    except ProviderError as error:
        if error.code == "InvalidInstanceID.NotFound":
            raise Gone(f"The instance {instance} does not exist.", code=error.code) from error
        raise
    return {"instance": instance, "groups": sorted(group["GroupId"] for group in answer.get("Groups", ()))}


def _write_groups(sessions: Sessions, action: Action, state: State) -> str | None:
    answer = sessions.call(
        _place(sessions, action),
        "ec2",
        "ModifyInstanceAttribute",
        {"InstanceId": _instance(action), "Groups": state["groups"]},
    )
    return _request_id(answer)


def _request_id(answer: Mapping[str, Any]) -> str | None:
    found = answer.get("_request_id")
    return str(found) if found else None


@cache
def effects() -> Mapping[str, Effect]:
    """Every action there is, by its kind."""
    declared = (
        Effect(
            ActionKind(
                kind="aws.deactivate_access_key",
                title="Deactivate an IAM user's access key",
                target_types=frozenset({"aws.iam_access_key"}),
                permissions=("iam:ListAccessKeys", "iam:UpdateAccessKey"),
            ),
            _observe_key,
            lambda _: {"status": "Inactive"},
            _write_key,
        ),
        Effect(
            ActionKind(
                kind="aws.block_public_access",
                title="Block all public access to an S3 bucket",
                target_types=frozenset({"aws.s3_bucket"}),
                permissions=("s3:GetBucketPublicAccessBlock", "s3:PutBucketPublicAccessBlock"),
            ),
            _observe_block,
            lambda _: {"block": dict.fromkeys(_BLOCKS, True)},
            _write_block,
        ),
        Effect(
            ActionKind(
                kind="aws.isolate_instance",
                title="Replace an EC2 instance's security groups by an isolating one",
                target_types=frozenset({"aws.ec2_instance"}),
                permissions=("ec2:DescribeInstanceAttribute", "ec2:ModifyInstanceAttribute"),
                parameters={
                    "security_group": "the id of the isolating security group, in the instance's VPC"
                },
            ),
            _observe_groups,
            lambda action: {"groups": [str(action.parameters["security_group"])]},
            _write_groups,
        ),
    )
    return {effect.kind.kind: effect for effect in declared}
