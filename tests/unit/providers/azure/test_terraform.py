"""The Terraform view: azurerm's names, from the documents of the seeded estate with their good and bad twins."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from providers.azure import terraform
from providers.azure.document import resource_of
from providers.resource import Resource
from providers.sandbox.azure import estate
from providers.sandbox.azure.arm import ArmStore
from providers.terraform import ABSENT_BLOCK, AbsentBlock


@pytest.fixture(scope="module")
def resources() -> dict[str, Resource]:
    store = ArmStore(lambda: datetime(2025, 6, 1, tzinfo=UTC))
    estate.seed(store)
    return {
        r.name: r
        for r in map(resource_of, store.items("/subscriptions/"))
        if r.ref.account == estate.PRODUCTION
    }


def attributes(resource: Resource) -> dict[str, Any]:
    view = terraform.view_of(resource)
    assert view is not None
    assert view.unread == {}
    return view.render(AbsentBlock.EMPTY)


@pytest.mark.parametrize(
    ("name", "attribute", "value"),
    [
        ("stprodgood", "allow_nested_items_to_be_public", False),
        ("stprodpublic", "allow_nested_items_to_be_public", True),
        ("stprodgood", "https_traffic_only_enabled", True),
        ("stprodhttp", "https_traffic_only_enabled", False),
        ("stprodgood", "min_tls_version", "TLS1_2"),
        ("stprodlegacy", "min_tls_version", "TLS1_0"),
        ("stprodgood", "account_replication_type", "GRS"),
        ("stprodgood", "account_tier", "Standard"),
        ("stprodgood", "public_network_access_enabled", False),
        ("stprodopen", "public_network_access_enabled", True),
        ("kv-prod-good", "purge_protection_enabled", True),
        ("kv-prod-open", "purge_protection_enabled", False),
        ("kv-prod-open", "network_acls", []),
        ("kv-prod-good", "sku_name", "premium"),
        ("vm-prod-linux", "disable_password_authentication", True),
        ("vm-prod-linux", "encryption_at_host_enabled", True),
        ("vm-prod-legacy", "encryption_at_host_enabled", False),
        ("vm-prod-legacy", "automatic_updates_enabled", False),
        ("vm-prod-legacy", "identity", []),
        ("disk-vm-prod-legacy", "disk_encryption_set_id", None),
        ("disk-vm-prod-legacy", "network_access_policy", "AllowAll"),
        ("sql-prod-private", "public_network_access_enabled", False),
        ("sql-prod-public", "public_network_access_enabled", True),
        ("sql-prod-public", "minimum_tls_version", "1.0"),
        ("sql-prod-public", "azuread_administrator", []),
        ("vnet-prod", "dns_servers", ["10.10.0.5", "10.10.0.4"]),
        ("pip-prod-web", "allocation_method", "Static"),
        ("pip-prod-web", "zones", ["1", "2", "3"]),
        ("aks-prod-private", "private_cluster_enabled", True),
        ("aks-prod-public", "private_cluster_enabled", False),
        ("aks-prod-private", "azure_policy_enabled", True),
        ("aks-prod-public", "azure_active_directory_role_based_access_control", []),
        ("web-prod-good", "https_only", True),
        ("web-prod-http", "https_only", False),
    ],
)
def test_an_attribute_says_what_the_document_says(
    resources: dict[str, Resource], name: str, attribute: str, value: object
) -> None:
    assert attributes(resources[name])[attribute] == value


def test_rules_of_a_security_group_are_blocks(resources: dict[str, Resource]) -> None:
    closed, opened = (
        attributes(resources[n])["security_rule"][0]["source_address_prefix"]
        for n in ("nsg-prod-closed", "nsg-prod-open")
    )
    assert (closed, opened) == ("10.0.0.0/8", "*")
    assert attributes(resources["nsg-prod-rdp-open"])["security_rule"][0]["destination_port_range"] == "3389"


def test_a_network_block_lists_what_bypasses_it(resources: dict[str, Resource]) -> None:
    block = attributes(resources["stprodgood"])["network_rules"][0]
    assert block == {
        "default_action": "Deny",
        "bypass": ["AzureServices"],
        "ip_rules": [],
        "virtual_network_subnet_ids": [],
    }


def test_an_absent_block_takes_the_form_a_pack_wants(resources: dict[str, Resource]) -> None:
    view = terraform.view_of(resources["kv-prod-open"])
    assert view is not None
    assert view.attributes["network_acls"] is ABSENT_BLOCK
    assert view.render(AbsentBlock.NULL)["network_acls"] == [None]
    assert "network_acls" not in view.render(AbsentBlock.MISSING)


def test_the_document_decides_between_two_views(resources: dict[str, Resource]) -> None:
    def name(of: str) -> str | None:
        view = terraform.view_of(resources[of])
        return view.type if view else None

    assert name("vm-prod-linux") == "azurerm_linux_virtual_machine"
    assert name("vm-prod-legacy") == "azurerm_windows_virtual_machine"
    assert name("web-prod-good") == "azurerm_linux_web_app"
    assert name("log-prod") == "azurerm_log_analytics_workspace"
    base = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites"
    for kind, wanted in (
        ("functionapp,linux", "azurerm_linux_function_app"),
        ("functionapp", "azurerm_windows_function_app"),
        ("functionapp,workflowapp", None),
        ("app,linux", "azurerm_linux_web_app"),
    ):
        view = terraform.view_of(resource_of({"id": f"{base}/x", "kind": kind, "properties": {}}))
        assert (view.type if view else None) == wanted


def test_a_scale_set_is_of_the_system_it_runs() -> None:
    base = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachineScaleSets/x"
    for profile, wanted in (
        ({"storageProfile": {"osDisk": {"osType": "Linux"}}}, "azurerm_linux_virtual_machine_scale_set"),
        ({"osProfile": {"windowsConfiguration": {}}}, "azurerm_windows_virtual_machine_scale_set"),
        ({"osProfile": {"linuxConfiguration": {}}}, "azurerm_linux_virtual_machine_scale_set"),
        ({}, None),
    ):
        view = terraform.view_of(resource_of({"id": base, "properties": {"virtualMachineProfile": profile}}))
        assert (view.type if view else None) == wanted, profile


def test_an_unread_field_makes_its_attributes_unread_and_no_others(resources: dict[str, Resource]) -> None:
    whole = resources["stprodgood"]
    partly = Resource(
        ref=whole.ref,
        name=whole.name,
        document={k: v for k, v in whole.document.items() if k != "properties"},
        unread={"properties": "denied"},
    )
    view = terraform.view_of(partly)
    assert view is not None
    assert view.unread["https_traffic_only_enabled"] == "denied"
    assert view.attributes["account_tier"] == "Standard"
    assert "https_traffic_only_enabled" not in view.attributes


def test_every_view_survives_an_empty_document() -> None:
    base = "/subscriptions/s/resourceGroups/g/providers"
    for terraform_type, (azure_type,) in terraform.types().items():
        names = iter("xyz")
        path = "/".join(
            part if number < 2 else f"{next(names)}/{part}"
            for number, part in enumerate(azure_type.split("/"))
        )
        full = (
            f"{base}/{path}/x" if "resourcegroups" not in azure_type else "/subscriptions/s/resourceGroups/g"
        )
        resource = resource_of({"id": full, "properties": {}})
        assert resource.ref.type == azure_type
        view = terraform.view_of(resource)
        if view is None:
            assert "virtual_machine" in terraform_type  # neither Linux nor Windows
        else:
            assert view.unread == {}
            view.render(AbsentBlock.NULL)
