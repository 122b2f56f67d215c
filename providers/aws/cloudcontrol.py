"""The long tail: every type that Cloud Control can list, declared from its name alone.

Cloud Control speaks of all of them in one way, so a declaration is a name. What it tells is CloudFormation's form of a
resource, as ``Properties``. A type's name is CloudFormation's (``AWS::Logs::QueryDefinition``), so it never meets a declared
one, and its uid is an ARN of our own: Cloud Control has identifiers, not ARNs.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from config.clouds import AwsSettings
from providers.aws.catalog import Call, ResourceType
from providers.aws.catalog.declare import none, pick
from providers.aws.session import Place, Sessions

_NAME: Final = re.compile(r"[A-Za-z0-9]+(::[A-Za-z0-9]+){2}")
_LISTED: Final = ("FULLY_MUTABLE", "IMMUTABLE")
"""CloudFormation's provisioning types that Cloud Control serves."""


def is_name(name: str) -> bool:
    """Whether a type is one of Cloud Control's."""
    return _NAME.fullmatch(name) is not None


@lru_cache(maxsize=2048)
def declared(name: str) -> ResourceType:
    """The declaration of a type by its CloudFormation name."""
    one = {"TypeName": f"'{name}'", "Identifier": "Identifier"}
    return ResourceType(
        type=name,
        title=name.replace("::", " ").removeprefix("AWS "),
        service="cloudcontrol",
        arn=f"arn:{{_partition}}:cloudcontrol:{{_region}}:{{_account}}:resource/{name}/{{Identifier:s}}",
        # The listing's properties are whatever the type's handler happens to tell, often the identifier only.
        list=Call(
            "ListResources",
            "ResourceDescriptions[]." + pick("Identifier"),
            {"TypeName": f"'{name}'"},
            not_enabled=none("TypeNotFoundException", "UnsupportedActionException"),
        ),
        get=Call(
            "GetResource",
            "ResourceDescription." + pick("Identifier"),
            one,
            absent=none("ResourceNotFoundException"),
        ),
        details=(Call("GetResource", "ResourceDescription.Properties", one, into="Properties", json=True),),
        name="Identifier",
        tags="Properties.Tags",
    )


class LongTail:
    """The types that a configuration reads through Cloud Control."""

    def __init__(self, settings: AwsSettings, sessions: Sessions) -> None:
        wanted = settings.cloudcontrol_types if "cloudcontrol" in settings.sources else ()
        self._exact = tuple(name for name in wanted if not name.endswith("*"))
        self._prefixes = tuple(name[:-1] for name in wanted if name.endswith("*"))
        self._sessions = sessions
        self._lock = threading.Lock()
        self._found: tuple[str, ...] | None = None

    def types(self) -> Mapping[str, ResourceType]:
        """The types by name. Where prefixes are configured CloudFormation is asked once what there is. Raises
        ProviderError where it does not tell."""
        with self._lock:
            if self._found is None:
                self._found = self._matching() if self._prefixes else ()
            names = sorted({*self._exact, *self._found})
        return {name: declared(name) for name in names}

    def _matching(self) -> tuple[str, ...]:
        place = Place("", self._sessions.home_region)
        found: list[str] = []
        for kind in _LISTED:
            asked = {"Visibility": "PUBLIC", "Type": "RESOURCE", "ProvisioningType": kind}
            for page in self._sessions.pages(place, "cloudformation", "ListTypes", asked):
                names = (str(summary["TypeName"]) for summary in page.get("TypeSummaries", ()))
                found += (name for name in names if name.startswith(self._prefixes))
        return tuple(name for name in found if is_name(name))
