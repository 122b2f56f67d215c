"""The hooks that reach outside: a signed webhook and a program. A real receiver, real processes."""

from __future__ import annotations

import hashlib
import hmac
import os
import select
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from pydantic import ValidationError

from daemon.errors import HookFailed, Transient
from daemon.hooks.command import Command, CommandOptions
from daemon.hooks.hook import Proposal, Toolbox, Trigger
from daemon.hooks.webhook import Webhook, WebhookOptions
from providers.provider import Severity
from providers.resource import ResourceRef

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TRIGGER = Trigger(
    id="event:1",
    kind="event",
    name="CredentialAccess:IAMUser/AnomalousBehavior",
    title="A key is used strangely",
    severity=Severity.HIGH,
    provider="aws",
    account="111111111111",
    region="eu-west-1",
    occurred_at=NOW,
    refs=(
        ResourceRef(
            provider="aws", account="111111111111", region="global", type="aws.iam_access_key", uid="arn:x"
        ),
    ),
    facts={"user_name": "ci; rm -rf /"},
)


@dataclass
class Receiver:
    url: str = ""
    status: list[int] = field(default_factory=list)
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    state = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.requests.append((dict(self.headers), body))
            self.send_response(state.status.pop(0) if state.status else 204)
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}/hook?token=1"
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def toolbox() -> Iterator[Toolbox]:
    with httpx.Client() as client:
        yield Toolbox(
            providers={},
            clock=lambda: NOW,
            secret=lambda ref: "s3cret" if ref.location == "K" else "",
            http=lambda: client,
        )


def webhook(receiver: Receiver, toolbox: Toolbox) -> Webhook:
    return Webhook(WebhookOptions.model_validate({"url": receiver.url, "secret": "env:K"}), toolbox)


def test_webhook_is_signed_over_time_and_body(receiver: Receiver, toolbox: Toolbox) -> None:
    hook = webhook(receiver, toolbox)
    proposal = hook.propose(TRIGGER)
    outcome = hook.act(proposal, "key-1")
    headers, body = receiver.requests[0]
    expected = hmac.new(b"s3cret", f"{int(NOW.timestamp())}.".encode() + body, hashlib.sha256).hexdigest()
    assert headers["X-Watchstander-Signature"] == f"t={int(NOW.timestamp())},v1={expected}"
    assert headers["Idempotency-Key"] == "key-1"
    assert Trigger.from_json(orjson.loads(body)["trigger"]) == TRIGGER
    assert outcome.after["status"] == 204
    assert hook.verify(proposal, outcome).ok
    assert "token" not in proposal.target


@pytest.mark.parametrize("status", [500, 503, 429, 408])
def test_webhook_says_when_another_try_may_help(receiver: Receiver, toolbox: Toolbox, status: int) -> None:
    receiver.status = [status]
    hook = webhook(receiver, toolbox)
    with pytest.raises(Transient, match=str(status)):
        hook.act(hook.propose(TRIGGER), "k")


@pytest.mark.parametrize("status", [302, 400, 401, 404])
def test_webhook_gives_up_on_a_refusal_and_follows_no_redirect(
    receiver: Receiver, toolbox: Toolbox, status: int
) -> None:
    receiver.status = [status]
    hook = webhook(receiver, toolbox)
    with pytest.raises(HookFailed, match=str(status)) as caught:
        hook.act(hook.propose(TRIGGER), "k")
    assert not isinstance(caught.value, Transient)
    assert len(receiver.requests) == 1


def test_webhook_to_nobody_is_transient(toolbox: Toolbox) -> None:
    hook = Webhook(WebhookOptions.model_validate({"url": "http://127.0.0.1:9/x", "secret": "env:K"}), toolbox)
    with pytest.raises(Transient, match=r"127\.0\.0\.1"):
        hook.act(hook.propose(TRIGGER), "k")


@pytest.mark.parametrize(
    "url", ["http://example.com/x", "ftp://example.com", "https://user:pw@example.com/", "nonsense"]
)
def test_webhook_address_must_be_safe(url: str) -> None:
    with pytest.raises(ValidationError):
        WebhookOptions.model_validate({"url": url, "secret": "env:K"})


def command(toolbox: Toolbox, *argv: str, **options: Any) -> tuple[Command, Proposal]:
    hook = Command(CommandOptions.model_validate({"argv": argv, **options}), toolbox)
    return hook, hook.propose(TRIGGER)


def test_command_gets_json_on_standard_input_and_no_shell(toolbox: Toolbox) -> None:
    code = "import sys,json,os; d=json.load(sys.stdin); print(d['trigger']['facts']['user_name'], os.environ['WATCHSTANDER_IDEMPOTENCY_KEY'], sys.argv[1])"
    hook, proposal = command(toolbox, sys.executable, "-c", code, "$HOME;`id`")
    outcome = hook.act(proposal, "key-7")
    assert outcome.after["output"].strip() == "ci; rm -rf / key-7 $HOME;`id`"
    assert hook.verify(proposal, outcome).ok


def test_command_does_not_inherit_our_environment(toolbox: Toolbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "do-not-leak")
    hook, proposal = command(
        toolbox, sys.executable, "-c", "import os; print(sorted(os.environ))", environment={"MINE": "1"}
    )
    output = hook.act(proposal, "k").after["output"]
    assert "AWS_SECRET_ACCESS_KEY" not in output
    assert "MINE" in output


def test_command_that_fails_says_how(toolbox: Toolbox) -> None:
    hook, proposal = command(toolbox, sys.executable, "-c", "print('no pager'); raise SystemExit(3)")
    with pytest.raises(HookFailed, match=r"exited with 3: no pager"):
        hook.act(proposal, "k")


def test_command_that_does_not_exist_says_so(toolbox: Toolbox) -> None:
    hook, proposal = command(toolbox, "/nonexistent/pager")
    with pytest.raises(HookFailed, match=r"/nonexistent/pager could not be started"):
        hook.act(proposal, "k")


def test_command_over_its_time_is_ended_with_its_children(toolbox: Toolbox, tmp_path: Path) -> None:
    held = tmp_path / "held"
    os.mkfifo(held)
    hook, proposal = command(
        toolbox, "/bin/sh", "-c", f"exec 9>'{held}'; sleep 600 & sleep 600", timeout="1s"
    )
    reader = os.open(held, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with pytest.raises(HookFailed, match="longer than 1 s"):
            hook.act(proposal, "k")
        try:
            assert os.read(reader, 1) == b"", "nobody holds it any more"
        except BlockingIOError:
            assert select.select([reader], [], [], 30)[0], "the child of the program still runs"
    finally:
        os.close(reader)


def test_a_lot_of_output_is_cut_not_kept_in_memory(toolbox: Toolbox) -> None:
    hook, proposal = command(toolbox, sys.executable, "-c", "import sys; sys.stdout.write('x'*10_000_000)")
    assert len(hook.act(proposal, "k").after["output"]) == 64 * 1024


def test_a_trigger_survives_its_json() -> None:
    assert Trigger.from_json(orjson.loads(orjson.dumps(TRIGGER.to_json()))) == TRIGGER
