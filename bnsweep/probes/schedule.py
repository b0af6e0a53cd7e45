"""When a probe measures: a plain function from step to yes or no."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bnsweep.spec import ScheduleSpec

Schedule = Callable[[int], bool]
"""Whether to measure the step that so many updates came before."""


def make_schedule(spec: ScheduleSpec, steps: int) -> Schedule:
    """Return the schedule of `spec` in a trial of `steps` updates.

    >>> due = make_schedule(ScheduleSpec(every=25, start=10), steps=100)
    >>> [step for step in range(100) if due(step)]
    [10, 35, 60, 85]
    >>> due = make_schedule(ScheduleSpec(every=400, start=200, at_least=2), steps=100)
    >>> [step for step in range(100) if due(step)]
    [25, 75]
    >>> due = make_schedule(ScheduleSpec(log_spaced=5), steps=1001)
    >>> [step for step in range(1001) if due(step)]
    [0, 1, 10, 100, 1000]
    """
    if spec.at is not None:
        return frozenset(spec.at).__contains__
    if spec.log_spaced is not None:
        return frozenset(_log_spaced(spec.log_spaced, steps)).__contains__
    regular, parts = range(spec.start, steps, spec.every or 1), spec.at_least or 0
    if len(regular) >= parts:
        return regular.__contains__
    return frozenset((2 * part + 1) * steps // (2 * parts) for part in range(parts)).__contains__


def _log_spaced(count: int, steps: int) -> list[int]:
    last = max(1, steps - 1)
    return [0, *(round(step) for step in np.geomspace(last, 1, count - 1))] if count > 1 else [0]
