"""Run as a script by test_joins_crashes.py: a cycle with joining policies, which dies before one of its statements.

python joins_driver.py FOLDER ROUND STATEMENT
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from config.secrets import Secrets
from config.settings import Settings
from daemon.watch import Watch
from providers.memory.estate import Estate
from providers.memory.provider import MemoryProvider
from providers.provider import Selection
from providers.resource import Scope

sys.path.insert(0, str(Path(__file__).parents[2]))
from processes import die_before

START = datetime(2026, 1, 1, tzinfo=UTC)
ACCOUNTS = ("100000000000", "100000000001", "100000000002")
RESOURCE = """\
# METADATA
# title: t
# custom: {id: test.one, types: ["memory.machine"], joins: {memory.bucket: [Encrypted]}}
package test.one

deny contains "a bucket is open" if {
    some b in data.inventory["memory.bucket"]
    b.document.Encrypted == false
}
"""
ACCOUNT = """\
# METADATA
# title: t
# custom: {id: test.many, scope: account, joins: {memory.bucket: [Encrypted]}}
package test.many

deny contains {"msg": "open", "resource": b.uid} if {
    some b in data.inventory["memory.bucket"]
    b.document.Encrypted == false
}
"""


def estate(round_: int) -> Estate:
    """The cloud as it is in a round."""
    made = Estate(resources=0, scopes=0)
    for account in ACCOUNTS:
        for n in range(4):
            made.add(Scope("memory", account, "north-1", "memory.machine"), f"m{n}", {})
            body = {"Encrypted": (n + round_ + int(account)) % 3 != 0}
            made.add(Scope("memory", account, "north-1", "memory.bucket"), f"b{n}", body)
    return made


def expected(round_: int) -> set[tuple[str, str]]:
    """(policy, uid) that must fail in a round."""
    found = set()
    made = estate(round_)
    for account in ACCOUNTS:
        shut = [r for s in made.all_scopes() if s.account == account for r in made.read(s)]
        open_ = [r for r in shut if r.ref.type == "memory.bucket" and r.document["Encrypted"] is False]
        found |= {("test.many", r.uid) for r in open_}
        if open_:
            found |= {("test.one", r.uid) for r in shut if r.ref.type == "memory.machine"}
    return found


def open_watch(folder: Path, round_: int) -> Watch:
    """A watch over the cloud of a round."""
    policies = folder / "policies"
    policies.mkdir(exist_ok=True)
    (policies / "one.rego").write_text(RESOURCE)
    (policies / "many.rego").write_text(ACCOUNT)
    settings = Settings.model_validate(
        {
            "storage": {"url": f"sqlite:///{folder}/watch.db", "lock_timeout": "5s"},
            "policies": {"packs": [], "paths": [str(policies)], "workers": 1},
            "log": {"level": "error"},
        }
    )
    now = START + timedelta(hours=round_)
    provider = MemoryProvider(estate(round_))
    return Watch.open(settings, clock=lambda: now, secrets=Secrets({}), providers={"memory": provider})


if __name__ == "__main__":
    watch = open_watch(Path(sys.argv[1]), int(sys.argv[2]))
    die_before(int(sys.argv[3]), watch.database.engine)
    watch.cycle(Selection(), kind="scheduled")
    watch.close()
