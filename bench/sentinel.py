"""Sentinel evaluations per CPU second, compiled once, against the same decision written as a plain Python function.

The floor is what the decision costs when nothing is interpreted, copied, bounded or traced: a function of the same input.
No interpreter comes near it; it tells how much of an evaluation is ours to save. Two policies are measured: a break-glass
request (``value``), and a filter over a plan of 200 buckets (``plans_per_second``). ``compile_ms`` is what keeping compiled
policies saves each time.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from policies.sentinel import LiveResource, Options, compile_policy, estate_imports, request_import

NOW = datetime(2026, 1, 1, tzinfo=UTC)
EMERGENCY = "arn:aws:iam::123456789012:role/Emergency"
BREAK_GLASS = f"""
import "tfplan/v2" as tfplan
role = tfplan.variables.assumed_role.value
duration = tfplan.variables.duration_seconds.value
is_normal_role = rule {{ role is not "{EMERGENCY}" }}
is_valid_break_glass = rule {{ role is "{EMERGENCY}" and duration <= 3600 }}
main = rule {{ is_normal_role or is_valid_break_glass }}
"""
PLAN = """
import "tfplan/v2" as tfplan
buckets = filter tfplan.resource_changes as _, rc {
    rc.type is "aws_s3_bucket" and rc.mode is "managed" and rc.change.actions contains "create"
}
open = rule { filter buckets as _, b { b.change.after.acl in ["public-read", "public-read-write"] } }
main = rule { open is empty }
"""


def plainly(data: dict[str, Any]) -> bool:
    """The break-glass decision without a policy engine."""
    variables = data["tfplan/v2"]["variables"]
    role, duration = variables["assumed_role"]["value"], variables["duration_seconds"]["value"]
    return bool(role != EMERGENCY or duration <= 3600)


def rate(run: Callable[[], object], count: int) -> float:
    """Calls per CPU second: the best of three, so that a busy machine does not count."""
    best = 0.0
    for _ in range(3):
        started = time.process_time()
        for _ in range(count):
            run()
        best = max(best, count / (time.process_time() - started))
    return best


def measure(count: int) -> dict[str, object]:
    """The benchmark's one object."""
    policy = compile_policy(BREAK_GLASS, Path("break_glass.sentinel"))
    data = request_import(EMERGENCY, 3600)
    if policy.evaluate(data, now=NOW).result is not plainly(data):
        raise SystemExit("the policy and the plain function disagree")
    plan = compile_policy(PLAN, Path("plan.sentinel"))
    estate = estate_imports(
        LiveResource(
            address=f"aws_s3_bucket.b{n}",
            type="aws_s3_bucket",
            name=f"b{n}",
            provider="registry.terraform.io/hashicorp/aws",
            attributes={"bucket": f"b{n}", "acl": "private", "tags": {"team": "a"}},
        )
        for n in range(200)
    )
    options = Options(guard=False)
    if plan.evaluate(estate, now=NOW, options=options).result is not True:
        raise SystemExit("the plan should pass")
    floor = rate(lambda: plainly(data), count * 10)
    value = rate(lambda: policy.evaluate(data, now=NOW), count)
    plans = rate(lambda: plan.evaluate(estate, now=NOW, options=options), max(10, count // 200))
    compiled = rate(lambda: compile_policy(BREAK_GLASS, Path("p.sentinel")), max(10, count // 100))
    return {
        "name": "sentinel",
        "n": count,
        "value": round(value),
        "unit": "evaluations per CPU second",
        "floor": round(floor),
        "ratio": round(value / floor, 4),
        "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "plans_per_second": round(plans, 1),
        "compile_ms": round(1000 / compiled, 3),
    }


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a line")
    parser.add_argument("--n", type=int, default=10_000, help="evaluations")
    arguments = parser.parse_args()
    result = measure(arguments.n)
    print(json.dumps(result) if arguments.json else "  ".join(f"{k}={v}" for k, v in result.items()))


if __name__ == "__main__":
    main()
