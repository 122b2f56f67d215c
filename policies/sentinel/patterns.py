"""Regular expressions (RE2): compiled once, and those a source writes out checked before anything is evaluated."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import re2

from policies.errors import PolicySyntaxError, Position
from policies.sentinel import nodes
from policies.sentinel.guard import walk
from policies.sentinel.values import Fault

MAX_PATTERN: Final = 64 * 1024


@lru_cache(maxsize=1024)
def compiled_pattern(pattern: bytes) -> Any:
    """A regular expression. Raises Fault where it is none, or too long."""
    if len(pattern) > MAX_PATTERN:
        raise Fault(f"a regular expression is longer than {MAX_PATTERN} bytes", kind="budget")
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        said = error.args[0] if error.args else b""
        reason = said.decode(errors="backslashreplace") if isinstance(said, bytes) else str(said)
        raise Fault(f"not a regular expression: {reason}") from None


def bad_patterns(program: nodes.Program, path: Path) -> Iterator[PolicySyntaxError]:
    """An error for each text given to ``matches`` or ``not matches`` that is no regular expression, in the source's order."""
    written = [
        (link.operand.at, link.operand.value)
        for node in walk(program.body)
        if isinstance(node, nodes.Chain)
        for link in node.links
        if isinstance(link, nodes.Link)
        and link.operator in {"matches", "not matches"}
        and isinstance(link.operand, nodes.Literal)
        and isinstance(link.operand.value, bytes)
    ]
    for at, pattern in sorted(written):
        try:
            compiled_pattern(pattern)
        except Fault as fault:
            hint = "RE2 has neither backreferences nor lookarounds: https://github.com/google/re2/wiki/Syntax"
            yield PolicySyntaxError(fault.message, Position(path, *at), hint=hint)
