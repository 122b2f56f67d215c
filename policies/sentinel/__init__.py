"""HashiCorp Sentinel, as an interpreter of our own: the language, its standard imports, policy sets and tests.

    policy = compile_policy(source, Path("p.sentinel"))
    result = policy.evaluate({"tfplan/v2": data}, {"limit": 3}, now=now)
    result.result        True, False, or None: undefined or failed, which is never a pass

Source -> ``lexer`` -> ``parser`` -> tree (``nodes``) -> ``compiler`` -> closures; ``policy`` runs them within a ``Budget``.
``policyset`` reads ``sentinel.hcl``, ``testing`` runs ``test/<policy>/*``, ``terraform`` makes ``tfplan/v2`` and its kin, and
``binary`` is the vendor's own engine where it is installed.
"""

from __future__ import annotations

from policies.sentinel.budget import DEFAULT_BUDGET, Budget
from policies.sentinel.imports.http import HttpAccess
from policies.sentinel.policy import (
    CompiledPolicy,
    Options,
    RuleTrace,
    SentinelError,
    SentinelResult,
    compile_policy,
)

__all__ = [
    "DEFAULT_BUDGET",
    "Budget",
    "CompiledPolicy",
    "HttpAccess",
    "Options",
    "RuleTrace",
    "SentinelError",
    "SentinelResult",
    "compile_policy",
]
