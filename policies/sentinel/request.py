"""Requests and the live estate as Terraform imports: so that policies written for plans judge both."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from config.errors import UsageError
from policies.sentinel.partial import Partial
from policies.sentinel.terraform import configuration, plan, plan_of, run, state


class RequestRefused(UsageError):
    """A request does not say what a policy must know, so no policy is asked."""


def request_import(role: Any, duration: Any) -> dict[str, dict[str, Any]]:
    """``tfplan/v2`` for a break-glass request: the role asked for and for how many seconds.

    Raises RequestRefused unless the role is text that is not blank and the duration a whole number above zero: in the
    language ``null is not "x"`` is true, so a request that lacks its role would count as one for a normal role.
    """
    if not isinstance(role, str) or not role.strip():
        raise RequestRefused(f"the role must be text that is not blank, not {_described(role)}.")
    if role != role.strip() or not role.isprintable():
        raise RequestRefused("the role must hold no blanks at its ends and no control characters.")
    if isinstance(duration, bool) or not isinstance(duration, int) or duration <= 0:
        raise RequestRefused(
            f"the duration must be a whole number of seconds above zero, not {_described(duration)}."
        )
    return variables_import({"assumed_role": role, "duration_seconds": duration})


def variables_import(parameters: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """``tfplan/v2`` whose ``variables`` are a request's parameters.

    Raises RequestRefused for a parameter that is null, or a number that is not finite.
    """
    for name, value in parameters.items():
        if value is None:
            raise RequestRefused(f'the parameter "{name}" is null.', hint="Leave it out, or give it a value.")
        if isinstance(value, float) and not math.isfinite(value):
            raise RequestRefused(f'the parameter "{name}" is not a finite number.')
    document = {"variables": {name: {"value": value} for name, value in parameters.items()}}
    return {"tfplan/v2": {**plan(document), "raw": {}}}


def _described(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, str):
        return "blank" if not value.strip() else "text"
    return repr(value)[:40] if isinstance(value, int | float) else f"a {type(value).__name__}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveResource:
    """A resource as it is, in Terraform's words. ``unread`` are attributes that could not be read, and why: they are missing
    from ``attributes`` and marked unknown, as Terraform marks what it knows only after an apply. ``absent`` are those that are
    known not to be there. A policy that asks for any other that is not there, or for an unread one, decides nothing."""

    address: str
    type: str
    name: str
    provider: str
    attributes: Mapping[str, Any]
    unread: Mapping[str, str] = field(default_factory=dict)
    absent: Collection[str] = ()

    def part(self, held: Mapping[str, Any]) -> Partial:
        """What is held of its attributes, as data of which not all is known."""
        others = f"the Terraform view of {self.type} has no attribute"
        return Partial(held, unread=self.unread, others=others, absent=self.absent)


def estate_imports(
    live: Iterable[LiveResource],
    *,
    actions: tuple[str, ...] = ("create",),
    tfrun: Mapping[str, Any] | None = None,
) -> dict[str, dict[str, Any]]:
    """The four imports for live resources.

    By default each looks like one that is about to be created as it is, because policies for plans judge what a plan
    creates or changes; ``tfstate/v2`` holds the same resources, and ``tfconfig/v2`` their attributes as constants.
    """
    found: dict[str, Any] = {}
    declared: list[dict[str, Any]] = []
    unread: dict[str, Mapping[str, str]] = {}
    for resource in live:
        unread[resource.address] = resource.unread
        found[resource.address] = {
            "address": resource.address,
            "module_address": "",
            "mode": "managed",
            "type": resource.type,
            "name": resource.name,
            "index": None,
            "provider_name": resource.provider,
            "values": resource.part(resource.attributes),
            "depends_on": [],
            "tainted": False,
            "deposed_key": "",
        }
        constants = {key: {"constant_value": value} for key, value in resource.attributes.items()}
        declared.append(
            {
                "address": resource.address,
                "mode": "managed",
                "type": resource.type,
                "name": resource.name,
                "provider_config_key": resource.provider.rpartition("/")[2],
                "expressions": resource.part(constants),
            }
        )
    return {
        "tfplan/v2": plan_of(found, {}, "", actions, unread),
        "tfstate/v2": {**state({}), "resources": found},
        "tfconfig/v2": configuration({"root_module": {"resources": declared}}),
        "tfrun": run(**(tfrun or {})),
    }
