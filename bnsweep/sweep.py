"""A sweep file: declares the trials that should exist.

The grid is the product of the axes. Its order is coarse to fine: one seed everywhere first, and within a seed the
numeric axes are refined by halving, so that a sweep that is stopped early still covers the whole range.
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Self

import numpy as np
from pydantic import Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bnsweep.errors import InputError, did_you_mean
from bnsweep.results.schema import AXES
from bnsweep.spec import Section, TrainSpec, TrialSpec
from bnsweep.validation import explain, shown, variant

SECTIONS = ("model", "dataset", "train")
LARGEST_SWEEP = 1_000_000
AXIS_FORMS = ("values", "logspace", "linspace", "range")
SIGNIFICANT_DIGITS = 6
"""Generated grid points are rounded to as many, so that a user can type one again and mean the same trial."""


class Resources(Section):
    """What one worker holds."""

    cpus: float = Field(default=1, gt=0, allow_inf_nan=False)
    gpus: float = Field(default=0, ge=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _gpus_are_whole_above_one(self) -> Self:
        if self.gpus > 1 and self.gpus != int(self.gpus):
            raise ValueError(f"gpus {self.gpus:g}: a share of one GPU, such as 0.25, or a whole number of them")
        return self


class _Frame(Section):
    """The keys of a sweep file that are not of a trial."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    resources: Resources = Resources()


