"""Calibration: short trials of one kind, timed step by step, and the size of the rows that they leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from statistics import fmean
from time import perf_counter

import pyarrow as pa
import torch

from bnsweep.data import Dataset
from bnsweep.results.manifest import encode
from bnsweep.results.schema import SCHEMAS, Row, to_table
from bnsweep.running.packs import RunContext
from bnsweep.running.prices.costs import Costs
from bnsweep.running.rows import RowBuffer
from bnsweep.spec import TrainSpec, TrialSpec
from bnsweep.training.loop import Training, train
from bnsweep.training.memory import reset_peak_memory

WARM_UP, PLAIN = 2, 6
"""Steps of a short trial without measurements; after them each probe measures one step of its own."""
MIN_LAPS = 2
"""Short trials: with one, what a file's rows take could not be told from what it takes without them."""


@dataclass(frozen=True)
class _Lap:
    """Seconds of a short trial.

    Args:
        before_s: from its beginning to the end of the warm-up.
        step_s: a step without measurements, the mean of several.
        measured_s: the step that each probe measures.
        evaluation_s: its end.
        keep_s: adding its rows to those of others.
        tables: of each probe.
    """

    before_s: float
    step_s: float
    measured_s: tuple[float, ...]
    evaluation_s: float
    keep_s: float
    tables: tuple[str, ...]


def calibrate(spec: TrialSpec, data: Dataset, context: RunContext, budget_s: float) -> Costs | None:
    """Return what trials like `spec` cost on the device that holds `data`; None where even a short one diverges.

    Means, not medians: the run pays for its slow steps too.
    """
    compiling = perf_counter()
    if spec.train.compile:
        _lap(_short(spec, 0), data, context, RowBuffer())
    compile_s = perf_counter() - compiling
    until, laps, batch = perf_counter() + budget_s, list[_Lap](), RowBuffer()
    first: Mapping[str, Sequence[Row]] = {}
    while len(laps) < MIN_LAPS or perf_counter() < until:
        lap = _lap(_short(spec, len(laps)), data, context, batch)
        if lap is None:
            return None
        laps.append(lap)
        first = first or {table: tuple(rows) for table, rows in batch.tables.items()}
    step_s = fmean(lap.step_s for lap in laps)
    measured = {table: fmean(lap.measured_s[place] for lap in laps) for place, table in enumerate(laps[0].tables)}
    around_s = fmean(lap.before_s + lap.keep_s for lap in laps) - WARM_UP * step_s
    file_bytes, row_bytes = _sizes(first, batch.tables, batch.schemas)
    return Costs(
        trial_s=max(0.0, around_s),
        step_s=step_s,
        evaluation_s=fmean(lap.evaluation_s for lap in laps),
        probe_s={table: max(0.0, seconds - step_s) for table, seconds in measured.items()},
        probe_rows={table: len(batch.tables[table]) / len(laps) for table in laps[0].tables},
        file_bytes=file_bytes,
        row_bytes=row_bytes,
        compile_s=compile_s,
    )


def _short(spec: TrialSpec, repeat: int) -> TrialSpec:
    """Return a short trial that costs what `spec` does per step, and does not diverge where that is up to us.

    It is built unchecked: the probes are given steps to measure once they are there.
    """
    steps = WARM_UP + PLAIN + len(spec.probes.sections)
    changed = {"steps": steps, "eval_every": None, "max_loss": 1e30}
    options = TrainSpec.model_construct(**{**dict(spec.train), **changed})
    tame = {"train": options, "lr": 1e-6, "init_gain": 1.0, "seed": repeat}
    return TrialSpec.model_construct(**{**dict(spec), **tame})


def _lap(spec: TrialSpec, data: Dataset, context: RunContext, batch: RowBuffer) -> _Lap | None:
    """Run a short trial and add its rows to `batch`; None where it diverges."""
    device, started_at = data.train_x.device, datetime.now(UTC)
    marks = [_now(device)]
    reset_peak_memory(device)
    for step, training in enumerate(train(spec, data)):
        if step == 0:
            _set_schedule(training)
        elif step == WARM_UP or step >= WARM_UP + PLAIN:
            marks.append(_now(device))
    marks.append(_now(device))
    if training.result.status == "diverged":
        return None
    batch.add(training, context, {"attempt": 1, "started_at": started_at})
    marks.append(_now(device))
    before_s, plain_s, *measured_s, evaluation_s, keep_s = (after - before for before, after in pairwise(marks))
    tables = tuple(probe.table for probe in training.probes)
    return _Lap(before_s, plain_s / PLAIN, tuple(measured_s), evaluation_s, keep_s, tables)


def _now(device: torch.device) -> float:
    """Return the time at which the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return perf_counter()


def _set_schedule(training: Training) -> None:
    """Let each probe measure one step, at which no other does."""
    training.probes = [
        replace(probe, due=frozenset({WARM_UP + PLAIN + place}).__contains__)
        for place, probe in enumerate(training.probes)
    ]


def _sizes(
    few: Mapping[str, Sequence[Row]], many: Mapping[str, Sequence[Row]], own: Mapping[str, pa.Schema]
) -> tuple[dict[str, float], dict[str, float]]:
    """Return the bytes of a table's file without its rows, and of a row: the line through two files."""
    small, large = _file_sizes(few, own), _file_sizes(many, own)
    row_bytes = {table: (large[table] - small[table]) / max(1, len(many[table]) - len(few[table])) for table in many}
    return {table: small[table] - len(few[table]) * row_bytes[table] for table in many}, row_bytes


def _file_sizes(tables: Mapping[str, Sequence[Row]], own: Mapping[str, pa.Schema]) -> dict[str, int]:
    schemas = {**own, **SCHEMAS}
    encoded = encode("calibration", ((table, to_table(schemas[table], rows)) for table, rows in tables.items()))
    return {record.table: record.num_bytes for record in encoded.manifest.files}
