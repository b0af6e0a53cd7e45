"""The axes of a sweep file: which fields may be one, and the values that each lists or generates."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bnsweep.errors import InputError, did_you_mean
from bnsweep.spec.error_messages import shown, variant
from bnsweep.spec.ranges import RANGE_FORMS, Range, is_number, rounded
from bnsweep.spec.train import TrainSpec
from bnsweep.spec.trial import AXES

MAX_TRIALS = 2**20
LIST_FORMS = ("values", "logspace", "linspace", "range")
AXIS_FORMS = (*LIST_FORMS, *RANGE_FORMS)


def read_axis(name: str, axis: Any) -> Sequence[Any] | Range:
    """Return the values of an axis, in the order of the file, or the range that it is.

    Raises:
        InputError: it is no list and no known form, or has no values.
    """
    key = f"axes.{name}"
    if isinstance(axis, list):
        axis = {"values": axis}
    if not isinstance(axis, dict) or len(axis) != 1:
        raise InputError(f"{key}: given {shown(axis)}; it should be a list, or one of {', '.join(AXIS_FORMS)}")
    form, argument = next(iter(axis.items()))
    if form not in AXIS_FORMS:
        raise InputError(f"{key}: unknown key '{form}'; {did_you_mean(form, AXIS_FORMS)}")
    if form in RANGE_FORMS:
        return Range.of(f"{key}.{form}", form, argument)
    if form == "values" and not isinstance(argument, list):
        raise InputError(f"{key}.{form}: given {argument!r}; it should be a list")
    values: Sequence[Any] = argument if form == "values" else _generated(f"{key}.{form}", form, argument)
    if not values:
        raise InputError(f"{key}: an empty axis leaves no trials; give at least one value or remove the axis")
    return values


def _generated(key: str, form: str, argument: Any) -> Sequence[Any]:
    numbers = argument if isinstance(argument, list) else [argument]
    if form == "range":
        if not (1 <= len(numbers) <= 2 and all(type(number) is int for number in numbers)):
            raise InputError(f"{key}: given {argument!r}; it should be a count such as 3, or [first, end]")
        check_count(key, (numbers[-1] if len(numbers) == 1 else numbers[1] - numbers[0]))
        return range(*numbers)
    if not (len(numbers) == 3 and all(is_number(number) for number in numbers)):
        raise InputError(f"{key}: given {argument!r}; it should be [first, last, count], such as [0.001, 10, 5]")
    first, last, count = numbers
    if type(count) is not int or count < 0:
        raise InputError(f"{key}: given count {count!r}; it should be a whole number of points")
    check_count(key, count)
    if form == "logspace" and min(first, last) <= 0:
        raise InputError(f"{key}: given {argument!r}; first and last should be greater than 0 (values, not exponents)")
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is refused as a value
        points = np.geomspace(first, last, count) if form == "logspace" else np.linspace(first, last, count)
    return [rounded(point) for point in points]


def check_count(key: str, count: int) -> None:
    """Raise InputError for more points than a sweep may have trials."""
    if count > MAX_TRIALS:
        raise InputError(f"{key}: given {count} points; a sweep has at most {MAX_TRIALS} trials")


def check_distinct(name: str, values: Sequence[Any] | Range) -> None:
    """Raise InputError where an axis has a value twice."""
    if isinstance(values, range | Range):
        return
    seen = set[float | str]()
    for value in values:
        same = value if is_number(value) else json.dumps(value, default=str)
        if same in seen:
            raise InputError(f"axes.{name}: {value!r} is given twice, which declares the same trials twice")
        seen.add(same)


def check_axis_name(name: str, fixed: Mapping[str, Any], values: Mapping[str, Sequence[Any]]) -> None:
    """Raise InputError unless `name` is a field that may be an axis, and is not fixed as well."""
    allowed = [*AXES, *(f"train.{field}" for field in TrainSpec.model_fields)]
    for section in ("model", "dataset"):
        given = fixed.get(section)
        names = values.get(f"{section}.name", [given.get("name")] if isinstance(given, dict) else [])
        classes = [cls for name_ in names if (cls := variant(section, name_))]
        if name.startswith(f"{section}.") and any(cls.model_config["extra"] == "allow" for cls in classes):
            allowed.append(name)
        allowed += sorted({f"{section}.{field}" for cls in classes for field in cls.model_fields})
    if "trial" in fixed or "trial.name" in values:
        allowed += [name] if name.startswith("trial.") and name != "trial.metric" else ["trial.OPTION"]
    if name not in allowed:
        raise InputError(f"axes.{name}: unknown key '{name}'; {did_you_mean(name, allowed)}")
    section, _, field = name.partition(".")
    holder = fixed.get(section, {}) if field else fixed
    if isinstance(holder, dict) and (field or name) in holder:
        raise InputError(f"{name}: given both as a fixed value and in axes; keep one of the two")
