"""Results of known truth: what each mode does is given as functions of the trial and its training loss."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd

from analysis.loading import Results
from bnsweep.results.schema import SCHEMAS
from bnsweep.spec import TrialSpec
from tests.synthetic import CHANCE, rows_of

STEPS = tuple(range(0, 200, 25))
LRS = [1e-3, 1e-2, 1e-1, 1.0, 10.0]
NOISE = 0.05
Row = dict[str, Any]


def jitter(spec: TrialSpec, name: str) -> float:
    """Return what is normal with a standard deviation of 1, the same for the same point and name."""
    point = f"{name} {spec.norm} {spec.init} {spec.init_gain} {spec.lr} {spec.seed}"
    return float(np.random.default_rng(crc32(point.encode())).normal())


def trains(low: float, high: float, best: float = 0.9) -> Callable[[TrialSpec], float]:
    """Return the accuracies of a mode that trains between two log10 lr, else stays at chance."""

    def accuracy(spec: TrialSpec) -> float:
        is_trained = low - 1e-9 <= math.log10(spec.lr) <= high + 1e-9
        return best + 0.01 * jitter(spec, "accuracy") if is_trained else CHANCE

    return accuracy


EVERYWHERE = trains(-3, 1)


@dataclass(frozen=True)
class Mode:
    """What is true of a mode: `change` and `shift` are of the training loss; each trial's differ a little."""

    accuracy: Callable[[TrialSpec], float | None] = EVERYWHERE
    speed: float = 1 / 80
    change: Callable[[float], float] = lambda loss: loss
    shift: Callable[[float], float] = lambda loss: loss
    moved: float = 0.1
    gap: float = 0.1

    def loss(self, step: int) -> float:
        return 2.3 * math.exp(-step * self.speed)


def plant(modes: dict[str, Mode], specs: Sequence[TrialSpec]) -> Results:
    """Return the results of these trials."""
    tables: dict[str, list[Row]] = {table: [] for table in SCHEMAS}
    for spec in specs:
        mode = modes[spec.norm]
        tables["trials"].append(_trial(spec, mode))
        axes = {name: getattr(spec, name) for name in ("trial_key", "norm", "init", "init_gain", "lr", "seed")}
        rows = {"curves": _curves, "landscape": _landscape, "ics": _ics, "moments": _moments}
        for table, make in rows.items():
            tables[table] += [axes | row for row in make(spec, mode)]
    frames = {table: pd.DataFrame(rows, columns=SCHEMAS[table].names) for table, rows in tables.items()}
    return Results("planted", **frames, undeclared=frames["trials"].iloc[:0], missing=(), declared=None)


def _trial(spec: TrialSpec, mode: Mode) -> Row:
    accuracy = mode.accuracy(spec)
    (row,) = rows_of(spec, accuracy is None)["trials"]
    gap = mode.gap + 0.01 * jitter(spec, "gap")
    return row | {"test_acc": accuracy, "train_loss_eval": 0.5, "test_loss": None if accuracy is None else 0.5 + gap}


def _noisy(spec: TrialSpec, name: str) -> float:
    return math.exp(NOISE * jitter(spec, name))


def _curves(spec: TrialSpec, mode: Mode) -> Iterator[Row]:
    del spec
    for step in range(0, 200, 5):
        yield {"step": step, "train_loss": mode.loss(step), "grad_norm": 1.0}


def _landscape(spec: TrialSpec, mode: Mode) -> Iterator[Row]:
    for step in STEPS:
        change = mode.change(mode.loss(step)) * _noisy(spec, "change")
        for multiple in (0.5, 1.0):
            walked = {"given_as": "lr_multiple", "lr_multiple": multiple, "alpha": multiple * spec.lr}
            grown = {"loss": change * multiple, "grad_diff_l2": 2 * change * multiple, "beta": change / spec.lr}
            yield {"step": step, "grad_norm": 2.0} | walked | grown


def _ics(spec: TrialSpec, mode: Mode) -> Iterator[Row]:
    for step in STEPS:
        shift = mode.shift(mode.loss(step)) * _noisy(spec, "shift")
        for layer in range(3):
            sizes = {"ics_l2": 3.0 * shift * bool(layer), "ics_cos": 1 / (1 + shift) if layer else 1.0}
            yield {"step": step, "layer": layer, "layer_name": f"layer {layer}", "grad_norm": 3.0} | sizes


def _moments(spec: TrialSpec, mode: Mode) -> Iterator[Row]:
    for step in STEPS:
        moved = None if step == 0 else mode.moved * _noisy(spec, "moved")
        yield {"step": step, "layer": 0, "std": 1.0, "mean_shift": moved, "std_shift": moved and 0.0}
