"""How much one evaluation may take, and the clear error when it takes more."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The bounds of one evaluation. Passing any of them ends it in a SentinelError of kind "budget".

    A policy published for the vendor's engine stays far below all of them.
    """

    steps: int = 5_000_000
    """Statements, loop turns, calls and elements visited."""
    depth: int = 100
    """Calls and rules within one another. Python's own stack may end a deep expression somewhat earlier."""
    string: int = 16 * 1024 * 1024
    """Bytes of one string."""
    collection: int = 1_000_000
    """Elements of one list or map."""
    memory: int = 512 * 1024 * 1024
    """Bytes of strings and collections made in the whole evaluation, dropped ones too."""
    seconds: float = 10.0
    """By the clock given to the evaluation."""
    prints: int = 1_000_000
    """Bytes of printed text."""
    nesting: int = 100
    """Lists and maps within one another."""


DEFAULT_BUDGET = Budget()
