"""The fields of nested specs: one flat name each, short where that is unambiguous, and values as numbers or text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

Path = tuple[str, ...]
Level = str | float
"""A value of a field: a number, or text."""

NONE = "none"
"""The level of a field that a spec does not have, or has as null."""
FIRST = ("model", "dataset", "train")
"""The sections that come first."""


def flatten(specs: Sequence[dict[str, Any]]) -> dict[Path, list[Any]]:
    """Return by path the values of each field in all of `specs`; None for one that a spec lacks.

    A list is a value, and so is a mapping that not every spec has there: `probes.ics` where some trials do not measure
    it.

    >>> flatten([{"model": {"name": "mlp"}, "ics": None}, {"model": {"name": "vgg"}, "ics": {"every": 5}}])
    {('model', 'name'): ['mlp', 'vgg'], ('ics',): [None, {'every': 5}]}
    """
    names = dict.fromkeys(name for name in (*FIRST, *_keys(specs)) if any(name in spec for spec in specs))
    fields = dict[Path, list[Any]]()
    for name in names:
        values = [spec.get(name) for spec in specs]
        sections = [value for value in values if isinstance(value, dict)]
        if len(sections) == len(specs):
            fields |= {(name, *path): inner for path, inner in flatten(sections).items()}
        else:
            fields[name,] = values
    return fields


def _keys(specs: Iterable[dict[str, Any]]) -> list[str]:
    return [name for spec in specs for name in spec]


def short_names(paths: Sequence[Path], taken: Iterable[str] = ()) -> dict[Path, str]:
    """Return for each path the end of it that no other path has; the `name` of a section goes by the section.

    >>> short_names([("model", "name"), ("train", "momentum"), ("ics", "every"), ("moments", "every")])
    {('model', 'name'): 'model', ('train', 'momentum'): 'momentum', ('ics', 'every'): 'ics.every', \
('moments', 'every'): 'moments.every'}
    """
    full = {path: path[:-1] if len(path) > 1 and path[-1] == "name" else path for path in paths}
    ends = [".".join(path[k:]) for path in full.values() for k in range(len(path))] + list(taken)
    return {
        path: next((end for k in reversed(range(len(one))) if ends.count(end := ".".join(one[k:])) == 1), ".".join(one))
        for path, one in full.items()
    }


def levels_of(values: Sequence[Any]) -> list[Level]:
    """Return the values of a field as numbers, or as text that tells them apart."""
    words = [_level(value) for value in values]
    texts = [canonical(value) for value in values]
    return words if len(set(map(in_words, words))) == len(set(texts)) else list[Level](texts)


def canonical(value: Any) -> str:
    """Return a value as the text that only values equal to it have."""
    return json.dumps(value, sort_keys=True)


def in_words(value: Level) -> str:
    """Return a level as text; a number as short as still tells it exactly."""
    if isinstance(value, str):
        return value
    return short if float(short := f"{value:g}") == value else repr(value)


def _level(value: Any) -> Level:
    if value is None:
        return NONE
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):  # a section of the spec: what it sets
        return " ".join(f"{name} {in_words(_level(inner))}" for name, inner in value.items() if inner) or "default"
    if isinstance(value, list):
        return f"[{', '.join(in_words(_level(inner)) for inner in value)}]"
    return value if isinstance(value, (int, float)) else str(value)
