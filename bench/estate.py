"""A whole estate judged: 150 policies over 100,000 resources, a first cycle and an unchanged one (target: the latter evaluates nothing).

The policies are spread over the five types of the in-memory cloud, thirty for each, and read a few fields of the document each. The
value is the first cycle's judgements per CPU second of this process and its workers together, with all that a cycle does besides:
reading, recording, storing verdicts. The floor is the bare engine in one loop over the same documents. The benchmark fails if a resource
went unjudged, or if the second cycle evaluates anything.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Any

import orjson
import psutil
import regorus
import structlog

from bench.common import estate, rss_mb, run
from bench.cycle import SharedDocuments, now
from config.secrets import Secrets
from config.settings import Settings
from daemon.watch import Watch
from policies.subject import asset
from providers.memory.documents import TYPES
from providers.provider import Selection

POLICIES = 150


def policy(number: int) -> str:
    """One policy: what it asks differs, how much it reads does not."""
    return f"""\
# METADATA
# title: Rule {number}
# custom: {{id: bench.rule_{number}, severity: low, types: ["{TYPES[number % len(TYPES)]}"]}}
package bench.rule_{number}

deny contains msg if {{
    input.asset.document.Encrypted == false
    endswith(input.asset.name, "{number % 16:x}")
    msg := sprintf("%s is not encrypted", [input.asset.name])
}}

deny contains "public" if {{
    input.asset.document.Public == true
    count(input.asset.document.Logging) == {number}
}}
"""


def bare(cloud: SharedDocuments) -> float:
    """The floor: evaluations per CPU second of one policy by the engine alone."""
    engine = regorus.Engine()
    engine.add_policy("bench.rego", policy(0))
    texts = [orjson.dumps({"asset": asset(one)}).decode() for one in cloud.documents[:5_000]]
    started = time.process_time()
    for text in texts:
        engine.set_input_json(text)
        engine.eval_rule_as_json("data.bench.rule_0.deny")
    return len(texts) / (time.process_time() - started)


def cpu(process: psutil.Process) -> float:
    """CPU seconds of a process and its children so far."""
    total = 0.0
    for one in (process, *process.children(recursive=True)):
        times = one.cpu_times()
        total += times.user + times.system
    return total


def workers_mb(process: psutil.Process) -> float:
    """The largest resident memory of a worker, in MB."""
    sizes = [child.memory_info().rss / 1e6 for child in process.children(recursive=True)]
    return round(max(sizes, default=0.0), 1)


def measure(count: int) -> dict[str, Any]:
    """The benchmark's one object."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    cloud = SharedDocuments(estate(count))
    process, floor = psutil.Process(), bare(cloud)
    with tempfile.TemporaryDirectory(prefix="ws-bench-") as folder:
        policies = Path(folder) / "policies"
        policies.mkdir()
        for number in range(POLICIES):
            (policies / f"rule_{number}.rego").write_text(policy(number))
        settings = Settings.model_validate(
            {
                "storage": {"url": f"sqlite:///{folder}/bench.db"},
                "policies": {"packs": [], "paths": [str(policies)]},
            }
        )
        watch = Watch.open(settings, clock=now, secrets=Secrets(os.environ), providers={"memory": cloud})
        try:
            began, clock = cpu(process), time.monotonic()
            first = watch.cycle(Selection(), kind="bench")
            spent, seconds = cpu(process) - began, time.monotonic() - clock
            memory = workers_mb(process)
            began = cpu(process)
            second = watch.cycle(Selection(), kind="bench")
            unchanged = cpu(process) - began
        finally:
            watch.close()
    if first.read != count or first.evaluated != count * POLICIES // len(TYPES):
        raise SystemExit(f"not everything was judged: {first.sentence}")
    if second.evaluated or second.created or second.changed:
        raise SystemExit(f"an unchanged estate was judged again: {second.sentence}")
    return {
        "name": "estate",
        "n": count,
        "value": round(first.evaluated / spent),
        "unit": "judgements/CPU s",
        "floor": round(floor),
        "ratio": round(first.evaluated / spent / floor, 3),
        "rss_mb": rss_mb(),
        "target": "second cycle: 0",
        "worker_mb": memory,
        "policies": POLICIES,
        "evaluated": first.evaluated,
        "first_seconds": round(seconds, 1),
        "unchanged_cpu_seconds": round(unchanged, 2),
        "unchanged_evaluated": second.evaluated,
    }


def main() -> None:
    """Run from the command line."""
    run(measure, __doc__, default=100_000)


if __name__ == "__main__":
    main()
