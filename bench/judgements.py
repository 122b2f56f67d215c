"""Judgements per second and core, against the bare engine.

The floor is regorus alone in one process: input as JSON text in, one rule's value out, the same policy, the same
documents, nothing around it. We do more for each: the input is built from the resource, digested, sent to a worker process
with limits, answered as JSON, and read as a verdict. ``ratio`` is ours over the floor (more is better; the target is 0.7).
Both are measured per CPU second of all processes involved. One worker by default, because the floor has one process and
two that share a core's caches would be compared with one that does not.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import tempfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import orjson
import psutil
import regorus

from policies.engine import Limits
from policies.evaluate import Judge
from policies.loader import load_paths
from policies.rego.engine import RegorusEngine
from policies.subject import Subject, asset
from providers.resource import Resource, ResourceRef

RULES = 10
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def policy() -> str:
    """One module of ten deny rules over the document."""
    rules = [
        f'deny contains msg if {{\n\tsome rule in input.asset.document.Rules\n\trule.Port == {20 + n}\n\t"0.0.0.0/{n}" in rule.Ranges\n'
        f'\tmsg := sprintf("port %d is open", [rule.Port])\n}}\n'
        for n in range(RULES)
    ]
    return "# METADATA\n# custom:\n#   types: [bench.group]\npackage bench\n\n" + "\n".join(rules)


def resources(count: int) -> Iterator[Resource]:
    """Documents of about 3.4 KB."""
    for n in range(count):
        uid = f"arn:aws:ec2:eu-central-1:123456789012:security-group/sg-{n:08x}"
        rules = [
            {
                "Port": 20 + (n + k) % 40,
                "Protocol": "tcp",
                "Ranges": [f"10.{k}.{n % 256}.0/24", f"0.0.0.0/{(n + k) % 97}"],
                "Description": f"rule {k} of group {n}, made by the network team",
            }
            for k in range(20)
        ]
        document = {
            "GroupId": f"sg-{n:08x}",
            "GroupName": f"group-{n}",
            "VpcId": f"vpc-{n % 7}",
            "Rules": rules,
        }
        ref = ResourceRef(
            provider="aws", account="123456789012", region="eu-central-1", type="bench.group", uid=uid
        )
        yield Resource(ref=ref, name=f"group-{n}", document=document, tags={"team": f"t{n % 9}"})


def _cpu(pids: Iterable[int] = ()) -> float:
    """CPU seconds of this process, of the children that have ended, and of those in ``pids``."""
    parts = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    living = [psutil.Process(pid).cpu_times() for pid in pids]
    return sum(p.ru_utime + p.ru_stime for p in parts) + sum(t.user + t.system for t in living)


def floor(documents: list[Resource]) -> tuple[float, int]:
    """(evaluations per CPU second of the bare engine, documents that fail)."""
    engine = regorus.Engine()
    engine.add_policy("bench.rego", policy())
    texts = [orjson.dumps({"asset": asset(d), "context": {}, "resource": {}}).decode() for d in documents]
    started = _cpu()
    failing = 0
    for text in texts:
        engine.set_input_json(text)
        failing += engine.eval_rule_as_json("data.bench.deny") != "[]"
    return len(texts) / (_cpu() - started), failing


def ours(documents: list[Resource], workers: int) -> tuple[float, int]:
    """(verdicts per CPU second, workers included, documents that fail)."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.rego"
        path.write_text(policy())
        engine = RegorusEngine(Limits(workers=workers))
        policies = load_paths([path], engine)
        with Judge(policies, engine=engine) as judge:
            warm = (Subject(resource=d) for d in documents[: 200 * workers])
            sum(
                1 for _ in judge.judge(warm, now=NOW)
            )  # a daemon's workers live long; starting them is not judging
            started = _cpu(engine.pids)
            verdicts = judge.judge((Subject(resource=d) for d in documents), now=NOW)
            failing = sum(v.outcome == "fail" for v in verdicts)
            spent = _cpu(engine.pids) - started
        engine.close()
        return len(documents) / spent, failing


def measure(count: int, workers: int) -> dict[str, object]:
    """The benchmark's one object."""
    documents = list(resources(count))
    gc.collect()
    gc.freeze()  # a daemon streams its documents; here they all stay, and would be traversed at each collection
    # Alternately, so that a machine that gets busier is unfair to neither.
    floors, values = [], []
    for _ in range(3):
        bare, wanted = floor(documents)
        value, found = ours(documents, workers)
        if found != wanted:
            raise SystemExit(f"the verdicts differ: {found} failing, the bare engine says {wanted}")
        floors.append(bare)
        values.append(value)
    best_floor, best = max(floors), max(values)
    return {
        "name": "judgements",
        "n": count,
        "value": round(best),
        "unit": "verdicts per CPU second",
        "floor": round(best_floor),
        "ratio": round(best / best_floor, 3),
        "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "target": ">= 0.7",
        "bytes": len(orjson.dumps(documents[0].document)),
    }


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a line")
    parser.add_argument("--n", type=int, default=10_000, help="documents")
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    result = measure(arguments.n, arguments.workers)
    if arguments.json:
        print(json.dumps(result))
    else:
        print("  ".join(f"{key}={value}" for key, value in result.items()))


if __name__ == "__main__":
    main()
