"""Views of the network: security groups, virtual networks, public addresses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.azure.terraform.reading import COMMON, at, id_of, items, prop, top
from providers.terraform import ABSENT_BLOCK, Document, TerraformType


def _security_rules(document: Document) -> Any:
    return [_security_rule(rule) for rule in items(document, "securityRules")]


def _security_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    def groups(key: str) -> list[Any]:
        return [id_of(group) for group in at(rule, "properties", key, default=[])]

    return {
        "name": rule.get("name"),
        "description": at(rule, "properties", "description", default=""),
        "access": at(rule, "properties", "access"),
        "direction": at(rule, "properties", "direction"),
        "priority": at(rule, "properties", "priority"),
        "protocol": at(rule, "properties", "protocol"),
        "source_address_prefix": at(rule, "properties", "sourceAddressPrefix", default=""),
        "source_address_prefixes": at(rule, "properties", "sourceAddressPrefixes", default=[]),
        "source_port_range": at(rule, "properties", "sourcePortRange", default=""),
        "source_port_ranges": at(rule, "properties", "sourcePortRanges", default=[]),
        "source_application_security_group_ids": groups("sourceApplicationSecurityGroups"),
        "destination_address_prefix": at(rule, "properties", "destinationAddressPrefix", default=""),
        "destination_address_prefixes": at(rule, "properties", "destinationAddressPrefixes", default=[]),
        "destination_port_range": at(rule, "properties", "destinationPortRange", default=""),
        "destination_port_ranges": at(rule, "properties", "destinationPortRanges", default=[]),
        "destination_application_security_group_ids": groups("destinationApplicationSecurityGroups"),
    }


SECURITY_GROUP = TerraformType("azurerm_network_security_group", {**COMMON, "security_rule": _security_rules})


def _subnets(document: Document) -> Any:
    return [
        {
            "id": subnet.get("id"),
            "name": subnet.get("name"),
            "address_prefixes": at(subnet, "properties", "addressPrefixes")
            or [p for p in [at(subnet, "properties", "addressPrefix")] if p],
            "security_group": at(subnet, "properties", "networkSecurityGroup", "id", default=""),
            "route_table_id": at(subnet, "properties", "routeTable", "id", default=""),
            "service_endpoints": [
                e.get("service") for e in at(subnet, "properties", "serviceEndpoints", default=[])
            ],
            "private_endpoint_network_policies": at(
                subnet, "properties", "privateEndpointNetworkPolicies", default="Disabled"
            ),
        }
        for subnet in items(document, "subnets")
    ]


def _ddos_plan(document: Document) -> Any:
    plan = at(document, "properties", "ddosProtectionPlan", "id")
    if plan is None:
        return ABSENT_BLOCK
    return [{"id": plan, "enable": at(document, "properties", "enableDdosProtection", default=False)}]


VIRTUAL_NETWORK = TerraformType(
    "azurerm_virtual_network",
    {
        **COMMON,
        "address_space": prop("addressSpace", "addressPrefixes", default=[]),
        "dns_servers": prop("dhcpOptions", "dnsServers", default=[]),
        "subnet": _subnets,
        "ddos_protection_plan": _ddos_plan,
        "guid": prop("resourceGuid"),
        "flow_timeout_in_minutes": prop("flowTimeoutInMinutes"),
    },
)

PUBLIC_IP = TerraformType(
    "azurerm_public_ip",
    {
        **COMMON,
        "allocation_method": prop("publicIPAllocationMethod"),
        "ip_version": prop("publicIPAddressVersion", default="IPv4"),
        "ip_address": prop("ipAddress", default=""),
        "sku": top("sku", "name"),
        "sku_tier": top("sku", "tier"),
        "zones": top("zones", default=[]),
        "idle_timeout_in_minutes": prop("idleTimeoutInMinutes"),
        "domain_name_label": prop("dnsSettings", "domainNameLabel"),
        "fqdn": prop("dnsSettings", "fqdn"),
        "ddos_protection_mode": prop("ddosSettings", "protectionMode", default="VirtualNetworkInherited"),
        "ddos_protection_plan_id": prop("ddosSettings", "ddosProtectionPlan", "id"),
    },
)
