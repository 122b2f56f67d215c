"""The house: five packages that nobody else claims, typed, and nothing below tests/ that hides behind a package."""

from __future__ import annotations

from importlib.metadata import distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("config", "providers", "policies", "storage", "daemon")


@pytest.mark.parametrize("package", PACKAGES)
def test_no_other_distribution_claims_our_names(package: str) -> None:
    claimants = set()
    for distribution in distributions():
        tops = (distribution.read_text("top_level.txt") or "").split()
        paths = {path.parts[0] for path in distribution.files or () if path.parts}
        if package in tops or package in paths or f"{package}.py" in paths:
            claimants.add(distribution.name)
    assert claimants <= {"watchstander"}


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_is_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()
    assert (ROOT / package / "__init__.py").is_file()


def test_tests_are_no_packages() -> None:
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def test_each_module_begins_with_what_it_is_for() -> None:
    modules = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    bare = [
        str(path.relative_to(ROOT))
        for path in modules
        if "migrations/versions" not in path.as_posix()
        and not path.read_text(encoding="utf-8").startswith(('"""', 'r"""', "#!"))
    ]
    assert bare == []
