"""Calibration: short trials of one kind, timed step by step, and the size of the rows that they leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from statistics import fmean
from time import perf_counter

import torch

from bnsweep.errors import InputError
from bnsweep.results.commits import to_parquet
from bnsweep.running.packs import RunContext, dataset_key
from bnsweep.running.prices.companies import company_seconds, now
from bnsweep.running.prices.costs import COMPILING, EVALUATION, GPU, PEAK, STEP, Costs
from bnsweep.running.prices.kinds import tame
from bnsweep.running.rows import EndedTrial, code_and_place, tables_of
from bnsweep.spec import TrialSpec
from bnsweep.spec.fusing import is_fused
from bnsweep.training.compiling import Compiler
from bnsweep.training.loop import train_alone
from bnsweep.training.memory import gpu_memory_bytes, peak_memory_bytes, reset_peak_memory
from bnsweep.training.own import OwnTraining

WARM_UP, PLAIN = 2, 6
"""Steps of a short trial without measurements; after them each probe measures one step of its own."""


def calibrate(spec: TrialSpec, context: RunContext, budget_s: float) -> Costs | None:
    """Return what trials like `spec` cost on the device that holds the data; None where even a short one diverges.

    At least two short trials are timed. The first one's time is left out: it pays for what a process does once, such
    as compiling. Means, not medians: a run pays for its slow steps too.

    A loop of the user's own is timed likewise: what it does before its first step, and after its last, is once per
    trial, and so is what it does at its first two steps beyond what a step takes. Of the rows that it logs each step is
    taken to have as many as one of those that were timed.
    """
    steps, until = WARM_UP + PLAIN + len(spec.probes.sections), perf_counter() + budget_s
    times, few, ended, compiler = list[dict[str, float]](), dict[str, int](), list[EndedTrial](), Compiler()
    while len(times) < 2 or perf_counter() < until:
        length = max(steps, spec.train.steps) if spec.is_own else steps
        short = tame(spec, len(times), steps=length, eval_every=None, fuse=1)
        if not (seconds := _time_trial(short, context, ended, compiler, steps)):
            return None
        times.append(seconds)
        few = few or _file_sizes(ended)
    first, *others = times
    seconds = {part: max(0.0, fmean(other[part] for other in others)) for part in first}
    seconds[COMPILING] = max(0.0, first["trials"] - seconds["trials"]) if spec.train.compile else 0.0
    data = context.datasets[dataset_key(spec.dataset)]
    peaks = [trial.circumstances["peak_memory_bytes"] for trial in ended]
    if is_fused(spec):
        reset_peak_memory(data.train_x.device)
        seconds |= company_seconds(tame(spec), data)
        peaks.append(peak_memory_bytes(data.train_x.device))
    many = _file_sizes(ended)
    row_bytes = {table: (many[table] - few[table]) / len(others) for table in many}
    file_bytes = {table: few[table] - row_bytes[table] for table in few}
    if spec.is_own:
        row_bytes = {table: size / (1 if table in seconds else steps) for table, size in row_bytes.items()}
    else:
        row_bytes["curves"] *= len(times) / sum(len(trial.result.tables["curves"]) for trial in ended)
    return Costs(seconds, row_bytes, file_bytes, _memory(data.train_x.device, peaks))


def _memory(device: torch.device, peaks: Sequence[int | None]) -> dict[str, float]:
    """Return the most that one of the short trials took, which made a step, an evaluation and each probe once.

    Or that all took together that train as one, where they do.
    """
    known = {PEAK: [peak for peak in peaks if peak is not None]}
    known |= {GPU: [of_gpu] if (of_gpu := gpu_memory_bytes(device)) is not None else []}
    return {what: max(values) for what, values in known.items() if values}


def _time_trial(
    spec: TrialSpec, context: RunContext, ended: list[EndedTrial], compiler: Compiler, steps: int
) -> dict[str, float]:
    """Run so many steps of a trial and add it to `ended`; return the seconds of its parts, none where it diverges.

    What the last evaluation takes longer than one on the way is once per trial.
    """
    data, started_at = context.datasets[dataset_key(spec.dataset)], datetime.now(UTC)
    device = data.train_x.device
    marks = [now(device)]
    reset_peak_memory(device)
    for step, training in enumerate(train_alone(spec, data, compiler=compiler)):
        if step == 0:
            training.probing.probes = [
                replace(probe, due=frozenset({WARM_UP + PLAIN + place}).__contains__)
                for place, probe in enumerate(training.probing.probes)
            ]
            if isinstance(training, OwnTraining):
                training.max_steps = steps
        elif step == WARM_UP or step >= WARM_UP + PLAIN:
            marks.append(now(device))
        if step == WARM_UP + PLAIN:
            training.evaluate()
            marks.append(now(device))
        probed_s = training.result.probe_time_s
    marks.append(now(device))
    if training.result.has_diverged:
        return {}
    if training.step < steps:
        raise InputError(f"its loop stops after {training.step} steps, before the {steps} that are timed")
    ended.append(EndedTrial.of(training, code_and_place(context, device), attempt=1, started_at=started_at))
    marks.append(now(device))
    before_s, plain_s, evaluation_s, *measured_s, last_s, keep_s = (after - before for before, after in pairwise(marks))
    step_s = plain_s / PLAIN
    measured = {
        probe.table: seconds - step_s for probe, seconds in zip(training.probing.probes, measured_s, strict=True)
    }
    final_s = training.result.probe_time_s - probed_s
    measured |= {probe.table: final_s / len(training.probing.final_probes) for probe in training.probing.final_probes}
    once_s = before_s - WARM_UP * step_s + last_s - final_s - evaluation_s + keep_s
    return {"trials": once_s, STEP: step_s, EVALUATION: evaluation_s, **measured}


def _file_sizes(ended: list[EndedTrial]) -> dict[str, int]:
    """Return the bytes of the Parquet file that the rows of each table would make."""
    return {table: to_parquet(rows).size for table, rows in tables_of(ended).items()}
