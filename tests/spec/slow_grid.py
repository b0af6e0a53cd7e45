"""The grid as plainly as it can be said, to compare with: each trial is made, and ordered in Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from pydantic import ValidationError

from bnsweep.errors import InputError
from bnsweep.spec import TrialSpec
from bnsweep.spec.axes import is_number
from bnsweep.spec.error_messages import explain


def slow_grid(fixed: Mapping[str, Any], axes: Mapping[str, Sequence[Any]]) -> list[TrialSpec]:
    """Return the trials coarse to fine; raise InputError for one that cannot be or is declared twice."""
    levels = [[0] * len(values) if name == "seed" else slow_refinement(values) for name, values in axes.items()]
    seed = list(axes).index("seed") if "seed" in axes else None

    def order(point: tuple[int, ...]) -> tuple[int, int, tuple[int, ...]]:
        finest = max((level[index] for level, index in zip(levels, point, strict=True)), default=0)
        return (0 if seed is None else point[seed]), finest, point

    points = sorted(product(*(range(len(values)) for values in axes.values())), key=order)
    trials = [trial_at(fixed, {n: axes[n][index] for n, index in zip(axes, point, strict=True)}) for point in points]
    seen: dict[str, TrialSpec] = {}
    for spec in trials:
        if (same := seen.setdefault(spec.trial_key, spec)) is not spec:
            raise InputError(f"axes: two points of the grid declare the same trial, {same.to_json()}")
    return trials


def slow_refinement(values: Sequence[Any]) -> list[int]:
    if not all(is_number(value) for value in values):
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


def trial_at(fixed: Mapping[str, Any], point: Mapping[str, Any]) -> TrialSpec:
    given = {key: dict(value) if isinstance(value, dict) else value for key, value in fixed.items()}
    for name, value in point.items():
        section, _, field = name.partition(".")
        if field:
            given.setdefault(section, {})[field] = value
        else:
            given[name] = value
    try:
        return TrialSpec.model_validate(given)
    except ValidationError as error:
        problem = explain(error, given, TrialSpec)
        is_of_axis = any(problem.path[: len(field)] == field for field in (tuple(name.split(".")) for name in point))
        raise InputError(f"{'axes.' if is_of_axis else ''}{problem}") from error
