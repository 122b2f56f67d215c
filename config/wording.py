"""How a sentence of ours counts, for everyone who says one."""

from __future__ import annotations


def counted(number: int, noun: str, plural: str = "") -> str:
    """``1 scope``, ``2,000 scopes``; ``plural`` is given for nouns whose plural is not the noun with an s."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"
