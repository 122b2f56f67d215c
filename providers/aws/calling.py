"""On whose behalf a call is made: its keys, its budget and its deadline travel with it, not with the client.

A client is shared by all accounts (:mod:`providers.aws.clients`), so nothing of an account may be held by it. What belongs to the
call is in its context, from which the client's hooks take it at the moment they need it: the signer the keys, the sender the
budget. A page, an attempt or a refresh runs in the context of the call it belongs to. Outside of any call there are no keys:
nothing is signed by default. Last, each request is looked at as it leaves: one that carries another key than its call was
given (a cache of botocore's that we do not know of) is not sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

from botocore.credentials import Credentials, ReadOnlyCredentials

from providers.aws.errors import is_throttling
from providers.budget import CallBudget
from providers.errors import Refused, TimedOut


@dataclass(slots=True)
class Call:
    """One call under way: a request, its attempts, or one page of a listing."""

    account: str
    """For messages; empty is the account of our own credentials."""
    credentials: Credentials
    budget: CallBudget
    deadline: float | None
    """A reading of the monotonic clock."""
    access_key: str | None = None
    """The key the last request was given to be signed with."""


_CALL: Final[ContextVar[Call | None]] = ContextVar("aws_call", default=None)


@contextmanager
def on_behalf_of(call: Call) -> Iterator[None]:
    """Make every request inside this one's, in this thread."""
    token = _CALL.set(call)
    try:
        yield
    finally:
        _CALL.reset(token)


def _current() -> Call:
    call = _CALL.get()
    if call is None:
        raise Refused("A request outside of any call has no account to be signed for.", code="NoCall")
    return call


class CallerCredentials(Credentials):  # type: ignore[misc]
    """What a shared client takes for its credentials: those of the call that is being signed.

    Raises Refused outside of a call.
    """

    method = "watchstander-call"

    def __init__(self) -> None:
        """There is nothing to keep."""

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """The keys of the call, refreshed where that is due; the call remembers which it was given."""
        call = _current()
        frozen = call.credentials.get_frozen_credentials()
        call.access_key = frozen.access_key
        return frozen

    @property
    def account_id(self) -> str | None:
        """The account that the credentials name themselves, which some services' host names are made of."""
        own: str | None = _current().credentials.account_id
        return own


class Watch:
    """The hooks of a client that act for the call under way."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic

    def before_send(self, request: Any, **_: Any) -> None:
        """Refuse what is not signed with the call's own key, keep the deadline, ask the budget."""
        call = _current()
        signature = request.headers.get("Authorization", "")
        text = signature.decode("latin-1") if isinstance(signature, bytes) else signature
        if call.access_key is None or f"Credential={call.access_key}/" not in text:
            raise Refused(
                f"A call for {call.account or 'our own account'} carried another key than its own; it was not sent.",
                code="WrongKey",
            )
        if call.deadline is not None and self._monotonic() > call.deadline:
            raise TimedOut("The deadline of the scope has passed.", code="ScopeDeadline")
        call.budget.acquire(call.deadline)

    def received(self, parsed_response: Mapping[str, Any] | None = None, **_: Any) -> None:
        """Tell the budget when a service says that we call too often."""
        if parsed_response and "Error" in parsed_response:
            status = parsed_response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            if is_throttling(str(parsed_response["Error"].get("Code", "")), status):
                _current().budget.throttled()
