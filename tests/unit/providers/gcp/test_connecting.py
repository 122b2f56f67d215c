"""Where we connect, what we choose to read, and what role that takes: nothing here opens a connection."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.clouds import GcpSettings
from config.errors import UsageError
from providers.gcp.actions import KINDS
from providers.gcp.catalog import TYPES
from providers.gcp.discovery import narrow
from providers.gcp.permissions import role
from providers.gcp.projects import Project, Projects
from providers.gcp.provider import GcpProvider
from providers.gcp.reader import parent_of, type_patterns

LOCAL = {"endpoint": "127.0.0.1:1", "rest_endpoint": "http://127.0.0.1:2", "credential": "anonymous"}


def make(**settings: Any) -> GcpProvider:
    return GcpProvider(GcpSettings.model_validate(settings), clock=lambda: datetime.now(UTC))


@pytest.mark.parametrize(
    "settings",
    [
        {"credential": "anonymous"},
        {**LOCAL, "endpoint": None},
        {**LOCAL, "rest_endpoint": None},
        {**LOCAL, "endpoint": "cloudasset.googleapis.com:443"},
        {**LOCAL, "rest_endpoint": "http://10.0.0.1:80"},
        {"endpoint": "http://127.0.0.1:1"},
        {"rest_endpoint": "http://proxy.example"},
    ],
)
def test_nothing_is_called_in_the_clear_but_a_sandbox(settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"providers\.gcp") as caught:
        make(**settings)
    assert caught.value.hint


@pytest.mark.parametrize(
    "settings",
    [
        {},
        LOCAL,
        {**LOCAL, "endpoint": "http://localhost:1"},
        {**LOCAL, "endpoint": "[::1]:9"},
        {"endpoint": "private.example:443", "rest_endpoint": "https://private.example"},
    ],
)
def test_what_may_be_called(settings: dict[str, Any]) -> None:
    make(**settings).close()


def test_an_unreachable_sandbox_is_unavailable_and_not_empty() -> None:
    from providers.provider import Selection
    from providers.resource import CoverageStatus

    slept: list[float] = []
    settings = GcpSettings.model_validate({**LOCAL, "parents": ["projects/p"], "transport": "rest"})
    provider = GcpProvider(settings, clock=lambda: datetime.now(UTC), sleep=slept.append)
    found = provider.discover(Selection())
    provider.close()
    assert found.scopes == ()
    assert [c.status for c in found.unread] == [CoverageStatus.UNAVAILABLE]
    assert len(slept) == 3


@pytest.mark.parametrize(
    ("configured", "selected", "wanted"),
    [
        ((), (), ("*",)),
        (("a/X",), (), ("a/X",)),
        (("a/*",), ("a/X", "b/Y"), ("a/X",)),
        (("a/X",), ("a/*",), ("a/X",)),
        (("a/X", "a/*"), (), ("a/*",)),
        (("a/*",), ("b/*",), ()),
    ],
)
def test_types_are_narrowed(
    configured: tuple[str, ...], selected: tuple[str, ...], wanted: tuple[str, ...]
) -> None:
    assert narrow(configured, selected) == wanted


patterns = st.lists(st.text("ab/", max_size=3).flatmap(lambda t: st.sampled_from([t, f"{t}*"])), max_size=4)


def matches(type_: str, wanted: tuple[str, ...]) -> bool:
    return any(type_ == p or (p.endswith("*") and type_.startswith(p[:-1])) for p in wanted)


@given(patterns, patterns, st.text("ab/", max_size=4))
def test_what_both_want_is_wanted_once(mine: list[str], theirs: list[str], type_: str) -> None:
    both = narrow(tuple(mine), tuple(theirs))
    assert matches(type_, both) == (
        matches(type_, tuple(mine) or ("*",)) and matches(type_, tuple(theirs) or ("*",))
    )
    assert sum(matches(type_, (p,)) for p in both) <= 1


def test_types_as_cloud_asset_takes_them() -> None:
    assert type_patterns("*") == []
    assert type_patterns("a.b/C") == ["a.b/C"]
    assert type_patterns("a.b/*") == [r"a\.b/.*"]
    assert parent_of("p") == "projects/p"
    assert parent_of("folders/1") == "folders/1"


def test_projects_are_known_by_number_once_seen() -> None:
    projects = Projects()
    assert projects.id_of("123") is None
    assert projects.id_of("shop") == "shop"
    projects.learn(Project(id="shop", number="123", name="Shop"))
    assert projects.id_of("123") == "shop"


def test_the_roles_are_exactly_what_is_called() -> None:
    read = role(contain=False)["includedPermissions"]
    assert read == sorted(set(read))
    assert {"cloudasset.assets.listResource", "cloudasset.assets.listIamPolicy"} <= set(read)
    assert {t.permission for t in TYPES.values()} <= set(read)
    assert not any(p.endswith((".update", ".disable", ".delete", ".create")) for p in read)
    contain = role(contain=True)["includedPermissions"]
    assert {p for kind in KINDS.values() for p in kind.declared.permissions} == set(contain)
    assert not any(".delete" in p for p in contain)


def test_knowing_documents_takes_no_sdk() -> None:
    """Two seconds and a hundred megabytes that an offline check does not pay."""
    code = (
        "import sys, providers.gcp.terraform, providers.gcp.events, providers.gcp.export\n"
        "assert not any(m.split('.')[0] in ('google', 'grpc', 'requests') for m in sys.modules), 'SDK imported'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_credentials_nothing_is_discovered_and_it_is_said_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from providers.errors import Expired
    from providers.provider import Selection
    from providers.resource import CoverageStatus

    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "no-such-key.json"))
    with pytest.raises(Expired) as caught:
        make().discover(Selection())
    assert caught.value.__cause__ is not None
    assert caught.value.hint
    found = make(parents=["projects/p", "organizations/1"]).discover(Selection())
    assert [c.status for c in found.unread] == [CoverageStatus.EXPIRED] * 2
