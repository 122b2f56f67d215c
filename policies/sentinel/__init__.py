"""HashiCorp Sentinel, as an interpreter of our own: the language, its standard imports, policy sets and tests.

    policy = compile_policy(source, Path("p.sentinel"))
    result = policy.evaluate({"tfplan/v2": data}, {"limit": 3}, now=now)
    result.result        True, False, or None: undefined or failed, which is never a pass

Source -> ``lexer`` -> ``parser`` -> tree (``nodes``) -> ``compiler`` -> closures; ``policy`` runs them within a ``Budget``.
``policyset`` reads ``sentinel.hcl``, ``testing`` runs ``test/<policy>/*``, ``terraform`` and ``request`` make ``tfplan/v2`` and
its kin, and ``binary`` is the vendor's own engine where it is installed.
"""

from __future__ import annotations

from policies.policy import EnforcementLevel
from policies.sentinel.binary import SentinelBinary
from policies.sentinel.budget import DEFAULT_BUDGET, Budget
from policies.sentinel.imports.http import HttpAccess
from policies.sentinel.options import Options
from policies.sentinel.policy import CompiledPolicy, RuleTrace, SentinelError, SentinelResult, compile_policy
from policies.sentinel.policyset import Decision, Override, PolicySet, PolicySetResult, load_policy_set
from policies.sentinel.request import (
    LiveResource,
    RequestRefused,
    estate_imports,
    request_import,
    variables_import,
)
from policies.sentinel.terraform_file import TerraformFileError, read_terraform
from policies.sentinel.testing import CaseResult, run_tests

__all__ = [
    "DEFAULT_BUDGET",
    "Budget",
    "CaseResult",
    "CompiledPolicy",
    "Decision",
    "EnforcementLevel",
    "HttpAccess",
    "LiveResource",
    "Options",
    "Override",
    "PolicySet",
    "PolicySetResult",
    "RequestRefused",
    "RuleTrace",
    "SentinelBinary",
    "SentinelError",
    "SentinelResult",
    "TerraformFileError",
    "compile_policy",
    "estate_imports",
    "load_policy_set",
    "read_terraform",
    "request_import",
    "run_tests",
    "variables_import",
]
