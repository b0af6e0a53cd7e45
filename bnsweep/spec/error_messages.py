"""Explains pydantic's errors in one message: the key, what was given, what is allowed, the closest valid name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError

from bnsweep.errors import did_you_mean
from bnsweep.spec.datasets import DatasetSpec
from bnsweep.spec.models import ModelSpec
from bnsweep.spec.section import NONE, variant_tag
from bnsweep.spec.wanted import wanted

Location = tuple[int | str, ...]

_UNIONS = {"model": ModelSpec, "dataset": DatasetSpec}


def variants(section: str) -> dict[str, type[BaseModel]]:
    """Return the classes that `section` (`model` or `dataset`) may be, by name, but for none at all.

    >>> sorted(variants("model"))
    ['deep_linear', 'mlp', 'package.module:callable', 'resnet', 'torchvision/NAME', 'transformer', 'vgg']
    """
    members = (get_args(member) for member in get_args(get_args(_UNIONS[section])[0]))
    return {tag.tag: cls for cls, tag in members if tag.tag != NONE}


def variant(section: str, name: object) -> type[BaseModel] | None:
    """Return the class that `section` is where it has this name; None for a name that is none of them."""
    return variants(section).get(variant_tag({"name": str(name)}) or "")


@dataclass(frozen=True)
class Explanation:
    """What is wrong in a sweep file.

    Args:
        path: the key, from the file's top; empty where no key alone is wrong.
        what: what was given there, and what would be right.
    """

    path: Location
    what: str

    def __str__(self) -> str:
        return f"{dotted(self.path)}: {self.what}" if self.path else self.what


def explain(error: ValidationError, given: Mapping[str, Any], root: type[BaseModel]) -> Explanation:
    """Return the first thing that is wrong in `given`, which was to become a `root`."""
    details = error.errors(include_url=False)
    first = min(
        details, key=lambda detail: detail["type"] != "extra_forbidden"
    )  # a misspelt key explains a missing one
    path = _path_in(given, first["loc"])
    match first["type"]:
        case "extra_forbidden":
            fields = _section_at(root, path[:-1], given).model_fields
            allowed = [field.alias or name for name, field in fields.items()]
            return Explanation(path, f"unknown key '{path[-1]}'; {did_you_mean(path[-1], allowed)}")
        case "missing" | "union_tag_not_found":
            return Explanation(path, f"missing{_needed(first, path)}")
        case "literal_error":
            names = _literals(_annotation_at(root, path, given))
            return Explanation(path, f"given {first['input']!r}; {did_you_mean(first['input'], names)}")
        case "union_tag_invalid":
            tag = first["ctx"]["tag"]
            return Explanation((*path, "name"), f"given {tag!r}; {did_you_mean(tag, variants(str(path[-1])))}")
        case "value_error":
            return Explanation(path, str(first["ctx"]["error"]))
    alternatives = dict.fromkeys(wanted(detail) for detail in details if _path_in(given, detail["loc"]) == path)
    return Explanation(path, f"given {shown(first['input'])}; it {' or '.join(alternatives)}")


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
            section = variant(str(part), given["name"]) or section
        else:
            annotation = section.model_fields[str(part)].annotation
            candidates = [annotation, *get_args(annotation)]
            section = next(cls for cls in candidates if isinstance(cls, type) and issubclass(cls, BaseModel))
    return section


def _annotation_at(root: type[BaseModel], path: Location, given: Any) -> Any:
    """Return the type of the field at `path`, or of the list that it is in."""
    names = [part for part in path if isinstance(part, str)]
    return _section_at(root, tuple(names[:-1]), given).model_fields[names[-1]].annotation


def _literals(annotation: Any) -> list[str]:
    """Return the names that a type allows.

    >>> _literals(tuple[int | Literal["M"], ...])
    ['M']
    """
    if get_origin(annotation) is Literal:
        return [str(name) for name in get_args(annotation)]
    return [name for part in get_args(annotation) for name in _literals(part)]


def _needed(detail: Any, path: Location) -> str:
    if detail["type"] == "union_tag_not_found":
        return f"; it needs a name: {', '.join(sorted(variants(str(path[-1]))))}"
    if path == ("trial", "metric"):
        return "; such as {name: val_loss, mode: min}"
    return ""


def shown(value: object) -> str:
    """Return the value as a user would write it in YAML, cut if long.

    >>> shown(None), shown(True), shown([1, "a"])
    ('null', 'true', "[1, 'a']")
    """
    text = str(value).lower() if isinstance(value, bool) else "null" if value is None else repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
