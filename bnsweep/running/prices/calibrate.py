"""Calibration: short trials of one kind, timed step by step, and the size of the rows that they leave."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from statistics import fmean
from time import perf_counter

import torch

from bnsweep.results.commits import to_parquet
from bnsweep.running.packs import RunContext, dataset_key
from bnsweep.running.prices.costs import COMPILING, EVALUATION, STEP, Costs
from bnsweep.running.prices.kinds import tame
from bnsweep.running.rows import EndedTrial, tables_of
from bnsweep.spec import TrialSpec
from bnsweep.training.compiling import Compiler
from bnsweep.training.loop import train
from bnsweep.training.memory import reset_peak_memory

WARM_UP, PLAIN = 2, 6
"""Steps of a short trial without measurements; after them each probe measures one step of its own."""


def calibrate(spec: TrialSpec, context: RunContext, budget_s: float) -> Costs | None:
    """Return what trials like `spec` cost on the device that holds the data; None where even a short one diverges.

    At least two short trials are timed. The first one's time is left out: it pays for what a process does once, such
    as compiling. Means, not medians: a run pays for its slow steps too.
    """
    steps, until = WARM_UP + PLAIN + len(spec.probes.sections), perf_counter() + budget_s
    times, few, ended, compiler = list[dict[str, float]](), dict[str, int](), list[EndedTrial](), Compiler()
    while len(times) < 2 or perf_counter() < until:
        short = tame(spec, seed=len(times), steps=steps, eval_every=None)
        if not (seconds := _time_trial(short, context, ended, compiler)):
            return None
        times.append(seconds)
        few = few or _file_sizes(ended)
    first, *others = times
    seconds = {part: max(0.0, fmean(other[part] for other in others)) for part in first}
    seconds[COMPILING] = max(0.0, first["trials"] - seconds["trials"]) if spec.train.compile else 0.0
    many = _file_sizes(ended)
    row_bytes = {table: (many[table] - few[table]) / len(others) for table in many}
    file_bytes = {table: few[table] - row_bytes[table] for table in few}
    row_bytes["curves"] *= len(times) / sum(len(trial.result.tables["curves"]) for trial in ended)
    return Costs(seconds, row_bytes, file_bytes)


def _time_trial(spec: TrialSpec, context: RunContext, ended: list[EndedTrial], compiler: Compiler) -> dict[str, float]:
    """Run a short trial and add it to `ended`; return the seconds of its parts, none where it diverges.

    What the last evaluation takes longer than one on the way is once per trial.
    """
    data, started_at = context.datasets[dataset_key(spec.dataset)], datetime.now(UTC)
    device = data.train_x.device
    marks = [_now(device)]
    reset_peak_memory(device)
    for step, training in enumerate(train(spec, data, compiler=compiler)):
        if step == 0:
            training.probes = [
                replace(probe, due=frozenset({WARM_UP + PLAIN + place}).__contains__)
                for place, probe in enumerate(training.probes)
            ]
        elif step == WARM_UP or step >= WARM_UP + PLAIN:
            marks.append(_now(device))
        if step == WARM_UP + PLAIN:
            training.evaluate()
            marks.append(_now(device))
        probed_s = training.result.probe_time_s
    marks.append(_now(device))
    if training.result.has_diverged:
        return {}
    ended.append(EndedTrial.of(training, context, attempt=1, started_at=started_at))
    marks.append(_now(device))
    before_s, plain_s, evaluation_s, *measured_s, last_s, keep_s = (after - before for before, after in pairwise(marks))
    step_s = plain_s / PLAIN
    measured = {probe.table: seconds - step_s for probe, seconds in zip(training.probes, measured_s, strict=True)}
    final_s = training.result.probe_time_s - probed_s
    measured |= {probe.table: final_s / len(training.final_probes) for probe in training.final_probes}
    once_s = before_s - WARM_UP * step_s + last_s - final_s - evaluation_s + keep_s
    return {"trials": once_s, STEP: step_s, EVALUATION: evaluation_s, **measured}


def _now(device: torch.device) -> float:
    """Return the time at which the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return perf_counter()


def _file_sizes(ended: list[EndedTrial]) -> dict[str, int]:
    """Return the bytes of the Parquet file that the rows of each table would make."""
    return {table: to_parquet(rows).size for table, rows in tables_of(ended).items()}
