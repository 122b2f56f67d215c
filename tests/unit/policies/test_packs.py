"""The built-in packs: every policy says all it must, has its cases, and reads only what the clouds' views give."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.settings import PolicySettings
from policies.cases import read_cases
from policies.engine import Limits
from policies.engines import Engines
from policies.files import BUILT_IN, DISK, LIBRARY
from policies.loader import load
from policies.pack import PolicySet
from policies.policy import Language, Phase, Policy
from policies.rego.engine import RegorusEngine
from policies.sentinel import compile_policy
from policies.sentinel.request import request_import
from policies.sentinel.testing import run_tests as run_sentinel_tests
from policies.testing import Report, run_tests
from providers.aws.catalog import catalog as aws_catalog
from providers.aws.terraform import _views as aws_views
from providers.gcp.terraform import VIEWS as GCP_VIEWS
from providers.terraform import TerraformType

PACKS = sorted(path.parent.name for path in BUILT_IN.glob("*/pack.yaml"))
LIBRARIES = sorted(BUILT_IN.glob(f"*/{LIBRARY}/*.rego"))
FILES = sorted(
    path for path in BUILT_IN.rglob("*.rego") if not path.stem.endswith("_test") and path not in LIBRARIES
)
REGO = [pack for pack in PACKS if list((BUILT_IN / pack).rglob("*.rego"))]


@pytest.fixture(scope="module")
def engine() -> Iterator[RegorusEngine]:
    with RegorusEngine(Limits(workers=1)) as engine:
        yield engine


@pytest.fixture(scope="module")
def policies(engine: RegorusEngine) -> PolicySet:
    return load(PolicySettings(packs=tuple(REGO)), engine)


@pytest.fixture(scope="module")
def report(engine: RegorusEngine) -> Report:
    return run_tests(
        [BUILT_IN / pack for pack in REGO], engine, now=datetime(2026, 3, 1, tzinfo=UTC), coverage=True
    )


@pytest.fixture(params=FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def policy(request: pytest.FixtureRequest, policies: PolicySet) -> Policy:
    return next(p for p in policies.policies if p.path == request.param)


def test_every_case_passes(report: Report) -> None:
    assert [c for c in report.cases if c.status != "pass"] == []
    assert report.count("pass") > 1000


def test_every_line_of_every_policy_is_reached(report: Report) -> None:
    assert {c.path: c.not_covered for c in report.coverage if c.not_covered} == {}
    assert len(report.coverage) == len(FILES) + len(LIBRARIES)


def test_each_policy_says_what_it_must(policy: Policy) -> None:
    pack = policy.path.relative_to(BUILT_IN).parts[0]
    assert policy.phase is Phase(pack)
    assert policy.package == f"watchstander.{pack}.{policy.path.parent.name}.{policy.path.stem}"
    assert policy.title
    assert len(policy.description) > 30
    assert policy.remediation
    assert policy.frameworks
    assert policy.reads is not None, "a built-in policy must not read anything and everything"
    prefix = "" if pack == "preparation" else f"{pack}."
    assert policy.id == f"{prefix}{policy.path.parent.name}.{policy.path.stem}"


def test_each_policy_has_its_cases(policy: Policy, policies: PolicySet) -> None:
    cases, errors = read_cases(policy.path.with_suffix(".yaml"), DISK)
    assert errors == ()
    seen = {case.expect for case in cases}
    wanted = {"pass", "fail", "unknown"} if policies.compiled(policy.id).denies else {"allowed", "refused"}
    assert wanted <= seen, f"{policy.id} has no case that expects {', '.join(sorted(wanted - seen))}"


def test_there_are_enough_over_the_three_clouds(policies: PolicySet) -> None:
    clouds = Counter(p.path.parent.name for p in policies.policies if p.phase is Phase.PREPARATION)
    assert clouds["aws"] >= 140
    assert clouds["azure"] >= 50
    assert clouds["gcp"] >= 50
    phases = Counter(p.phase for p in policies.policies)
    assert min(phases[phase] for phase in (Phase.DETECTION, Phase.CONTAINMENT, Phase.RECOVERY)) >= 7


def test_requests_for_emergency_roles_are_decided_by_sentinel_policies() -> None:
    files = sorted(f for f in (BUILT_IN / "breakglass").rglob("*.sentinel") if "test" not in f.parts[-3:-1])
    assert len(files) >= 5
    results = run_sentinel_tests([BUILT_IN / "breakglass"], now=datetime(2026, 3, 1, tzinfo=UTC))
    assert [str(r) for r in results if r.status != "pass"] == []
    for file in files:
        cases = [r.case.stem for r in results if r.path == file]
        assert any(name.endswith(("pass", "passes")) for name in cases), file
        assert any(name.endswith(("fail", "fails")) for name in cases), file
        # What a request does not say is never a pass.
        assert any(name.startswith("missing") for name in cases), file
    with closing(Engines(Limits(workers=1))) as engines:
        loaded = load(PolicySettings(packs=("breakglass",)), engines)
    assert {p.path for p in loaded.policies} == set(files)
    for policy in loaded.policies:
        assert policy.phase is Phase.BREAKGLASS
        assert policy.language is Language.SENTINEL
        assert policy.id == f"breakglass.{policy.path.parent.name}.{policy.path.stem}"
        assert policy.title
        assert len(policy.description) > 30
        assert policy.frameworks
        assert policy.remediation


def test_the_owners_request_is_decided_alike(tmp_path: Path) -> None:
    """The seed's rule, with its one role: 3600 seconds pass, 3601 do not."""
    policy = compile_policy(
        (BUILT_IN / "breakglass" / "aws" / "role_request.sentinel").read_text(), tmp_path / "p.sentinel"
    )
    role = "arn:aws:iam::123456789012:role/EmergencyAdminRole"
    now = datetime(2026, 3, 1, tzinfo=UTC)
    for seconds, passes in ((3600, True), (3601, False)):
        assert policy.evaluate(request_import(role, seconds), {}, now=now).result is passes


def views() -> dict[str, tuple[str, TerraformType]]:
    """Terraform type -> (our type, its view)."""
    return {declared.name: (ours, declared) for ours, declared in [*aws_views().items(), *GCP_VIEWS.items()]}


def test_what_a_policy_reads_of_a_view_is_there(policy: Policy) -> None:
    for path in policy.reads or ():
        root, *rest = path.split(".")
        if root == "resource":
            assert len(rest) >= 3, f"{policy.id} reads all of {path}"
            ours, declared = views()[rest[0]]
            assert rest[1] == "main"
            assert rest[2] in declared.attributes, f"{rest[0]} has no attribute {rest[2]}"
            assert ours in policy.types


def test_what_a_policy_judges_of_aws_is_declared(policy: Policy) -> None:
    for kind in policy.types:
        if kind.startswith("aws."):
            declared = aws_catalog()[kind]
            details = {call.into for call in declared.details}
            fields = {p.split(".")[2] for p in policy.reads or () if p.startswith("asset.document.")}
            # A detail's name is ours, so a mistake in it is certain; other names are the service's.
            close = {f for f in fields if f not in details and f.lower() in {d.lower() for d in details}}
            assert not close


def test_no_two_files_are_orphans() -> None:
    cases = {path.with_suffix("") for path in BUILT_IN.rglob("*.yaml") if path.name != "pack.yaml"}
    known = {path.with_suffix("") for path in FILES}
    assert {c for c in cases if c.parent.parent.name in REGO} <= known
    assert Path(BUILT_IN / "preparation" / "pack.yaml").is_file()
