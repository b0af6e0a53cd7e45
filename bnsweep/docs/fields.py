"""Every field of a sweep file, as the specs have it."""

from __future__ import annotations

from typing import Any

from bnsweep.docs.markdown import Lines, code, table
from bnsweep.docs.values import MANY, as_yaml, takes
from bnsweep.spec.json_schema import Schema, sweep_schema
from bnsweep.spec.probes import TIERS, ScheduleSpec
from bnsweep.spec.section import CUSTOM, TORCHVISION

HEAD = ("field", "takes", "default", "meaning")
SCHEDULE: Schema = ScheduleSpec.model_json_schema()


def fields_of_sweep_files() -> Lines:
    """Yield the lines of the reference."""
    schema = sweep_schema()
    definitions, fields = schema["$defs"], schema["properties"]
    yield from ("", "## Every field", "", "### The file")
    yield from _fields(fields)
    for name in ("model", "dataset"):
        for variant in fields[name]["anyOf"]:
            section = _of(variant, definitions)
            yield from _section(f"{name}: {_name(section)}", section)
    for name in ("train", "log", "trial"):
        yield from _section(name, _of(fields[name], definitions))
    yield from _section("trial.metric", definitions["MetricSpec"])
    for name in ("resources", "search", "pruner"):
        yield from _section(name, _of(fields[name], definitions))
    yield from _probes(definitions)


def _probes(definitions: dict[str, Schema]) -> Lines:
    """Yield what each probe takes, their schedule once."""
    probes = definitions["ProbesSpec"]
    yield from _section("probes", probes)
    for tier, given in TIERS.items():
        yield from ("", f"`{tier}` is short for:", "", "```yaml", "probes:")
        yield from (f"  {probe}: {as_yaml(section)}" for probe, section in given.items())
        yield "```"
    yield from _section("probes: when they measure", SCHEDULE)
    for name, field in probes["properties"].items():
        yield from _section(f"probes.{name}", _without_schedule(_of(field, definitions)))
    yield from _section(f'probes."{CUSTOM}"', _without_schedule(definitions["CustomProbeSpec"]))


def _without_schedule(section: Schema) -> Schema:
    own = {name: field for name, field in section["properties"].items() if name not in SCHEDULE["properties"]}
    return {**section, "properties": own}


def _of(field: Schema, definitions: dict[str, Schema]) -> Schema:
    """Return the section that a field holds."""
    (name,) = [one["$ref"] for one in (field, *field.get("anyOf", ())) if "$ref" in one]
    section: Schema = definitions[name.rpartition("/")[2]]
    return section


def _name(section: Schema) -> str:
    """Return by which name a model or dataset is chosen."""
    name: Schema = section["properties"]["name"]
    return TORCHVISION if "enum" in name else str(name.get("const", CUSTOM))


def _section(title: str, section: Schema) -> Lines:
    yield from ("", f"### {title}", "", " ".join(section["description"].split()))
    fields = {name: field for name, field in section["properties"].items() if "const" not in field}
    if fields:
        yield from _fields(fields)


def _fields(fields: dict[str, Schema]) -> Lines:
    yield from table(HEAD, (_row(name, field) for name, field in fields.items()))
    for name, field in fields.items():
        if len(field.get("enum", ())) > MANY:
            yield from ("", f"`{name}`: {', '.join(map(code, field['enum']))}.")


def _row(name: str, field: Schema) -> tuple[str, ...]:
    """Return a field's name, what it takes, its default unless that is a whole section, and what it means."""
    default: Any = field.get("default", ...)
    in_words = "needed" if default is ... else "" if isinstance(default, dict) else code(as_yaml(default))
    return code(name), takes(field), in_words, field.get("description", "")
