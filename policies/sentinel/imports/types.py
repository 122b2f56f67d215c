"""``import "types"``"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from policies.sentinel.run import Builtin
from policies.sentinel.values import kind_of


def members() -> Mapping[str, Any]:
    """The functions of the import. ``type_of`` sees a rule written in the call as a rule: a rule's name is its value."""
    return {"type_of": Builtin("type_of", lambda _run, arguments: kind_of(arguments[0]).encode(), 1, 1)}
