"""A policy's finding reaches a hook: a real receiver and a real program; baselines, our own changes, and pauses reach none."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pytest

from config.secrets import Secrets
from config.settings import Mode
from daemon.hooks.hook import Trigger
from providers.memory.provider import MemoryProvider
from providers.memory.queue import message
from providers.provider import Action, Event, EventKind, Receipt, Selection
from providers.resource import ResourceRef, Scope
from storage.actions import ActionRecord, ActionStatus
from storage.history import History

SCOPE = Scope("memory", "100000000000", "north-1", "memory.bucket")


@dataclass
class Receiver:
    url: str = ""
    answers: list[int] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    state = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            state.bodies.append(orjson.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            state.keys.append(self.headers["Idempotency-Key"])
            self.send_response(state.answers.pop(0) if state.answers else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    state.url = f"http://127.0.0.1:{server.server_port}/"
    yield state
    server.shutdown()
    server.server_close()


@pytest.fixture
def watched(post: Any, receiver: Receiver) -> Any:
    """The post with a webhook and a program on every finding of the policy."""
    program = "import json,sys; open(sys.argv[1],'a').write(json.load(sys.stdin)['trigger']['name']+'\\n')"
    post.more = {
        "containment": {
            "hooks": {
                "tell": {
                    "use": "webhook",
                    "mode": "auto",
                    "when": ["test.*"],
                    "options": {"url": receiver.url, "secret": "env:WEBHOOK"},
                },
                "page": {
                    "use": "command",
                    "mode": "auto",
                    "when": ["test.bucket_*"],
                    "options": {"argv": [sys.executable, "-c", program, str(post.folder / "paged")]},
                },
            }
        }
    }
    post.watch.secrets = Secrets({"WEBHOOK": "s3cret"})
    post.watch.reconfigure(post.settings())
    return post


def paged(post: Any) -> list[str]:
    file = post.folder / "paged"
    return file.read_text().splitlines() if file.exists() else []


def test_a_baseline_asks_nobody_and_a_drift_asks_each_hook_once(watched: Any, receiver: Receiver) -> None:
    """Flowpipe: every row was "new" and alerted on the first run."""
    watched.estate.add(SCOPE, "old", {"Encrypted": False})
    report = watched.cycle()
    assert report.opened == 1
    assert receiver.bodies == []

    new = watched.estate.add(SCOPE, "new", {"Encrypted": False})
    receiver.answers = [503]
    report = watched.cycle()
    assert report.responses == {"asked": 2}
    assert [Trigger.from_json(body["trigger"]).refs[0].uid for body in receiver.bodies] == [new.uid, new.uid]
    assert len(set(receiver.keys)) == 1, "the second try has the same key"
    assert paged(watched) == ["test.bucket_encrypted"]
    assert {r.status for r in watched.watch.actions.last()} == {ActionStatus.DONE}

    assert watched.cycle().responses == {}
    assert len(receiver.bodies) == 2
    assert len(paged(watched)) == 1


def test_a_finding_opened_before_the_process_died_is_still_told(watched: Any, receiver: Receiver) -> None:
    watched.cycle()
    watched.estate.add(SCOPE, "new", {"Encrypted": False})
    watched.clock.move(minutes=15)
    watched.watch.cycle(Selection(), kind="scan", act=False)
    assert receiver.bodies == []
    watched.cycle()
    assert len(receiver.bodies) == 1


def change_event(uid: str, at: datetime, actor: str, request_id: str = "") -> Event:
    ref = ResourceRef(provider="memory", account=SCOPE.account, region=SCOPE.region, type=SCOPE.type, uid=uid)
    return Event(
        id=f"change-{uid}-{at.isoformat()}",
        kind=EventKind.CHANGE,
        provider="memory",
        type="SetField",
        title="a field was set",
        account=SCOPE.account,
        region=SCOPE.region,
        occurred_at=at,
        actor=actor,
        refs=(ref,),
        detail={"request_id": request_id},
    )


def test_an_event_is_judged_at_once_and_knows_who_did_it(watched: Any, receiver: Receiver) -> None:
    bucket = watched.estate.add(SCOPE, "b", {})
    watched.cycle()
    watched.estate.change(bucket.uid, {"Encrypted": False})
    cloud = watched.watch._crew.providers["memory"]
    assert isinstance(cloud, MemoryProvider)
    watched.clock.move(seconds=5)
    cloud.queue.put(message(change_event(bucket.uid, watched.clock(), "mallory")))
    assert watched.watch.intake().poll(cloud.queue, 0) == 1
    (finding,) = watched.findings()
    assert finding.opened_at == watched.clock()
    assert len(receiver.bodies) == 1
    assert History(watched.watch.database).timeline(bucket.uid)[-1].actor == "mallory"


def test_a_deletion_told_by_an_event_is_proved_by_a_read(watched: Any) -> None:
    bucket = watched.estate.add(SCOPE, "b", {"Encrypted": False})
    watched.cycle()
    cloud = watched.watch._crew.providers["memory"]
    cloud.queue.put(message(change_event(bucket.uid, watched.clock(), "alice")))
    watched.watch.intake().poll(cloud.queue, 0)
    assert len(watched.findings()) == 1, "it is still there, whatever the event may have meant"
    watched.estate.delete(bucket.uid)
    watched.clock.move(seconds=5)
    cloud.queue.put(message(change_event(bucket.uid, watched.clock(), "alice")))
    watched.watch.intake().poll(cloud.queue, 0)
    assert watched.findings() == []


def test_our_own_change_asks_no_hook(watched: Any, receiver: Receiver) -> None:
    """c7n#10467: remediation looped on its own change."""
    bucket = watched.estate.add(SCOPE, "b", {})
    watched.cycle()
    watched.estate.change(bucket.uid, {"Encrypted": False})
    cloud = watched.watch._crew.providers["memory"]
    act = Action(kind="memory.set_field", target=bucket.ref, parameters={"trigger": {"title": "t"}})
    record = ActionRecord(id="a1", hook="other", action=act, mode=Mode.AUTO, created_at=watched.clock())
    watched.watch.actions.propose(record)
    receipt = Receipt(action=act, changed=True, before={}, after={}, request_id="request-77")
    watched.watch.actions.update("a1", ActionStatus.DONE, watched.clock(), receipt=receipt)
    watched.clock.move(seconds=5)
    cloud.queue.put(message(change_event(bucket.uid, watched.clock(), "somebody", "request-77")))
    watched.watch.intake().poll(cloud.queue, 0)
    assert len(watched.findings()) == 1, "it is recorded and judged"
    assert receiver.bodies == [], "and asks nobody"
    watched.cycle()
    assert receiver.bodies == [], "nor does the next cycle"
    assert {r.status for r in watched.watch.actions.last() if r.id != "a1"} == {ActionStatus.REFUSED}
