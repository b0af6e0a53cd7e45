"""Grids of every kind that a sweep may leave, the choices a reader makes of one, and what Python says of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from analysis.measures import Bar, Measure
from analysis.measures.comparison import of_difference, of_mode, shared_by
from analysis.measures.curves import reaches_end
from analysis.measures.grid import Grid
from analysis.measures.pooling import pool_all, runs_of
from analysis.statistics.intervals import CONFIDENCE, share_interval
from analysis.statistics.nan_aware import Floats, nan_max
from analysis.statistics.seed_mean import SeedMean
from bnsweep.errors import InputError

NORMS = ["none", "batch", "noisy_batch", "layer"]
INITS = ["default", "kaiming_uniform", "xavier_normal", "own"]
"""The first two are scales of one draw."""
GAINS = [1.0, float(np.sqrt(6)), 1.125]
"""`default` with the second is `kaiming_uniform` with the first; the third is halfway between two of three digits."""


@dataclass(frozen=True)
class Choice:
    """What a reader chooses of a grid."""

    norms: list[str]
    seeds: list[int]
    fraction: float
    bar: Bar


@st.composite
def grids(draw: st.DrawFn) -> Grid:
    """Draw a grid: plateaus with noise or coarse numbers, holes, divergence, equal seeds, a mode that never trains."""
    numbers = (range(1, 9), range(1, 5), range(1, 3), range(1, 4), range(2, 10))
    shape = tuple(draw(st.sampled_from(number)) for number in numbers)
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    chance = draw(st.sampled_from([0.0, 0.1]))
    lrs = np.logspace(-3, 1, shape[-1]) if draw(st.booleans()) else np.sort(10 ** rng.uniform(-3, 1, shape[-1]))
    accuracy = _plateaus(rng, shape, np.log10(lrs), chance)
    if draw(st.booleans()):
        accuracy = np.round(accuracy, 1)
    if draw(st.booleans()):
        accuracy[1 : 1 + draw(st.integers(0, 8))] = accuracy[:1]
    if draw(st.booleans()):
        accuracy[:, 0] = chance + 0.01
    diverged = (rng.random(shape) < draw(st.sampled_from([0, 0.2]))).astype(float)
    diverged[:, draw(st.integers(0, shape[1] - 1)), ..., -1] = 1
    hole = rng.random(shape) < draw(st.sampled_from([0, 0, 0.1, 0.5]))
    hole[:, :, :, :, 0] |= draw(st.booleans()) and rng.random() < 0.5
    hole[rng.integers(shape[0]), rng.integers(shape[1])] |= draw(st.booleans())
    of_init = slice(draw(st.sampled_from([0, shape[0] // 2, shape[0]])))  # of half of the seeds: it still counts
    hole[of_init, draw(st.sampled_from([0, slice(None)])), rng.integers(shape[2])] = True
    added = [lr for lr in lrs[1:-1].tolist() if draw(st.booleans())] if draw(st.booleans()) else []
    hole |= np.isin(lrs, added) & (rng.random((1, *shape[1:])) < 0.5)  # a search has them for some modes, for all seeds
    if added:
        hole[..., [0, -1]] = False  # the range that is searched ends with rates that all have
    accuracy, diverged = (np.where(hole, np.nan, kind) for kind in (np.where(diverged, chance, accuracy), diverged))
    initial = np.where(rng.random(shape) < 0.1, np.nan, 2.3) if draw(st.booleans()) else np.full(shape, np.nan)
    names = (list(range(shape[0])), NORMS[: shape[1]], INITS[-shape[2] :] if draw(st.booleans()) else INITS[: shape[2]])
    losses = np.where(hole, np.nan, np.where(diverged == 1, np.inf, 3 * (1 - accuracy)))
    grid = _with_best(names, GAINS[: shape[3]], lrs.tolist(), (accuracy, diverged, losses, initial), chance)
    return replace(grid, added_lrs=frozenset(added))


def _plateaus(rng: np.random.Generator, shape: tuple[int, ...], log_lr: Floats, chance: float) -> Floats:
    low = rng.uniform(-3, 0, (1, shape[1], 1, shape[3], 1)) + rng.normal(0, 0.2, (shape[0], 1, 1, 1, 1))
    outside = np.maximum(np.maximum(low - log_lr, log_lr - low - rng.uniform(0, 2, (1, shape[1], shape[2], 1, 1))), 0)
    height = np.maximum(0, 1 - outside) * rng.uniform(0.5, 0.9, (1, shape[1], 1, 1, 1))
    return np.asarray(np.clip(chance + (1 - chance) * height + rng.normal(0, 0.02, shape), 0, 1))


def _with_best(
    names: tuple[list[int], list[str], list[str]],
    gains: list[float],
    lrs: list[float],
    arrays: tuple[Floats, Floats, Floats, Floats],
    chance: float,
) -> Grid:
    best = np.nan_to_num(nan_max(arrays[0], (2, 3, 4)), nan=0.0)
    return Grid(*names, gains, lrs, *arrays, chance, best, best.max(axis=1))


@st.composite
def choices(draw: st.DrawFn, grid: Grid) -> Choice:
    """Draw what a reader may choose of this grid."""
    norms, seeds = (
        sorted(draw(st.sets(st.sampled_from(names), min_size=1)), key=names.index) for names in (grid.norms, grid.seeds)
    )
    fraction = draw(st.one_of(st.sampled_from([0.5, 0.9, 1.0]), st.floats(0.5, 1)))
    return Choice(norms, draw(st.sampled_from([seeds, grid.seeds])), fraction, draw(st.sampled_from(["any", "own"])))


def chosen(grid: Grid, choice: Choice) -> Grid:
    """Return the grid that the trials of these modes and seeds make."""
    places = np.ix_(*[[names.index(name) for name in picked] for names, picked in _axes(grid, choice)])
    arrays = [values[places] for values in (grid.accuracy, grid.diverged, grid.loss, grid.initial_loss)]
    present = ~np.isnan(arrays[0]) | np.isnan(arrays[0]).all()
    inits, gains = (np.flatnonzero(present.any(axis=axes)) for axes in ((0, 1, 3, 4), (0, 1, 2, 4)))
    accuracy, diverged, loss, initial = (values[:, :, inits][:, :, :, gains] for values in arrays)
    names = (choice.seeds, choice.norms, [grid.inits[i] for i in inits])
    kept = [grid.gains[g] for g in gains]
    part = _with_best(names, kept, grid.lrs, (accuracy, diverged, loss, initial), grid.chance)
    return replace(part, added_lrs=grid.added_lrs)


def _axes(grid: Grid, choice: Choice) -> list[tuple[list[Any], list[Any]]]:
    every = [(names, names) for names in (grid.inits, grid.gains, grid.lrs)]
    return [(grid.seeds, choice.seeds), (grid.norms, choice.norms), *every]


def robustness_rows(grid: Grid, choice: Choice) -> list[dict[str, Any]]:
    """Return what Python says of each chosen mode, all inits and gains pooled, by measure."""
    part, rows = chosen(grid, choice), []
    for norm in choice.norms:
        try:
            alone, pooling = shared_by(part, [norm]), pool_all(part)
        except InputError:
            continue
        runs = runs_of(alone, pooling, choice.fraction, choice.bar)
        diverged = runs.at_common_lrs.diverged
        counts = {"nTrials": int(np.isfinite(diverged).sum()), "nDiverged": int(np.nansum(diverged))}
        is_at_least = reaches_end(runs.accuracy, runs.threshold[..., None, None])
        for name, (measure, estimate) in of_mode(part, norm, pooling, choice.fraction, choice.bar).items():
            is_width = measure.grid is not None and measure.unit == "decades"
            row = _row(choice, alone, measure, estimate) | counts | {"atLeast": is_at_least and is_width}
            if measure.interval == "wilson":
                numbers = (np.asarray([counts[count]]) for count in ("nDiverged", "nTrials"))
                low, high = share_interval(*numbers, estimate.by_seed[None])
                row |= {"low": float(low[0]), "high": float(high[0])}
            rows.append({"norm": norm, "measure": name} | row)
    return rows


def difference_rows(grid: Grid, choice: Choice, baseline: str) -> list[dict[str, Any]]:
    """Return what Python says of each chosen mode less the baseline."""
    part, rows = chosen(grid, choice), []
    for norm in choice.norms if baseline in choice.norms else []:
        try:
            pair = shared_by(part, [norm, baseline])
            found = of_difference(part, norm, baseline, pool_all(part), choice.fraction, bar=choice.bar)
        except InputError:
            continue
        for name, (measure, estimate) in found.items() if norm != baseline else ():
            row = _row(choice, pair, measure, estimate)
            rows.append({"norm": norm, "baseline": baseline, "measure": name} | row)
    return rows


def _row(choice: Choice, shared: Grid, measure: Measure, estimate: SeedMean) -> dict[str, Any]:
    low, high = estimate.interval(CONFIDENCE) if measure.interval else (np.nan, np.nan)
    grid_low, grid_high = estimate.open_range() if measure.grid else (np.nan, np.nan)
    by_seed = dict(zip(shared.seeds, estimate.by_seed.tolist(), strict=True))
    return {
        "value": estimate.value,
        "low": low,
        "high": high,
        "gridLow": grid_low,
        "gridHigh": grid_high,
        "nSeeds": estimate.n,
        "bySeed": [by_seed.get(seed, np.nan) for seed in choice.seeds],
    }


def in_float32(grid: Grid) -> Grid:
    """Return the grid as stored in 32 bits."""
    fields = ("accuracy", "diverged", "loss", "initial_loss", "best", "best_of_any")
    return replace(grid, **{name: getattr(grid, name).astype(np.float32).astype(float) for name in fields})


def as_json(grid: Grid) -> dict[str, Any]:
    """Return what the browser is given of a grid."""
    arrays = {"accuracy": grid.accuracy, "diverged": grid.diverged, "loss": grid.loss, "initialLoss": grid.initial_loss}
    names = {name: getattr(grid, name) for name in ("seeds", "norms", "inits", "gains", "lrs", "chance")}
    names["addedLrs"] = sorted(grid.added_lrs)
    return names | {name: values.ravel().tolist() for name, values in arrays.items()}
