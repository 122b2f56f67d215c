"""The rules of the seeded estate's network security groups."""

from __future__ import annotations

from typing import Any


def group_of(rules: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "securityRules": rules,
        "defaultSecurityRules": [rule("DenyAllInBound", 65500, "*", "*", "Deny")],
    }


def ssh(source: str, priority: int) -> dict[str, Any]:
    return rule("AllowSsh", priority, "22", source)


def rule(name: str, priority: int, port: str, source: str, access: str = "Allow") -> dict[str, Any]:
    return {
        "name": name,
        "etag": 'W/"5f2a"',
        "properties": {
            "access": access,
            "direction": "Inbound",
            "priority": priority,
            "protocol": "Tcp",
            "sourceAddressPrefix": source,
            "sourcePortRange": "*",
            "destinationAddressPrefix": "*",
            "destinationPortRange": port,
            "sourceAddressPrefixes": [],
            "destinationPortRanges": [],
            "provisioningState": "Succeeded",
        },
    }
