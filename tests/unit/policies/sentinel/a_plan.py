"""A plan with values of many kinds, values of any kind, and what a policy says of a plan's imports."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from policies.sentinel import Options, SentinelResult, compile_policy

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PLAN: dict[str, Any] = {
    "format_version": "1.2",
    "terraform_version": "1.9.0",
    "variables": {"region": {"value": "eu-west-1"}, "empty": {}},
    "planned_values": {
        "outputs": {"url": {"sensitive": True, "value": "https://x"}},
        "root_module": {
            "resources": [
                {
                    "address": "aws_s3_bucket.a[0]",
                    "mode": "managed",
                    "type": "aws_s3_bucket",
                    "name": "a",
                    "index": 0,
                    "provider_name": "registry.terraform.io/hashicorp/aws",
                    "values": {"bucket": "one", "tags": None},
                }
            ],
            "child_modules": [
                {
                    "address": "module.net",
                    "resources": [
                        {"address": "module.net.aws_vpc.v", "type": "aws_vpc", "name": "v", "values": {}}
                    ],
                    "child_modules": [
                        {
                            "address": "module.net.module.sub",
                            "resources": [
                                {
                                    "address": "module.net.module.sub.aws_subnet.s",
                                    "type": "aws_subnet",
                                    "name": "s",
                                }
                            ],
                        }
                    ],
                }
            ],
        },
    },
    "resource_changes": [
        {
            "address": "aws_s3_bucket.a[0]",
            "mode": "managed",
            "type": "aws_s3_bucket",
            "name": "a",
            "index": 0,
            "provider_name": "registry.terraform.io/hashicorp/aws",
            "change": {
                "actions": ["create"],
                "before": None,
                "after": {"bucket": "one", "tags": None},
                "after_unknown": {"arn": True},
            },
        },
        {
            "address": "aws_instance.old",
            "type": "aws_instance",
            "name": "old",
            "deposed": "abcd1234",
            "change": {"actions": ["delete"], "before": {}, "after": None},
        },
    ],
    "output_changes": {"url": {"actions": ["create"], "before": None, "after": "https://x"}},
    "prior_state": {
        "terraform_version": "1.8.0",
        "values": {"root_module": {"resources": [{"address": "aws_vpc.p", "type": "aws_vpc", "name": "p"}]}},
    },
    "configuration": {
        "provider_config": {
            "aws": {
                "name": "aws",
                "full_name": "registry.terraform.io/hashicorp/aws",
                "version_constraint": "~> 5.0",
            }
        },
        "root_module": {
            "resources": [
                {
                    "address": "aws_s3_bucket.a",
                    "mode": "managed",
                    "type": "aws_s3_bucket",
                    "name": "a",
                    "provider_config_key": "aws",
                    "expressions": {"bucket": {"constant_value": "one"}},
                    "count_expression": {"constant_value": 1},
                    "provisioners": [
                        {"type": "local-exec", "expressions": {"command": {"constant_value": "ls"}}}
                    ],
                }
            ],
            "variables": {"region": {"default": "eu", "description": "where"}},
            "outputs": {"url": {"expression": {"references": ["aws_s3_bucket.a"]}, "sensitive": True}},
            "module_calls": {
                "net": {
                    "source": "./net",
                    "module": {
                        "resources": [{"address": "aws_vpc.v", "type": "aws_vpc", "name": "v"}],
                        "variables": {"cidr": {}},
                        "module_calls": {"sub": {"source": "./sub", "module": {"outputs": {"id": {}}}}},
                    },
                }
            },
        },
    },
}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.sampled_from(["a", "managed"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "root_module",
                    "resources",
                    "child_modules",
                    "address",
                    "values",
                    "change",
                    "instances",
                    "outputs",
                    "module",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


def judge(source: str, data: Mapping[str, Any]) -> SentinelResult:
    return compile_policy(source, Path("p.sentinel")).evaluate(data, now=NOW, options=Options(guard=False))
