"""JMESPath expressions over a resource, as an operator writes them in filters and exemptions.

The library orders two numbers and two texts, and raises ``TypeError`` for one of each. The specification has nothing (null) for
what cannot be ordered, which is what a document that has a text where others have a number must give: no answer, no failure.
"""

from __future__ import annotations

from typing import Any

import jmespath
from jmespath.visitor import TreeInterpreter


class Expression:
    """A parsed expression. Raises ``jmespath.exceptions.JMESPathError`` where it is not well formed."""

    __slots__ = ("parsed",)

    def __init__(self, text: str) -> None:
        self.parsed: Any = jmespath.compile(text).parsed
        """The syntax tree, as the library has it."""

    def search(self, value: Any) -> Any:
        """What it gives for a value. Raises ``jmespath.exceptions.JMESPathError``, as for a function of another type."""
        return _Interpreter().visit(self.parsed, value)


class _Interpreter(TreeInterpreter):
    def visit_comparator(self, node: Any, value: Any) -> Any:
        try:
            return super().visit_comparator(node, value)
        except TypeError:
            return None
