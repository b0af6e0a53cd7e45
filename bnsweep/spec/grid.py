"""The grid: the product of the axes, in the order in which its trials should run.

The order is coarse to fine: one seed everywhere first, and within a seed the numeric axes are refined by halving, so
that a sweep that is stopped early still covers the whole range.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from pydantic import ValidationError

from bnsweep.errors import InputError
from bnsweep.spec.axes import is_number
from bnsweep.spec.error_messages import explain
from bnsweep.spec.section import Section
from bnsweep.spec.trial import TrialSpec

SECTIONS = ("model", "dataset", "train")


def grid(fixed: Mapping[str, Any], axes: Mapping[str, list[Any]]) -> Iterator[TrialSpec]:
    """Yield the trials coarse to fine; what several have in common is checked once.

    Args:
        fixed: the fields that are the same for all trials.
        axes: the values of each axis.

    Raises:
        InputError: a trial that cannot be.
    """
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
        problem = explain(error, given, TrialSpec)
        is_of_axis = any(problem.path[: len(field)] == field for field in (tuple(name.split(".")) for name in point))
        raise InputError(f"{'axes.' if is_of_axis else ''}{problem}") from error


def check_unique(trials: Sequence[TrialSpec]) -> None:
    """Raise InputError where two points of the grid are the same trial."""
    seen: dict[str, TrialSpec] = {}
    for spec in trials:
        if (same := seen.setdefault(spec.trial_key, spec)) is not spec:
            raise InputError(f"axes: two points of the grid declare the same trial, {same.to_json()}")
