"""The least roles: exactly what the catalogues declare, in each cloud's form and in Terraform's."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import hcl2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.clouds import AwsAccounts, AwsEvents, AwsSettings, AzureSettings, GcpSettings, Providers
from config.errors import UsageError
from providers.aws import actions as aws_actions
from providers.aws import role as aws_role
from providers.aws.catalog import catalog
from providers.azure.actions import CHANGES
from providers.gcp.actions import KINDS
from providers.gcp.catalog import TYPES
from providers.hcl import Block, Call, Raw, render
from providers.registry import role_of

CLOUDS = ("aws", "azure", "gcp")


def statements(document: Any) -> dict[str, Any]:
    return {s["Sid"]: s for s in document["Statement"]}


def test_reading_aws_needs_what_every_declared_type_declares() -> None:
    role = role_of("aws", Providers())
    declared = {p for one in catalog().values() for p in one.permissions()}
    assert declared <= set(role.permissions)
    assert set(role.permissions) - declared <= {
        "ec2:DescribeRegions",
        "config:GetResourceConfigHistory",
        "cloudtrail:LookupEvents",
    }


def test_no_part_is_larger_than_iam_takes() -> None:
    parts = role_of("aws", Providers()).documents
    assert all(aws_role.size(part) <= aws_role.LIMIT for part in parts)
    allowed = [a for part in parts for s in part["Statement"] for a in s["Action"]]
    assert sorted(allowed) == sorted(set(allowed))


def test_fewer_types_need_fewer_permissions() -> None:
    settings = Providers(aws=AwsSettings(types=("aws.s3_*",), exclude_types=("aws.s3_none",)))
    role = role_of("aws", settings)
    wanted = {p for name, one in catalog().items() if name.startswith("aws.s3_") for p in one.permissions()}
    assert set(role.permissions) == wanted | {
        "ec2:DescribeRegions",
        "config:GetResourceConfigHistory",
        "cloudtrail:LookupEvents",
    }
    assert "iam:ListUsers" in role_of("aws", Providers()).permissions
    assert "iam:ListUsers" not in role.permissions


def test_accounts_and_events_are_allowed_where_they_are_configured_and_no_further() -> None:
    settings = AwsSettings(
        accounts=AwsAccounts(discover="organizations", role="Watch", contain_role="Act"),
        events=AwsEvents(queue_url="https://sqs.eu-west-1.amazonaws.com/111122223333/events"),
    )
    found = statements(aws_role.document(settings, contain=False))
    assert found["WatchstanderEnterAccounts"]["Resource"] == [
        "arn:aws:iam::*:role/Act",
        "arn:aws:iam::*:role/Watch",
    ]
    assert found["WatchstanderEvents"]["Resource"] == "arn:aws:sqs:eu-west-1:111122223333:events"
    assert found["WatchstanderDiscover"]["Action"] == ["organizations:ListAccounts"]
    plain = statements(aws_role.document(AwsSettings(), contain=False))
    assert set(plain) == {"WatchstanderRead"}


def test_a_policy_larger_than_iam_takes_comes_in_parts_that_allow_the_same() -> None:
    whole = aws_role.document(
        AwsSettings(accounts=AwsAccounts(discover="organizations", role="Watch")), contain=False
    )
    parts = list(aws_role.split(whole, 600))
    assert len(parts) > 2
    assert all(aws_role.size(part) <= 600 for part in parts)

    def pairs(document: Any) -> list[tuple[str, str]]:
        return [(a, json.dumps(s["Resource"])) for s in document["Statement"] for a in s["Action"]]

    assert sorted(p for part in parts for p in pairs(part)) == sorted(pairs(whole))
    assert list(aws_role.split(whole, 10**6)) == [whole]


@pytest.mark.parametrize("cloud", CLOUDS)
def test_containment_needs_what_every_action_declares(cloud: str) -> None:
    kinds = {
        "aws": [effect.kind for effect in aws_actions.effects().values()],
        "azure": [change.declared for change in CHANGES.values()],
        "gcp": [kind.declared for kind in KINDS.values()],
    }[cloud]
    declared = {p for kind in kinds for p in kind.permissions}
    role = role_of(cloud, Providers(), contain=True)
    # Azure's wildcard stands for every read.
    allowed = {
        p for p in declared if p in role.permissions or ("*/read" in role.permissions and p.endswith("/read"))
    }
    assert allowed == declared
    one = kinds[0]
    narrow = role_of(cloud, Providers(), contain=True, actions=(one.kind,))
    assert {p for p in one.permissions if not p.endswith("/read")} <= set(narrow.permissions)
    writes = {p for p in narrow.permissions if p != "*/read"}
    assert writes <= set(one.permissions)


@pytest.mark.parametrize("cloud", CLOUDS)
def test_an_unknown_action_is_refused_with_those_there_are(cloud: str) -> None:
    with pytest.raises(UsageError, match=r"no action 'aws\.explode'") as error:
        role_of(cloud, Providers(), contain=True, actions=("aws.explode",))
    assert f"{cloud}." in str(error.value.hint)


def test_google_rereads_need_the_get_of_the_configured_types() -> None:
    everything = set(role_of("gcp", Providers()).permissions)
    assert {t.permission for t in TYPES.values()} <= everything
    buckets = role_of("gcp", Providers(gcp=GcpSettings(types=("storage.googleapis.com/*",)))).permissions
    assert "storage.buckets.get" in buckets
    assert "compute.instances.get" not in buckets
    events = GcpSettings(subscriptions=("projects/p/subscriptions/s",))
    assert "pubsub.subscriptions.consume" in role_of("gcp", Providers(gcp=events)).permissions


def test_azure_narrows_to_the_configured_types_and_subscriptions() -> None:
    id_ = "00000000-0000-0000-0000-000000000001"
    settings = AzureSettings(types=("microsoft.storage/*", "microsoft.keyvault/vaults"), subscriptions=(id_,))
    role = role_of("azure", Providers(azure=settings))
    assert {"microsoft.storage/*/read", "microsoft.keyvault/vaults/read"} <= set(role.permissions)
    assert "*/read" not in role.permissions
    assert role.documents[0]["AssignableScopes"] == [f"/subscriptions/{id_}"]
    assert not role.notes


def test_azure_takes_one_management_group_into_a_role() -> None:
    groups = ("mg-Shop", "mg-2")
    id_ = "00000000-0000-0000-0000-000000000001"
    one = role_of("azure", Providers(azure=AzureSettings(management_groups=groups[:1])))
    assert [d["Name"] for d in one.documents] == ["Watchstander Reader"]
    both = role_of("azure", Providers(azure=AzureSettings(management_groups=groups, subscriptions=(id_,))))
    group = "/providers/Microsoft.Management/managementGroups/"
    assert [d["AssignableScopes"] for d in both.documents] == [
        [f"{group}mg-Shop", f"/subscriptions/{id_}"],
        [f"{group}mg-2"],
    ]
    assert [d["Name"] for d in both.documents] == [f"Watchstander Reader ({g})" for g in groups]
    assert both.documents[0]["Actions"] == both.documents[1]["Actions"]
    made = resources(both.terraform)
    assert [label for _, label, _ in made] == ["watchstander_read_mg_shop", "watchstander_read_mg_2"]
    assert any("one management group" in note for note in both.notes)
    assert "@FILE-N" in both.apply


@pytest.mark.parametrize("contain", [False, True])
def test_terraform_names_of_several_tenants_are_told_apart(contain: bool) -> None:
    ids = ["5b2d6c1e-0000-4000-8000-000000000001", "fab00000-0000-4000-8000-000000000001"]
    tenants = [{"tenant_id": ids[0], "management_groups": ["a", "b"]}, {"tenant_id": ids[1]}]
    settings = AzureSettings.model_validate({"tenants": tenants})
    role = role_of("azure", Providers(azure=settings), contain=contain)
    labels = [label for _, label, _ in resources(role.terraform)]
    assert len(set(labels)) == len(labels) == len(role.documents) == 3
    assert f'variable "watchstander_scope_{ids[1].replace("-", "_")}"' in role.terraform
    assert f"var.watchstander_scope_{ids[1].replace('-', '_')}" in role.terraform
    assert [note.partition(" is ")[2] for note in role.notes[:3]] == [
        f"for tenant {ids[0]}.",
        f"for tenant {ids[0]}.",
        f"for tenant {ids[1]}.",
    ]


def resources(text: str) -> list[tuple[str, str, dict[str, Any]]]:
    found = hcl2.load(io.StringIO(text)).get("resource", [])
    return [
        (kind.strip('"'), label.strip('"'), body)
        for entry in found
        for kind, labelled in entry.items()
        for label, body in labelled.items()
    ]


@pytest.mark.parametrize("contain", [False, True])
@pytest.mark.parametrize("cloud", CLOUDS)
def test_terraform_allows_the_same(cloud: str, contain: bool) -> None:
    role = role_of(cloud, Providers(), contain=contain)
    made = resources(role.terraform)
    assert {kind for kind, _, _ in made} == {
        {
            "aws": "aws_iam_policy",
            "azure": "azurerm_role_definition",
            "gcp": "google_organization_iam_custom_role",
        }[cloud]
    }
    named = set(re.findall(r'"([^"\s]+)",$', role.terraform, re.MULTILINE))
    assert named == set(role.permissions)


def test_google_roles_are_made_where_the_parents_are() -> None:
    projects = role_of("gcp", Providers(gcp=GcpSettings(parents=("projects/a", "projects/b"))))
    assert [(kind, body["project"].strip('"')) for kind, _, body in resources(projects.terraform)] == [
        ("google_project_iam_custom_role", "a"),
        ("google_project_iam_custom_role", "b"),
    ]
    organization = role_of("gcp", Providers(gcp=GcpSettings(parents=("organizations/12", "projects/a"))))
    assert [(kind, body["org_id"].strip('"')) for kind, _, body in resources(organization.terraform)] == [
        ("google_organization_iam_custom_role", "12")
    ]
    assert "--organization=12" in organization.apply


def test_a_large_policy_is_several_terraform_resources() -> None:
    whole = aws_role.document(AwsSettings(), contain=False)
    parts = list(aws_role.split(whole, 500))
    text = render(
        [aws_role.terraform_block(part, "WatchstanderRead", n, len(parts)) for n, part in enumerate(parts, 1)]
    )
    made = resources(text)
    assert len(made) == len(parts)
    assert len({label for _, label, _ in made}) == len({body["name"] for _, _, body in made}) == len(parts)


@given(
    st.text(
        alphabet=st.characters(blacklist_categories=("Cs",)),
        max_size=40,
    )
)
def test_every_text_is_one_literal_of_terraform(text: str) -> None:
    # What stands between the quotes has no unescaped quote, line break or interpolation.
    (line,) = [ln for ln in render([Block("x", (), {"value": text})]).split("\n") if "value" in ln]
    inside = line.partition("= ")[2]
    assert re.fullmatch(r'"(?:[^"\\\x00-\x1f]|\\["\\nrt]|\\u[0-9a-f]{4})*"', inside)
    bare = inside.replace("$${", "").replace("%%{", "")
    assert "${" not in bare
    assert "%{" not in bare


def test_terraform_has_no_literal_for_an_object() -> None:
    with pytest.raises(TypeError, match="object has no literal"):
        render([Block("x", (), {"value": object()})])
    assert "f(null)" in render([Block("x", (), {"a": Call("f", None), "b": Raw("var.x"), "c": [], "d": {}})])
