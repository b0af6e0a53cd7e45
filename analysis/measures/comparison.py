"""Modes measured alone, and two of them against each other on what both have: each measure as an estimate over seeds.

Two modes are compared at those points (seed, init, gain, learning rate) where both have a result, whatever a third one
lacks. What is missing among them leaves open what could be there, as what lies between two tested rates does, and
widens the interval: a missing result takes no side.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from math import nan

import numpy as np

from analysis.measures import FRACTION, MEASURES, Measure, Runs
from analysis.measures.curves import Measured
from analysis.measures.grid import Grid
from analysis.measures.pooling import Pooling, measures_of, runs_of
from analysis.statistics.nan_aware import Floats
from analysis.statistics.seed_mean import SeedMean
from bnsweep.errors import InputError

FINISHED_SHARE = 0.75
"""A seed counts from this share of the points that the seed with most of them has."""
CURVE_SHARE = 0.5
"""An init and gain count where every seed has this share of its learning rates."""
UNEVEN = 1.2
"""Learning rates are evenly spaced where no gap is so many times as wide as another: 1, 3, 10 are."""

Estimates = dict[str, tuple[Measure, SeedMean]]


def of_mode(grid: Grid, norm: str, pooling: Pooling, fraction: float = FRACTION) -> Estimates:
    """Return every measure of one mode by name."""
    runs = runs_of(shared_by(grid, [norm]), pooling, fraction)
    return {
        name: (measure, _seed_mean(runs, measure, sides_of(runs, measure, values_NS)[:1], least=0.0))
        for name, measure, values_NS in measures_of(runs)
    }


def of_difference(
    grid: Grid,
    norm: str,
    baseline: str,
    pooling: Pooling,
    fraction: float = FRACTION,
    names: Iterable[str] = MEASURES,
) -> Estimates:
    """Return these measures of `norm` minus those of `baseline`, paired by seed.

    Raises:
        InputError: the two share no point of the grid.
    """
    runs = runs_of(shared_by(grid, [norm, baseline]), pooling, fraction)
    return {
        name: (measure, _seed_mean(runs, measure, sides_of(runs, measure, values_NS)))
        for name, measure, values_NS in measures_of(runs, names)
    }


def shared_by(grid: Grid, norms: list[str]) -> Grid:
    """Return the grid of these modes, in this order, where all of them have a result.

    Left out are the learning rates that no seed has, seeds that are far from finished, and whole curves of which some
    seed has less than half.

    Raises:
        InputError: there is no such point.
    """
    known_SIGL = np.asarray(np.isfinite(grid.accuracy[:, [grid.norms.index(norm) for norm in norms]]).all(axis=1))
    points_S = known_SIGL.sum(axis=(1, 2, 3))
    seeds = np.flatnonzero((points_S > 0) & (points_S >= FINISHED_SHARE * points_S.max(initial=0)))
    lrs = np.flatnonzero(known_SIGL[seeds].any(axis=(0, 1, 2)))
    if len(lrs):
        known_SIGL &= (known_SIGL[seeds][..., lrs].mean(axis=-1) >= CURVE_SHARE).all(axis=0)[..., None]
    if not known_SIGL[seeds].any():
        raise InputError(f"{' and '.join(norms)} have no curve of accuracy over lr in common")
    return grid.of(norms, seeds, lrs, known_SIGL)


def num_shared(grid: Grid, norms: list[str]) -> int:
    """Return how many trials of these modes are compared with each other."""
    try:
        return int(np.isfinite(shared_by(grid, norms).accuracy).sum())
    except InputError:
        return 0


def sides_of(runs: Runs, measure: Measure, values_NS: Floats) -> list[Measured]:
    """Return the measure of each mode, arrays of shape S, with what the grid leaves open of it."""
    if measure.grid is None:
        return [Measured(values, values, values, np.zeros_like(values), values) for values in values_NS]
    found = measure.grid(runs)
    return [Measured(*(getattr(found, field.name)[n] for field in fields(found))) for n in range(len(values_NS))]


def _seed_mean(runs: Runs, measure: Measure, sides: list[Measured], least: float | None = None) -> SeedMean:
    """Return the estimate of one mode's measure, or of the difference of two."""
    most = measure.max_value(runs.lrs)
    spacing = _even_spacing(runs.lrs) if measure.grid else nan
    first, *others = sides
    found = _minus(first, others[0]) if others else first
    least = -most if least is None else least
    return SeedMean(found.value, found.smooth, found.low, found.high, found.grid_sd, least, most, spacing)


def _even_spacing(lrs: list[float]) -> float:
    """Return the spacing of the learning rates in decades; NaN where they are not evenly spaced."""
    spacings = np.diff(np.log10(lrs))
    return float(spacings.mean()) if len(spacings) and spacings.max() <= UNEVEN * spacings.min() else nan


def _minus(one: Measured, other: Measured) -> Measured:
    return Measured(
        one.value - other.value,
        one.low - other.high,
        one.high - other.low,
        np.hypot(one.grid_sd, other.grid_sd),
        one.smooth - other.smooth,
    )
