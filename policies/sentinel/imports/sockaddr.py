"""``import "sockaddr"``: IP addresses and networks."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any, TypeAlias

from policies.sentinel.functions import function, text
from policies.sentinel.values import Fault, Value, text_of

Interface: TypeAlias = ipaddress.IPv4Interface | ipaddress.IPv6Interface


def _address(value: Value) -> Interface:
    written = text_of(text(value))
    try:
        return ipaddress.ip_interface(written)
    except ValueError:
        raise Fault(f'"{written[:80]}" is not an IP address or network') from None


def _is_contained(outer: Value, inner: Value) -> bool:
    network, other = _address(outer).network, _address(inner).network
    if isinstance(network, ipaddress.IPv4Network) and isinstance(other, ipaddress.IPv4Network):
        return other.subnet_of(network)
    if isinstance(network, ipaddress.IPv6Network) and isinstance(other, ipaddress.IPv6Network):
        return other.subnet_of(network)
    return False


def _is_version(value: Value, version: int) -> bool:
    try:
        return ipaddress.ip_interface(text_of(text(value))).version == version
    except ValueError:
        return False


def members() -> Mapping[str, Any]:
    """The functions of the import."""
    return {
        "is_contained": function("is_contained", lambda _run, outer, inner: _is_contained(outer, inner), 2),
        "is_equal": function("is_equal", lambda _run, a, b: _address(a) == _address(b), 2),
        "is_ipv4": function("is_ipv4", lambda _run, value: _is_version(value, 4), 1),
        "is_ipv6": function("is_ipv6", lambda _run, value: _is_version(value, 6), 1),
    }
