"""Every point of the language that neither the published text nor published policies decide, one constant each.

The values below are what the text says where it says anything, and the stricter reading where it is silent: a policy
then ends in an error or undefined, never in a pass it has not earned. They are to be compared with the vendor's own
binary where one can be had (``policies.sentinel.binary`` runs it); docs/sentinel.md lists them for users.
"""

from __future__ import annotations

FILTER_SPOILT_BY_UNDEFINED: bool = True
"""``filter``: one undefined body makes the whole result undefined (the text). Otherwise that element is left out."""

AND_STOPS_AT_UNDEFINED: bool = True
"""``undefined and false`` is undefined (the text). Otherwise false, as in Kleene's logic."""

LOOP_OVER_NOTHING_IS_ERROR: bool = False
"""``for`` over undefined or null runs no body and a quantifier over it is undefined. Otherwise both are errors."""

LENGTH_OF_NULL_IS_ERROR: bool = False
"""``length(null)`` is undefined. Otherwise an error."""

UNKNOWN_NAME_IS_ERROR: bool = True
"""Reading a name never assigned is an error (the text). Otherwise undefined."""

STRING_CONTAINS_OTHER_IS_ERROR: bool = True
"""``"text" contains 5`` is an error. Otherwise undefined."""

NOT_BINDS_TIGHTEST: bool = True
"""``not a in b`` is ``(not a) in b`` (the text). Otherwise ``not`` stands just above ``and``: ``not (a in b)``."""

REJECT_KEEPS_UNDEFINED: bool = True
"""``collection.reject`` keeps an element whose predicate is undefined. Otherwise drops it."""

FUNCTION_WRITES_GLOBAL: bool = True
"""An assignment in a function to the name of an existing global writes that global. Otherwise it makes a local."""

WHEN_UNDEFINED_IS_UNDEFINED: bool = True
"""``rule when undefined { … }`` is undefined. Otherwise true, as when the predicate is false."""

DEFAULT_ENFORCEMENT_LEVEL: str = "advisory"
"""Of a policy in ``sentinel.hcl`` that names none: the command line's default; the concept page says hard-mandatory."""
