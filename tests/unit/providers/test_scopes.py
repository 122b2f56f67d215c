"""What a scope and a coverage may claim to have seen."""

from __future__ import annotations

import pytest

from providers.resource import ANY, Coverage, CoverageStatus, ResourceRef, Scope

REF = ResourceRef(
    provider="gcp", account="shop", region="eu", type="compute.googleapis.com/Disk", uid="//c/d"
)


@pytest.mark.parametrize(
    ("region", "type_", "covered"),
    [
        (ANY, ANY, True),
        ("eu", "compute.googleapis.com/Disk", True),
        (ANY, "compute.googleapis.com/*", True),
        (ANY, "compute.googleapis.com/D*", True),
        (ANY, "compute.googleapis.com/Dis", False),
        (ANY, "storage.googleapis.com/*", False),
        ("us", ANY, False),
    ],
)
def test_a_scope_covers_by_region_and_type(region: str, type_: str, covered: bool) -> None:
    assert Scope("gcp", "shop", region, type_).covers(REF) is covered
    assert not Scope("gcp", "other", region, type_).covers(REF)
    assert not Scope("aws", "shop", region, type_).covers(REF)


@pytest.mark.parametrize(
    ("excluded", "covered"),
    [
        ((), True),
        (("compute.googleapis.com/Disk",), False),
        (("storage.googleapis.com/*", "compute.*"), False),
        (("compute.googleapis.com/Instance",), True),
        ((ANY,), False),
    ],
)
def test_a_coverage_says_nothing_of_types_left_out(excluded: tuple[str, ...], covered: bool) -> None:
    scope = Scope("gcp", "shop", ANY, ANY)
    coverage = Coverage(scope=scope, status=CoverageStatus.COMPLETE, excluded=excluded)
    assert coverage.covers(REF) is covered
