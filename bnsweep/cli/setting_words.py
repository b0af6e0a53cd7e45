"""What a shell offers behind `--set`: the fields of a sweep file, and their values.

Shells put a space behind the only word that is left: so a field comes with `=` alone and with its values.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bnsweep.spec.error_messages import variant
from bnsweep.spec.probes import TIERS
from bnsweep.spec.sweep import Frame
from bnsweep.spec.trial import AXES, TrialSpec

Fields = dict[str, list[str]]
"""Values to offer, by the dotted name of a field."""
VARIED = ("train.", "model.", "dataset.")
"""Sections whose fields may be axes."""


def setting_words(text: str, incomplete: str) -> list[str]:
    """Return what may follow `--set`: a level of names at a time; of one field also its values.

    Args:
        text: that of the sweep file, which says the fields of which model and dataset these are.
        incomplete: what is typed so far.
    """
    given = _given(text)
    if incomplete.startswith("~"):
        return _next_level([f"~{key}" for key in _keys(given)], incomplete)
    fields = _fields(given)
    key, is_given, _ = incomplete.partition("=")
    if is_given:
        return [word for value in fields.get(key, ()) if (word := f"{key}={value}").startswith(incomplete)]
    words = _next_level([f"{name}=" for name in fields], incomplete)
    return [*words, *(f"{words[0]}{value}" for value in fields.get(words[0][:-1], ()))] if len(words) == 1 else words


def _given(text: str) -> dict[str, Any]:
    """Return what the sweep file says; nothing where it does not say it in YAML."""
    try:
        given = YAML(typ="safe", pure=True).load(text)
    except (YAMLError, ValueError):
        return {}
    return given if isinstance(given, dict) else {}


def _keys(given: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield the dotted names of what the file says, sections included."""
    for key, value in given.items():
        yield f"{prefix}{key}"
        if isinstance(value, dict):
            yield from _keys(value, f"{prefix}{key}.")


def _next_level(words: Iterable[str], incomplete: str) -> list[str]:
    """Return the words that begin so, up to their next dot; of a single section, what is in it.

    >>> words = ["lr=", "train.steps=", "train.loss="]
    >>> _next_level(words, ""), _next_level(words, "t"), _next_level(words, "train.s")
    (['lr=', 'train.'], ['train.steps=', 'train.loss='], ['train.steps='])
    """
    every = list(words)
    fit = [word for word in every if word.startswith(incomplete)]
    cut = dict.fromkeys(word[: word.find(".", len(incomplete)) + 1] or word for word in fit)
    if len(cut) == 1 and (section := next(iter(cut))).endswith("."):
        return _next_level(every, section)
    return list(cut)


def _fields(given: Mapping[str, Any]) -> Fields:
    """Return every field of a sweep file like this one, and under `axes.` those that may be one."""
    fields = _of_class(Frame) | _of_class(TrialSpec) | {"probes": sorted(TIERS)}
    for section in ("model", "dataset"):
        if cls := variant(section, _section(given, section).get("name")):
            fields |= _of_class(cls, f"{section}.")
        fields.pop(section, None)
    fields |= {key: [_word(value), *fields.get(key, ())] for key, value in _leaves(given)}
    axes = [*AXES, *(field for field in fields if field.startswith(VARIED)), *_section(given, "axes")]
    fields = {key: list(dict.fromkeys(values)) for key, values in fields.items()}
    return fields | {f"axes.{axis}": ["["] for axis in axes}


def _section(given: Mapping[str, Any], name: str) -> dict[str, Any]:
    section = given.get(name)
    return section if isinstance(section, dict) else {}


def _of_class(cls: type[BaseModel], prefix: str = "") -> Fields:
    """Return the fields of a section and of the sections in it."""
    fields: Fields = {}
    for attribute, field in cls.model_fields.items():
        name, kinds = field.alias or attribute, [field.annotation, *get_args(field.annotation)]
        inner = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
        if inner and ":" not in name:  # which is a probe of the user's own, under any name
            fields |= _of_class(inner, f"{prefix}{name}.")
        elif not inner:
            fields[f"{prefix}{name}"] = _values(kinds, field.default)
    return fields


def _values(kinds: Iterable[Any], default: Any) -> list[str]:
    """Return the names that a field takes, or else its default as an example."""
    names = [name for kind in kinds if get_origin(kind) is Literal for name in get_args(kind)]
    if bool in kinds:
        names = [True, False]
    is_plain = default is None or isinstance(default, bool | int | float | str)
    return [_word(name) for name in (names or ([default] if is_plain else []))]


def _leaves(given: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the dotted names and values of what the file says, but for its axes."""
    for key, value in given.items():
        if key == "axes" or ":" in str(key):  # dots in a name of the user's own would be levels
            continue
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _word(value: Any) -> str:
    """Return a value as YAML in one word.

    >>> _word(True), _word("sgd"), _word([16, "M"])
    ('true', 'sgd', '[16,"M"]')
    """
    return value if isinstance(value, str) else json.dumps(value, default=str, separators=(",", ":"))
