"""Run as a script by test_remembering.py: a first contact and the asking for its past, which dies before one of its statements.

python past_driver.py FOLDER STATEMENT
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from config.secrets import Secrets
from config.settings import Settings
from daemon.watch import Watch
from providers.memory.estate import Estate
from providers.memory.provider import MemoryProvider
from providers.provider import PastVersion, Selection
from providers.resource import Resource

sys.path.insert(0, str(Path(__file__).parents[2]))
from processes import die_before

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
RESOURCES = 12
CLOUD = "gcp"
"""The twin stands in for a cloud that settings can name."""


def estate() -> Estate:
    """Twelve resources in two scopes; of each, two versions are remembered from before."""
    made = Estate(resources=RESOURCES, scopes=2, provider=CLOUD)
    for index in range(RESOURCES):
        now = made.generated(index)
        for age in (9, 4):
            body = {**now.document, "Age": age}
            then = Resource(ref=now.ref, name=now.name, document=body, tags=now.tags)
            made.remember(PastVersion(ref=now.ref, at=NOW - age * DAY, resource=then, actor=f"a{age}"))
    return made


def open_watch(folder: Path, cloud: Estate, **past: Any) -> Watch:
    """A watch over that cloud, without a policy."""
    settings = Settings.model_validate(
        {
            "providers": {CLOUD: {"past": {"batches_per_second": 1e6, **past}}},
            "storage": {"url": f"sqlite:///{folder}/watch.db", "lock_timeout": "5s"},
            "policies": {"packs": [], "workers": 1},
            "log": {"level": "error"},
        }
    )
    providers = {CLOUD: MemoryProvider(cloud)}
    return Watch.open(settings, clock=lambda: NOW, secrets=Secrets({}), providers=providers)


if __name__ == "__main__":
    watch = open_watch(Path(sys.argv[1]), estate())
    die_before(int(sys.argv[2]), watch.database.engine)
    watch.cycle(Selection(), kind="scheduled")
    watch.remembering.ask(CLOUD)
    watch.close()