@dataclass(frozen=True)
class Sweep:
    """The trials that a sweep file declares, in the order in which they should run."""

    name: str
    resources: Resources
    trials: tuple[TrialSpec, ...]
    text: str

    @classmethod
    def from_yaml(cls, path: str | os.PathLike[str]) -> Self:
        """Read a sweep file.

        Raises:
            InputError: it is missing, not YAML, or says something impossible; the message names the key.
        """
        try:
            with open(path, encoding="utf-8") as file:
                text = file.read()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{os.fspath(path)}: cannot be read ({error}); give the path of a sweep file") from error
        try:
            return cls.from_text(text)
        except InputError as error:
            raise InputError(f"{os.fspath(path)}: {error}") from error

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read a sweep from the text of its file; errors as `from_yaml`."""
        given = _parse(text)
        frame, axes, fixed = _split(given)
        values = {name: _axis_values(name, axis) for name, axis in axes.items()}
        for name in values:
            _check_axis_name(name, fixed, values)
            _check_distinct(name, values[name])
        _check_count("axes", math.prod(map(len, values.values())))
        trials = tuple(_grid(fixed, values))
        _check_unique(trials)
        return cls(frame.name, frame.resources, trials, text)


def _parse(text: str) -> dict[str, Any]:
    try:
        given = YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None) or str(error)
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise InputError(f"{where}not valid YAML: {' '.join(problem.split())}") from error
    except ValueError as error:  # a date or a number that Python refuses
        raise InputError(f"not valid YAML: {error}; put text in quotes") from error
    except RecursionError as error:
        raise InputError("not valid YAML: nested too deeply; a sweep file has a few levels") from error
    if not isinstance(given, dict):
        raise InputError(
            f"given {type(given).__name__}; a sweep file is a mapping with the keys name, model, dataset, axes"
        )
    return given


def _split(given: dict[str, Any]) -> tuple[_Frame, dict[str, Any], dict[str, Any]]:
    """Return the frame, the axes and the fixed fields of a trial."""
    allowed = {*_Frame.model_fields, "axes", *TrialSpec.model_fields}
    for key in given:
        if key not in allowed:
            raise InputError(f"{key}: unknown key '{key}'; {did_you_mean(key, allowed)}")
    framed = {key: given[key] for key in _Frame.model_fields if key in given}
    try:
        frame = _Frame.model_validate(framed)
    except ValidationError as error:
        raise InputError(explain(error, framed, _Frame)) from error
    axes = given.get("axes", {})
    if not isinstance(axes, dict):
        raise InputError(
            f"axes: given {shown(axes)}; it should be a mapping such as {{lr: [0.01, 0.1], seed: {{range: 3}}}}"
        )
    for key in SECTIONS:
        if key in given and not isinstance(given[key], dict):
            example = f"{{name: {given[key]}}}" if isinstance(given[key], str) else "{key: value}"
            raise InputError(f"{key}: given {shown(given[key])}; it should be a mapping such as {example}")
    axes = {str(key): axis for key, axis in axes.items()}  # YAML reads 3 as a number; it is no field by either name
    return frame, axes, {key: given[key] for key in TrialSpec.model_fields if key in given}


def _axis_values(name: str, axis: Any) -> list[Any]:
    """Return the values of an axis, in the order of the file."""
    key = f"axes.{name}"
    if isinstance(axis, list):
        axis = {"values": axis}
    if not isinstance(axis, dict) or len(axis) != 1:
        raise InputError(f"{key}: given {shown(axis)}; it should be a list, or one of {', '.join(AXIS_FORMS)}")
    form, argument = next(iter(axis.items()))
    if form not in AXIS_FORMS:
        raise InputError(f"{key}: unknown key '{form}'; {did_you_mean(form, AXIS_FORMS)}")
    values = argument if form == "values" else _generated(f"{key}.{form}", form, argument)
    if not isinstance(values, list):
        raise InputError(f"{key}.{form}: given {values!r}; it should be a list")
    if not values:
        raise InputError(f"{key}: an empty axis leaves no trials; give at least one value or remove the axis")
    return values


def _generated(key: str, form: str, argument: Any) -> list[Any]:
    numbers = argument if isinstance(argument, list) else [argument]
    if form == "range":
        if not (1 <= len(numbers) <= 2 and all(type(number) is int for number in numbers)):
            raise InputError(f"{key}: given {argument!r}; it should be a count such as 3, or [first, end]")
        _check_count(key, (numbers[-1] if len(numbers) == 1 else numbers[1] - numbers[0]))
        return list(range(*numbers))
    if not (len(numbers) == 3 and all(_is_number(number) for number in numbers)):
        raise InputError(f"{key}: given {argument!r}; it should be [first, last, count], such as [0.001, 10, 5]")
    first, last, count = numbers
    if type(count) is not int or count < 0:
        raise InputError(f"{key}: given count {count!r}; it should be a whole number of points")
    _check_count(key, count)
    if form == "logspace" and min(first, last) <= 0:
        raise InputError(f"{key}: given {argument!r}; first and last should be greater than 0 (values, not exponents)")
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is refused as a value
        points = np.geomspace(first, last, count) if form == "logspace" else np.linspace(first, last, count)
    return [float(f"{point:.{SIGNIFICANT_DIGITS}g}") for point in points]


def _check_count(key: str, count: int) -> None:
    if count > LARGEST_SWEEP:
        raise InputError(f"{key}: given {count} points; a sweep has at most {LARGEST_SWEEP} trials")


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= sys.float_info.max


def _check_distinct(name: str, values: Sequence[Any]) -> None:
    seen: set[str] = set()
    for value in values:
        same = json.dumps(float(value) + 0.0 if _is_number(value) else value, default=str)
        if same in seen:
            raise InputError(f"axes.{name}: {value!r} is given twice, which declares the same trials twice")
        seen.add(same)


def _check_unique(trials: Sequence[TrialSpec]) -> None:
    seen: dict[str, TrialSpec] = {}
    for spec in trials:
        if (same := seen.setdefault(spec.trial_key, spec)) is not spec:
            raise InputError(f"axes: two points of the grid declare the same trial, {same.to_json()}")


def _check_axis_name(name: str, fixed: Mapping[str, Any], values: Mapping[str, list[Any]]) -> None:
    allowed = [*AXES, *(f"train.{field}" for field in TrainSpec.model_fields)]
    for section in ("model", "dataset"):
        given = fixed.get(section)
        names = values.get(f"{section}.name", [given.get("name")] if isinstance(given, dict) else [])
        classes = [cls for name_ in names if (cls := variant(section, name_))]
        if name.startswith(f"{section}.") and any(cls.model_config["extra"] == "allow" for cls in classes):
            allowed.append(name)
        allowed += sorted({f"{section}.{field}" for cls in classes for field in cls.model_fields})
    if name not in allowed:
        raise InputError(f"axes.{name}: unknown key '{name}'; {did_you_mean(name, allowed)}")
    section, _, field = name.partition(".")
    holder = fixed.get(section, {}) if field else fixed
    if isinstance(holder, dict) and (field or name) in holder:
        raise InputError(f"{name}: given both as a fixed value and in axes; keep one of the two")


def _grid(fixed: Mapping[str, Any], axes: Mapping[str, list[Any]]) -> Iterator[TrialSpec]:
    """Yield the trials coarse to fine; what several have in common is checked once."""
    names, choices = list(axes), list(axes.values())
    levels = [[0] * len(values) if name == "seed" else refinement(values) for name, values in axes.items()]
    seed = names.index("seed") if "seed" in names else None

    def order(point: tuple[int, ...]) -> tuple[int, int, tuple[int, ...]]:
        finest = max((level[index] for level, index in zip(levels, point, strict=True)), default=0)
        return (0 if seed is None else point[seed]), finest, point

    places = {
        section: [place for place, name in enumerate(names) if name.startswith(f"{section}.")]
        for section in (*SECTIONS, "probes")
    }
    checked: dict[tuple[str, tuple[int, ...]], Section] = {}
    for point in sorted(product(*(range(len(choice)) for choice in choices)), key=order):
        chosen = {name: choice[index] for name, choice, index in zip(names, choices, point, strict=True)}
        own = {section: (section, tuple(point[place] for place in places[section])) for section in places}
        spec = _trial_at(fixed, chosen, {section: checked[key] for section, key in own.items() if key in checked})
        checked.update((key, getattr(spec, section)) for section, key in own.items())
        yield spec


def refinement(values: Sequence[Any]) -> list[int]:
    """Return the level of each value of an axis: 0 for both ends and the middle, then halving; 0 if not numeric.

    >>> refinement([0.001, 0.01, 0.1, 1.0, 10.0])
    [0, 1, 0, 1, 0]
    """
    if not all(_is_number(value) for value in values):
        return [0] * len(values)
    by_size = sorted(range(len(values)), key=lambda index: values[index])
    levels = dict.fromkeys((by_size[0], by_size[len(values) // 2], by_size[-1]), 0)
    spans, level = [(0, len(values) // 2), (len(values) // 2, len(values) - 1)], 1
    while spans:
        halves = [(first, (first + last) // 2, last) for first, last in spans if last - first > 1]
        levels.update({by_size[middle]: level for _, middle, _ in halves})
        spans = [span for first, middle, last in halves for span in ((first, middle), (middle, last))]
        level += 1
    return [levels[index] for index in range(len(values))]


def _trial_at(fixed: Mapping[str, Any], point: Mapping[str, Any], checked: Mapping[str, Section]) -> TrialSpec:
    """Return the trial at one point of the grid, checked; `checked` are those of its sections that were."""
    given = {key: dict(value) if isinstance(value, dict) else value for key, value in fixed.items()}
    for name, value in point.items():
        section, _, field = name.partition(".")
        if field:
            given.setdefault(section, {})[field] = value
        else:
            given[name] = value
    try:
        return TrialSpec.model_validate({**given, **checked})
    except ValidationError as error:
        message = explain(error, given, TrialSpec)
        of_axis = any(message.startswith((f"{name}:", f"{name}[")) for name in point)
        raise InputError(f"{'axes.' if of_axis else ''}{message}") from error
