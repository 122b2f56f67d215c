"""Judgements per second and core, against the bare engine.

The floor is regorus alone in one process: input as JSON text in, one rule's value out, the same policy, the same
documents, nothing around it. We do more for each: the input is built from the resource, digested, sent to a worker process
with limits, answered as JSON, and read as a verdict. ``ratio`` is ours over the floor (more is better; the target is 0.7).
Both are measured per CPU second of all processes involved. One worker by default, because the floor has one process and
two that share a core's caches would be compared with one that does not.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import resource
import statistics
import tempfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import orjson
import regorus

from daemon.garbage import settle
from policies.engine import Limits
from policies.evaluate import Judge
from policies.loader import load_paths
from policies.rego.engine import RegorusEngine
from policies.subject import Subject, asset
from providers.resource import Resource, ResourceRef

RULES = 10
BLOCK = 1000
"""Documents of a turn."""
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
    # In nanoseconds; the processes' own times are in hundredths of a second, the half of a short turn's difference.
    threads = [thread for pid in pids for thread in Path(f"/proc/{pid}/task").iterdir()]
    living = sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads)
    return sum(p.ru_utime + p.ru_stime for p in parts) + living / 1e9


class Bare:
    """The engine alone, in this process."""

    def __init__(self, documents: list[Resource]) -> None:
        self._engine = regorus.Engine()
        self._engine.add_policy("bench.rego", policy())
        self._texts = [
            orjson.dumps({"asset": asset(d), "context": {}, "resource": {}}).decode() for d in documents
        ]

    def judge(self, part: slice) -> tuple[float, int]:
        """(CPU seconds, documents that fail)."""
        failing = 0
        started = _cpu()
        for text in self._texts[part]:
            self._engine.set_input_json(text)
            failing += self._engine.eval_rule_as_json("data.bench.deny") != "[]"
        return _cpu() - started, failing


class Ours:
    """The judge with its worker processes, which live as long as a daemon's."""

    def __init__(self, documents: list[Resource], workers: int) -> None:
        self._documents = documents
        self._close = contextlib.ExitStack()
        path = Path(self._close.enter_context(tempfile.TemporaryDirectory())) / "bench.rego"
        path.write_text(policy())
        self._engine = RegorusEngine(Limits(workers=workers))
        self._close.callback(self._engine.close)
        self._judge = self._close.enter_context(Judge(load_paths([path], self._engine), engine=self._engine))

    def judge(self, part: slice) -> tuple[float, int]:
        """(CPU seconds, documents that fail)."""
        started = _cpu(self._engine.pids)
        verdicts = self._judge.judge((Subject(resource=d) for d in self._documents[part]), now=NOW)
        failing = sum(v.outcome == "fail" for v in verdicts)
        return _cpu(self._engine.pids) - started, failing

    def close(self) -> None:
        """End the workers."""
        self._close.close()


def measure(count: int, workers: int) -> dict[str, object]:
    """The benchmark's one object."""
    documents = list(resources(count))
    bare = Bare(documents)
    settle()  # as the daemon does; it streams its documents, and here they all stay
    with contextlib.closing(Ours(documents, workers)) as ours:
        ours.judge(slice(200 * workers))  # starting the workers is not judging
        bare.judge(slice(200))
        pairs = []
        for start in [*range(0, count, BLOCK)] * 3:
            # In short turns: a machine whose speed changes by the second is then unfair to neither.
            part = slice(start, start + BLOCK)
            floor, wanted = bare.judge(part)
            spent, found = ours.judge(part)
            if found != wanted:
                raise SystemExit(f"the verdicts differ: {found} failing, the bare engine says {wanted}")
            pairs.append((floor, spent))
    ratio = statistics.median(floor / spent for floor, spent in pairs)
    rate = 3 * count / sum(floor for floor, _ in pairs)
    return {
        "name": "judgements",
        "n": count,
        "value": round(rate * ratio),
        "unit": "verdicts per CPU second",
        "floor": round(rate),
        "ratio": round(ratio, 3),
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
