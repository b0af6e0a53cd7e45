"""What a field of a sweep file takes, in words, from its JSON Schema."""

from __future__ import annotations

from typing import Any

from bnsweep.docs.markdown import code
from bnsweep.spec.section import CALLABLE, CUSTOM

MANY = 20
"""Values that are too many for a cell."""
BOUNDS = {"exclusiveMinimum": ">", "minimum": ">=", "exclusiveMaximum": "<", "maximum": "<="}
TYPES = {"integer": "whole number", "number": "number", "string": "text", "object": "mapping", "null": ""}


def takes(field: dict[str, Any]) -> str:
    """Return what a field takes.

    >>> takes({"type": "integer", "exclusiveMinimum": 0, "maximum": 10**9})
    'whole number > 0, <= 1e+09'
    >>> takes({"anyOf": [{"type": "array", "items": {"enum": ["a", "b"]}}, {"type": "null"}]})
    'list of (`a`, `b`)'
    """
    if "anyOf" in field:
        return " or ".join(dict.fromkeys(filter(None, map(takes, field["anyOf"]))))
    if "$ref" in field:
        return "mapping"
    if "const" in field:
        return code(str(field["const"]))
    if "enum" in field:
        return "a name, see below" if len(field["enum"]) > MANY else ", ".join(map(code, field["enum"]))
    if field["type"] == "boolean":
        return "`true`, `false`"
    if field["type"] == "array":
        items = takes(field["items"])
        return f"list of {items}" if " " not in items.replace("whole number", "number") else f"list of ({items})"
    return _scalar(field)


def _scalar(field: dict[str, Any]) -> str:
    if "pattern" in field:
        return code(CUSTOM if field["pattern"] == CALLABLE else field["pattern"].strip("^$"))
    bounds = ", ".join(f"{sign} {_number(field[bound])}" for bound, sign in BOUNDS.items() if bound in field)
    return f"{TYPES[field['type']]} {bounds}".strip()


def _number(value: float) -> str:
    return "2^63" if value == 2**63 else f"{value:g}"


def as_yaml(value: Any) -> str:
    """Return a value as a sweep file has it.

    >>> as_yaml([0.5, "M", True]), as_yaml({"name": "none"}), as_yaml(1e6), as_yaml(None)
    ('[0.5, M, true]', '{name: none}', '1e+06', '')
    """
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(as_yaml, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {as_yaml(part)}' for key, part in value.items())}}}"
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)
