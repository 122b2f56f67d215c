"""What a Sentinel policy is about, told from its tree: whether it looks at resources, the types it names, and what it reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from policies.sentinel import nodes
from policies.sentinel.guard import walk
from policies.sentinel.policy import CompiledPolicy

OWN_IMPORTS: Final = frozenset({"asset", "context", "inventory", "finding"})
"""Imports of ours, beside Terraform's."""
_TERRAFORM_TYPE: Final = re.compile(rb"(?:aws|azurerm|google)_[a-z0-9_]+")
_RESOURCES: Final = frozenset({"resource_changes", "planned_values", "resource_drift", "resources"})


def judges_resources(policy: CompiledPolicy) -> bool:
    """Whether it looks at resources; one that does not decides requests."""
    if not OWN_IMPORTS.isdisjoint(policy.imports):
        return True
    return any(
        isinstance(node, nodes.Select) and node.name in _RESOURCES for node in walk(policy.code.program.body)
    )


def own_reads(policy: CompiledPolicy) -> frozenset[str]:
    """The paths below the imports of our own that a policy reads: ``asset.document.Logging``. One that it goes on from by
    anything but a constant name ends there, and means all below it."""
    aliases = {i.alias: i.name for i in policy.code.program.imports if i.name in OWN_IMPORTS - {"inventory"}}
    found: set[str] = set()
    within: set[int] = set()
    """What is part of a chain that was met before: a tree is walked from its top."""
    for node in walk(policy.code.program.body) if aliases else ():
        if id(node) in within:
            continue
        names: list[str] = []
        place: object = node
        while (step := _constant_step(place)) is not None:
            name, place = step
            names.append(name)
            within.add(id(place))
        if isinstance(place, nodes.Name) and place.name in aliases:
            found.add(".".join([aliases[place.name], *reversed(names)]))
    return frozenset(found)


def _constant_step(node: object) -> tuple[str, object] | None:
    """The constant name by which a node goes on from another, and that other."""
    if isinstance(node, nodes.Select):
        return node.name, node.object
    if isinstance(node, nodes.Index) and isinstance(node.index, nodes.Literal):
        value = node.index.value
        if isinstance(value, bytes) and value and b"." not in value:
            return value.decode(errors="replace"), node.object
    return None


def _compared_types(policy: CompiledPolicy) -> Iterator[str]:
    """The Terraform types the policy compares ``.type`` with."""
    for node in walk(policy.code.program.body):
        if not (
            isinstance(node, nodes.Chain)
            and isinstance(node.first, nodes.Select)
            and node.first.name == "type"
        ):
            continue
        for link in node.links:
            if isinstance(link, nodes.Link) and link.operator in {"==", "in"}:
                operand = link.operand
                for item in operand.items if isinstance(operand, nodes.ListLiteral) else (operand,):
                    if isinstance(item, nodes.Literal) and isinstance(item.value, bytes):
                        yield item.value.decode(errors="replace")


def _named_types(policy: CompiledPolicy) -> frozenset[str]:
    """The Terraform types a policy names anywhere: as what it asks a module's function for, mostly."""
    return frozenset(
        node.value.decode()
        for node in walk(policy.code.program.body)
        if isinstance(node, nodes.Literal)
        and isinstance(node.value, bytes)
        and _TERRAFORM_TYPE.fullmatch(node.value)
    )


def terraform_types(policy: CompiledPolicy) -> frozenset[str]:
    """The Terraform types it compares ``.type`` with, else those it names anywhere."""
    return frozenset(_compared_types(policy)) or _named_types(policy)
