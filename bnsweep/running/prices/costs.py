"""What a trial does, how often, and what each part of this work costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from statistics import fmean
from typing import NamedTuple

from bnsweep.probes import build_final_probes, build_probes
from bnsweep.spec import TrialSpec
from bnsweep.training.curves import logs_end

STEP, EVALUATION, COMPILING = "training step", "test evaluation", "compiling the step"
"""Parts of the work beside the rows of tables, no name of which has a blank."""

PEAK, GPU = "peak of a trial", "whole GPU"
"""Of the memory: of the device, on a CPU of the process; and of the GPU, where it is one."""


class Costs(NamedTuple):
    """What each part of the work costs once: seconds (all that is no other part under `trials`), bytes of its rows.

    `file_bytes` are those of each table's Parquet file without rows, `memory_bytes` PEAK and GPU as far as known.
    """

    seconds: dict[str, float]
    row_bytes: dict[str, float]
    file_bytes: dict[str, float]
    memory_bytes: dict[str, float]


def work_of(spec: TrialSpec) -> dict[str, int]:
    """Return how often a trial that does not diverge does each part: its steps, rows of `curves`, measurements, ..."""
    steps = spec.train.steps
    work = {"trials": 1, STEP: steps, COMPILING: 0} | ({} if spec.is_own else _recorded(spec))
    work |= {probe.table: sum(map(probe.due, range(steps))) for probe in build_probes(spec.probes, steps)}
    return work | {probe.table: 1 for probe in build_final_probes(spec.probes)}


def _recorded(spec: TrialSpec) -> dict[str, int]:
    """Return how many evaluations and rows of `curves` bnsweep's own loop makes."""
    steps, train = spec.train.steps, spec.train
    logged = _measured(spec) | {0} if spec.log.curves == "summary" else range(0, steps, train.log_every)
    evaluated = range(0, steps, train.eval_every) if train.eval_every else range(0)
    rows_of_curves = len(logged) + sum(step not in logged for step in evaluated) + logs_end(spec)
    return {EVALUATION: len(evaluated) + 1, "curves": rows_of_curves}


def _measured(spec: TrialSpec) -> set[int]:
    """Return the steps that any probe measures."""
    steps = spec.train.steps
    return {step for probe in build_probes(spec.probes, steps) for step in filter(probe.due, range(steps))}


def total(work: Mapping[str, int], costs: Mapping[str, float]) -> float:
    """Return what the work costs; parts that it does not name, rows that a user's own loop logs, are of each step."""
    return sum(work.get(part, work[STEP]) * cost for part, cost in costs.items())


def mean_costs(costs: Sequence[Costs]) -> Costs:
    """Return the mean of each cost: the trials of a sweep have the same probes, but users' loops log what they like."""
    return Costs(*(_mean(each) for each in zip(*costs, strict=True)))


def _mean(costs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {part: fmean(cost.get(part, 0.0) for cost in costs) for part in dict.fromkeys(chain(*costs))}
