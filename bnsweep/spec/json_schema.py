"""The JSON Schema of the sweep file, made of the specs themselves, for editors that complete and check as one types.

It accepts whatever `Sweep.from_yaml` does, and refuses unknown keys and wrong types; what depends on several fields
together only reading the file finds.
"""

from __future__ import annotations

from typing import Any, get_args

from bnsweep.spec.axes import AXIS_FORMS
from bnsweep.spec.probes import TIERS
from bnsweep.spec.ranges import RANGE_FORMS
from bnsweep.spec.search import GRID, SearchName
from bnsweep.spec.section import CALLABLE, CUSTOM
from bnsweep.spec.sweep import Frame
from bnsweep.spec.trial import AXES, TrialSpec

Schema = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"
NUMBERS = {"type": "array", "items": {"type": "number"}, "minItems": 3, "maxItems": 3}
BETWEEN = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
RANGE = {"anyOf": [{"type": "integer"}, {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 2}]}
OF_SECTIONS = r"^(model|dataset|trial)\."
"""Names of axes that depend on which model, dataset or loop is chosen."""


def sweep_schema() -> Schema:
    """Return the schema of a sweep file, draft 2020-12."""
    trial, frame = TrialSpec.model_json_schema(), Frame.model_json_schema()
    definitions = trial["$defs"] | frame["$defs"]
    fields: Schema = trial["properties"]
    probes = definitions["ProbesSpec"]
    probes["patternProperties"] = {CALLABLE: probes["properties"].pop(CUSTOM)["patternProperties"][CALLABLE]}
    fields["probes"] = {
        "anyOf": [{"enum": sorted(TIERS)}, {"$ref": "#/$defs/ProbesSpec"}],
        "default": {},
        "description": fields["probes"]["description"],
    }
    for section in ("model", "dataset"):  # whose variants a name of the user's own may match as well
        variants = fields[section].pop("oneOf")
        for variant in variants:
            definitions[variant["$ref"].rpartition("/")[2]].pop("required", None)  # the name may be an axis
        fields[section]["anyOf"] = variants
    search = frame["properties"]["search"]
    frame["properties"]["search"] = {
        "anyOf": [{"enum": list(get_args(SearchName))}, {"$ref": "#/$defs/SearchSpec"}],
        "default": GRID.name,
        "description": search["description"],
    }
    train = definitions["TrainSpec"]["properties"]
    axes = {
        "type": "object",
        "description": "What varies: every combination is a trial.",
        "default": {},
        "properties": {name: _axis(fields[name]) for name in AXES}
        | {f"train.{name}": _axis(field) for name, field in train.items()},
        "patternProperties": {OF_SECTIONS: _axis({})},
        "additionalProperties": False,
    }
    schema: Schema = {
        "$schema": DIALECT,
        "title": "A sweep file of bnsweep",
        "type": "object",
        "required": ["name"],
        "properties": {**frame["properties"], **fields, "axes": axes},
        "additionalProperties": False,
        "$defs": definitions,
    }
    without: Schema = _without_titles(schema)
    return without


def _axis(field: Schema) -> Schema:
    """Return the schema of an axis over a field: a list of its values, or one of the forms of lists and ranges."""
    said = {key: text for key, text in field.items() if key == "description"}
    value = {key: part for key, part in field.items() if key not in ("description", "default")}
    values = {"type": "array", "items": value, "minItems": 1}
    forms: Schema = {"values": values, "logspace": NUMBERS, "linspace": NUMBERS, "range": RANGE}
    forms |= dict.fromkeys(RANGE_FORMS, BETWEEN)
    one = {"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": False}
    return {**said, "anyOf": [values, {**one, "properties": {form: forms[form] for form in AXIS_FORMS}}]}


def _without_titles(schema: Any, is_field: bool = False) -> Any:
    """Leave out the titles that pydantic makes of the names of fields, which say nothing more."""
    if isinstance(schema, list):
        return [_without_titles(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: value for key, value in schema.items() if is_field or key != "title" or value.startswith("A ")}
    return {key: _without_titles(value, key in ("properties", "patternProperties")) for key, value in kept.items()}
