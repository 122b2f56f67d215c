"""How a sentence of ours counts, for everyone who says one."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """``1 scope``, ``2,000 scopes``; for nouns whose plural is an s."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
