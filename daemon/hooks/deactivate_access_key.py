"""Deactivate an exposed AWS access key.

The key stays in place, switched off: what it was used for can be switched on again with ``watchstander undo``. The
trigger must name the key (a GuardDuty IAMUser finding does, and so does a policy's finding on an access key).
"""

from __future__ import annotations

from typing import Any, ClassVar

from config.fields import Model
from daemon.errors import NotForThisHook
from daemon.hooks.hook import Hook, Outcome, Proposal, Trigger, Verification
from providers.errors import Conflict
from providers.provider import Action, Receipt
from providers.resource import ResourceRef

KIND = "aws.deactivate_access_key"
TYPE = "aws.iam_access_key"
WANTED = "Inactive"


class DeactivateAccessKeyOptions(Model):
    """None: the key, its user and its account come from the trigger."""


class DeactivateAccessKey(Hook):
    """Set an IAM user's access key to Inactive."""

    name: ClassVar[str] = "deactivate_access_key"
    title: ClassVar[str] = "Deactivate an exposed AWS access key"
    changes_cloud: ClassVar[bool] = True
    undoable: ClassVar[bool] = True
    actions: ClassVar[tuple[str, ...]] = (KIND,)
    permissions: ClassVar[tuple[str, ...]] = ("iam:ListAccessKeys", "iam:UpdateAccessKey")
    policy: ClassVar[str | None] = "containment.aws.allow_credential_revocation"
    example: ClassVar[str] = """\
containment:
  hooks:
    leaked-key:
      use: deactivate_access_key
      mode: auto
      when: ["event:CredentialAccess:IAMUser/AnomalousBehavior"]
      policy: containment.aws.allow_credential_revocation
      exceptions: [break-glass-admin]
"""
    Options = DeactivateAccessKeyOptions

    def propose(self, trigger: Trigger) -> Proposal:
        """Find the key the trigger names and read its status."""
        ref = next((ref for ref in trigger.refs if ref.type == TYPE), None)
        if ref is None:
            raise NotForThisHook(
                f"{trigger.title} names no access key of an IAM user.",
                hint="Temporary credentials of a role cannot be deactivated; revoke the role's sessions instead.",
            )
        action = Action(kind=KIND, target=ref)
        state = self.toolbox.providers["aws"].observe(action)
        user, key = state.get("user_name", "?"), state.get("access_key_id", ref.uid)
        return Proposal(
            hook=self.name,
            target=ref.uid,
            summary=f"deactivate access key {key} of user {user} in {ref.account}",
            body={"kind": KIND, "ref": _ref(ref)},
            state=dict(state),
            needed=state.get("status") != WANTED,
        )

    def act(self, proposal: Proposal, key: str) -> Outcome:
        """Deactivate it, if it is still as proposed."""
        provider = self.toolbox.providers["aws"]
        action = _action(proposal)
        fresh = dict(provider.observe(action))
        if fresh.get("status") == WANTED:
            return Outcome(
                changed=False,
                summary="the key was already inactive when we came to act",
                before=proposal.state,
                after=fresh,
            )
        if fresh != proposal.state:
            raise Conflict(
                f"{proposal.target} is no longer as it was when this was decided: it was {dict(proposal.state)}, it is {fresh}.",
                hint="Nothing was changed; the next finding will be decided anew.",
            )
        receipt = provider.act(action)
        return Outcome(
            changed=receipt.changed,
            summary=proposal.summary.replace("deactivate ", "deactivated ", 1),
            before=dict(receipt.before),
            after=dict(receipt.after),
            receipt={"request_id": receipt.request_id},
        )

    def verify(self, proposal: Proposal, outcome: Outcome) -> Verification:
        """Read the status again."""
        state = self.toolbox.providers["aws"].observe(_action(proposal))
        status = state.get("status")
        return Verification(ok=status == WANTED, detail=f"the key's status is {status}")

    def undo(self, proposal: Proposal, outcome: Outcome) -> Outcome:
        """Activate it again."""
        receipt = Receipt(
            action=_action(proposal),
            changed=outcome.changed,
            before=outcome.before,
            after=outcome.after,
            request_id=None,
        )
        back = self.toolbox.providers["aws"].undo(receipt)
        return Outcome(
            changed=back.changed,
            summary=proposal.summary.replace("deactivate ", "activated again ", 1),
            before=dict(back.before),
            after=dict(back.after),
            receipt={"request_id": back.request_id},
        )


def _ref(ref: ResourceRef) -> dict[str, str]:
    return {
        "provider": ref.provider,
        "account": ref.account,
        "region": ref.region,
        "type": ref.type,
        "uid": ref.uid,
    }


def _action(proposal: Proposal) -> Action:
    body: Any = proposal.body
    return Action(kind=body["kind"], target=ResourceRef(**body["ref"]))
