"""What would be right where pydantic refuses a value, in the words of a sweep file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bnsweep.spec.section import CALLABLE, CUSTOM

_MAPPING = "should be a mapping such as {{key: value}}"
_WANTED = {
    "greater_than": "should be greater than {gt}",
    "greater_than_equal": "should be greater than or equal to {ge}",
    "less_than": "should be less than {lt}",
    "less_than_equal": "should be less than or equal to {le}",
    "finite_number": "should be a finite number",
    "int_type": "should be a valid integer",
    "float_type": "should be a valid number",
    "bool_type": "should be a valid boolean",
    "string_type": "should be a valid string",
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
    "dict_type": _MAPPING,
    "tuple_type": "should be a list",
    "list_type": "should be a list",
    "too_short": "should have at least {min_length} {items}",
    "string_too_short": "should have at least {min_length} character",
    "invalid_key": "should have keys that are strings",
    "literal_error": "should be {expected}",
}
"""By pydantic's type of the error, with what its context names."""

_PATTERNS = {CALLABLE: f"should be {CUSTOM}"}
_NAME = "should consist of letters, digits and _ . - alone"
"""Of text that matches any other pattern."""


def wanted(detail: Any) -> str:
    """Return what should be there, from an entry of `ValidationError.errors()`.

    >>> wanted({"type": "less_than_equal", "ctx": {"le": 1e30}, "msg": "Input should be"})
    'should be less than or equal to 1e30'
    """
    context: Mapping[str, Any] = detail.get("ctx", {})
    if detail["type"] == "string_pattern_mismatch":
        return _PATTERNS.get(context["pattern"], _NAME)
    if detail["type"] not in _WANTED:
        return str(detail["msg"])
    words = {name: _as_written(value) for name, value in context.items()}
    return _WANTED[detail["type"]].format(**words, items="item" if context.get("min_length") == 1 else "items")


def _as_written(value: object) -> str:
    return f"{value:g}".replace("e+", "e") if isinstance(value, float) else str(value)
