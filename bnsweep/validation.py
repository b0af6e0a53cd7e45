"""Turns pydantic's errors into one message: the key, what was given, what is allowed, the closest valid name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from bnsweep.errors import did_you_mean
from bnsweep.spec import DatasetSpec, ModelSpec

Location = tuple[int | str, ...]

_UNIONS = {"model": ModelSpec, "dataset": DatasetSpec}


def variants(section: str) -> dict[str, type[BaseModel]]:
    """Return the classes that `section` (`model` or `dataset`) may be, by name.

    >>> sorted(variants("model"))
    ['mlp', 'vgg']
    """
    union = get_args(_UNIONS[section])[0]
    return {get_args(cls.model_fields["name"].annotation)[0]: cls for cls in get_args(union)}


def explain(error: ValidationError, given: Mapping[str, Any], root: type[BaseModel]) -> str:
    """Return one line on the first thing that is wrong in `given`, which was to become a `root`."""
    details = error.errors(include_url=False)
    first = min(
        details, key=lambda detail: detail["type"] != "extra_forbidden"
    )  # a misspelt key explains a missing one
    path = _path_in(given, first["loc"])
    match first["type"]:
        case "extra_forbidden":
            allowed = _section_at(root, path[:-1], given).model_fields
            return f"{dotted(path)}: unknown key '{path[-1]}'; {did_you_mean(path[-1], allowed)}"
        case "missing" | "union_tag_not_found":
            return f"{dotted(path)}: missing{_needed(first, path)}"
        case "literal_error":
            names = re.findall(r"'([^']*)'", first["ctx"]["expected"])
            return f"{dotted(path)}: given {first['input']!r}; {did_you_mean(first['input'], names)}"
        case "union_tag_invalid":
            tag = first["ctx"]["tag"]
            return f"{dotted((*path, 'name'))}: given {tag!r}; {did_you_mean(tag, variants(str(path[-1])))}"
        case "value_error":
            return f"{dotted(path)}: {first['ctx']['error']}" if path else str(first["ctx"]["error"])
    wanted = dict.fromkeys(_plain(detail["msg"]) for detail in details if _path_in(given, detail["loc"]) == path)
    return f"{dotted(path)}: given {_shown(first['input'])}; it {' or '.join(wanted)}"


def dotted(path: Location) -> str:
    """Return the path as a user writes it.

    >>> dotted(("model", "widths", 2))
    'model.widths[2]'
    """
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def _path_in(given: Any, location: Location) -> Location:
    """Return `location` without what pydantic adds: names of a union's members."""
    path: list[int | str] = []
    for number, part in enumerate(location):
        known = (isinstance(given, Mapping) and part in given) or (isinstance(given, list) and isinstance(part, int))
        if known:
            given = given[part]
            path.append(part)
        elif number == len(location) - 1 and isinstance(given, Mapping) and part not in _tags():
            path.append(part)
    return tuple(path)


def _tags() -> set[str]:
    return {name for section in _UNIONS for name in variants(section)}


def _section_at(root: type[BaseModel], path: Location, given: Any) -> type[BaseModel]:
    """Return the class whose fields are allowed at `path`."""
    section = root
    for part in path:
        given = given[part]
        if part in _UNIONS:
            section = variants(str(part))[given["name"]]
        else:
            annotation = section.model_fields[str(part)].annotation
            candidates = [annotation, *get_args(annotation)]
            section = next(cls for cls in candidates if isinstance(cls, type) and issubclass(cls, BaseModel))
    return section


def _needed(detail: Any, path: Location) -> str:
    if detail["type"] == "union_tag_not_found":
        return f"; it needs a name: {', '.join(sorted(variants(str(path[-1]))))}"
    if path[-1] in _UNIONS:
        return f"; such as {{name: {sorted(variants(str(path[-1])))[0]}}}"
    return ""


def _plain(message: str) -> str:
    message = re.sub(r"valid dictionary or .*", "mapping such as {key: value}", message)
    return re.sub(r"^(Input|String) ", "", message)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
