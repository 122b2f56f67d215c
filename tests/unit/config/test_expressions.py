"""JMESPath as operators write it: what cannot be compared is nothing, and no failure."""

from __future__ import annotations

import jmespath.exceptions
import pytest

from config.expressions import Expression


@pytest.mark.parametrize(
    ("size", "wanted"),
    [(6, True), (4, False), ("6", None), (None, None), ([6], None), (True, None)],
    ids=str,
)
def test_only_what_can_be_ordered_is(size: object, wanted: bool | None) -> None:
    assert Expression("Size > `5`").search({"Size": size}) is wanted


def test_one_comparison_that_is_nothing_leaves_the_rest_of_the_expression() -> None:
    assert Expression("Size > `5` || Public").search({"Size": "large", "Public": True}) is True
    assert Expression("rules[?port < `1024`].port").search({"rules": [{"port": "any"}, {"port": 22}]}) == [22]


def test_texts_are_ordered_as_the_library_orders_them() -> None:
    assert Expression("Version < '1.2'").search({"Version": "1.1"}) is True


def test_errors_are_the_librarys() -> None:
    with pytest.raises(jmespath.exceptions.JMESPathError):
        Expression("a[")
    with pytest.raises(jmespath.exceptions.JMESPathError):
        Expression("length(a)").search({"a": 1})
