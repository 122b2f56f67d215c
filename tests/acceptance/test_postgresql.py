"""The whole watch on a real PostgreSQL: inventory, findings, ledger and durable workflows in one database."""

from __future__ import annotations

import sys
from typing import Any

from providers.resource import Scope
from storage.actions import ActionStatus
from storage.cycles import CycleStatus

SCOPE = Scope("memory", "100000000000", "north-1", "memory.bucket")


def test_a_watch_on_postgresql(post: Any, postgres_url: str) -> None:
    post.watch.close()
    post.more = {
        "storage": {"url": postgres_url},
        "containment": {
            "hooks": {
                "page": {
                    "use": "command",
                    "mode": "auto",
                    "when": ["test.*"],
                    "options": {"argv": [sys.executable, "-c", "pass"]},
                }
            }
        },
    }
    watch = post.open()
    watch.start()
    good = post.estate.add(SCOPE, "good", {})
    assert post.cycle().first_contact == 1
    post.estate.change(good.uid, {"Encrypted": False})
    report = post.cycle()
    assert (report.changed, report.opened, report.responses) == (1, 1, {"asked": 1})
    for workflow in watch.runner.unfinished():
        watch.runner.result(workflow, 60)
    (record,) = watch.actions.last()
    assert record.status is ActionStatus.DONE
    assert watch.runner.result(f"respond:{record.id}", 60)["status"] == "done"
    assert [e.kind for e in watch.ledger.entries()] == ["start", "intent", "act"]
    assert watch.ledger.verify().ok

    watch.close()
    again = post.open()
    again.start()
    assert "nothing changed; no policy had to be evaluated" in post.cycle().sentence
    assert again.cycles.last()[0].status is CycleStatus.COMPLETE
    assert len(again.actions.last()) == 1
