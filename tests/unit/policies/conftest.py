"""What tests of policies share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from policies.engines import Engines


@pytest.fixture(scope="module")
def engine() -> Iterator[Engines]:
    """Both languages. A module that wants one engine has its own."""
    with_both = Engines()
    yield with_both
    with_both.close()
