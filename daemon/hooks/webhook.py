"""Tell another system over HTTPS, with a signature it can check.

The body is one JSON document. The header ``X-Watchstander-Signature: t=<unix seconds>,v1=<hex>`` carries HMAC-SHA256 over
``<t>.<body>`` under the shared secret; a receiver recomputes it, compares in constant time, and refuses old times.
``Idempotency-Key`` is the same for every try of one occurrence, so that a receiver can drop what it has seen.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import httpx
import orjson
from pydantic import AfterValidator, Field

from config.fields import Duration, Model, Secret, parse_duration
from daemon.errors import HookFailed, Transient
from daemon.hooks.hook import Hook, Outcome, Proposal, Trigger, Verification
from providers.normalise import timestamp

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def _https(value: str) -> str:
    url = httpx.URL(value)
    if url.userinfo:
        raise ValueError("the address must not carry credentials; use `secret` and `headers`")
    if url.scheme == "https" or (url.scheme == "http" and url.host in LOOPBACK):
        return value
    raise ValueError("a webhook needs an https:// address (http:// only to this machine)")


class WebhookOptions(Model):
    """Where to, and how it is signed."""

    url: Annotated[str, AfterValidator(_https)]
    """The receiver's address; https, or http to this machine."""
    secret: Secret
    """The shared secret of the signature, as a reference."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Further headers."""
    timeout: Duration = parse_duration("10s")
    """The longest wait for an answer."""


class Webhook(Hook):
    """POST the trigger to an address."""

    name: ClassVar[str] = "webhook"
    title: ClassVar[str] = "Tell another system over HTTPS"
    changes_cloud: ClassVar[bool] = False
    undoable: ClassVar[bool] = False
    example: ClassVar[str] = """\
containment:
  hooks:
    tell-soar:
      use: webhook
      mode: auto
      when: ["preparation.*"]
      options:
        url: https://soar.example.com/hooks/watchstander
        secret: file:/run/credentials/watchstander.service/soar-secret
"""
    Options = WebhookOptions
    options: WebhookOptions

    def propose(self, trigger: Trigger) -> Proposal:
        """The document that would be sent."""
        return Proposal(
            hook=self.name,
            target=str(httpx.URL(self.options.url).copy_with(query=None)),
            summary=f"send {trigger.title!r} to {httpx.URL(self.options.url).host}",
            body={"document": {"version": 1, "trigger": trigger.to_json()}},
            state={},
        )

    def act(self, proposal: Proposal, key: str) -> Outcome:
        """Send it once. Raises Transient where another try may help."""
        body = orjson.dumps(proposal.body["document"], option=orjson.OPT_SORT_KEYS)
        now = self.toolbox.clock()
        try:
            answer = self.toolbox.http().post(
                self.options.url,
                content=body,
                headers={
                    **self.options.headers,
                    "Content-Type": "application/json",
                    "User-Agent": "watchstander",
                    "Idempotency-Key": key,
                    "X-Watchstander-Signature": signature(
                        self.toolbox.secret(self.options.secret), int(now.timestamp()), body
                    ),
                },
                timeout=self.options.timeout.total_seconds(),
                follow_redirects=False,
            )
        except httpx.TransportError as error:
            raise Transient(
                f"{proposal.target} did not answer: {str(error) or type(error).__name__}."
            ) from error
        if answer.status_code in (408, 425, 429) or answer.status_code >= 500:
            raise Transient(f"{proposal.target} answered {answer.status_code}.")
        if not answer.is_success:
            raise HookFailed(
                f"{proposal.target} answered {answer.status_code}; it will not be tried again.",
                hint="Check the address and the receiver's own log.",
            )
        return Outcome(
            changed=True,
            summary=f"sent to {httpx.URL(self.options.url).host}, answered {answer.status_code}",
            before={},
            after={"status": answer.status_code, "at": timestamp(now)},
        )

    def verify(self, proposal: Proposal, outcome: Outcome) -> Verification:
        """The receiver's 2xx is all that can be known."""
        after: Mapping[str, Any] = outcome.after
        return Verification(ok=True, detail=f"the receiver answered {after['status']}")


def signature(secret: str, at: int, body: bytes) -> str:
    """The signature header for ``body`` sent at ``at`` (unix seconds)."""
    code = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={code}"
