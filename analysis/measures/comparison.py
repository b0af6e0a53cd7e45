"""Modes measured alone, and two of them against each other on what both have: each measure as an estimate over seeds.

Two modes are compared at those points (seed, init, gain, learning rate) where both have a result, whatever a third one
lacks. What is missing among them leaves open what could be there, as what lies between two tested rates does, and
widens the interval: a missing result takes no side.

Learning rates that a search has added lie where a curve crosses its bar, for each mode elsewhere. They make widths and
areas finer, for which each mode keeps its own; whatever counts or picks among runs would lean to the side that has more
of them, and goes by the rates that are common to all modes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace
from math import nan

import numpy as np

from analysis.measures import FRACTION, MEASURES, Bar, Measure, Runs
from analysis.measures.curves import Measured, reaches_end
from analysis.measures.grid import Grid
from analysis.measures.hidden import top_may_hide
from analysis.measures.pooling import Pooling, measures_of, pool_all, runs_of
from analysis.statistics.nan_aware import Floats
from analysis.statistics.seed_mean import SeedMean
from bnsweep.errors import InputError

CURVE_SHARE = 1 / 3
"""A seed has an init and gain from this share of the learning rates on."""
SEEDS_SHARE = 0.5
"""An init and gain count where this share of the seeds have them."""
UNEVEN = 1.2
"""Learning rates are evenly spaced where no gap is so many times as wide as another: 1, 3, 10 are."""

Estimates = dict[str, tuple[Measure, SeedMean]]


def of_mode(
    grid: Grid,
    norm: str,
    pooling: Pooling,
    fraction: float = FRACTION,
    bar: Bar = "any",
    names: Iterable[str] = MEASURES,
) -> Estimates:
    """Return these measures of one mode by name."""
    return of_one(shared_by(grid, [norm]), pooling, fraction, bar, names)


def of_one(
    mine: Grid, pooling: Pooling, fraction: float = FRACTION, bar: Bar = "any", names: Iterable[str] = MEASURES
) -> Estimates:
    """Return these measures of the one mode of a grid from `shared_by`."""
    runs = runs_of(mine, pooling, fraction, bar)
    return {
        name: (measure, _seed_mean(runs, measure, sides_of(runs, measure, values_NS)[:1], mine.norms, 0.0))
        for name, measure, values_NS in measures_of(runs, names)
    }


def of_difference(
    grid: Grid,
    norm: str,
    baseline: str,
    pooling: Pooling,
    fraction: float = FRACTION,
    names: Iterable[str] = MEASURES,
    bar: Bar = "any",
) -> Estimates:
    """Return these measures of `norm` minus those of `baseline`, paired by seed.

    What trains is judged by the best of the two with the seed, or by each one's own: a third mode has no say in it.

    Raises:
        InputError: the two share no point of the grid.
    """
    return of_pair(pair_of(grid, norm, baseline), pooling, fraction, names, bar)


def of_pair(
    pair: Grid, pooling: Pooling, fraction: float = FRACTION, names: Iterable[str] = MEASURES, bar: Bar = "any"
) -> Estimates:
    """Return these measures of the first mode of a grid from `pair_of` minus those of the second."""
    runs = runs_of(pair, pooling, fraction, bar)
    return {
        name: (measure, _seed_mean(runs, measure, sides_of(runs, measure, values_NS), pair.norms))
        for name, measure, values_NS in measures_of(runs, names)
    }


def shared_by(grid: Grid, norms: list[str]) -> Grid:
    """Return the grid of these modes, in this order, where all of them have a result.

    Left out are the learning rates that no seed has, the inits and gains that most seeds lack, and the seeds that lack
    one of the others: a curve is lacking where less than a third of it is there. So one more seed changes nothing of
    what the others say. At rates that a search has added each mode keeps its own results.

    Raises:
        InputError: there is no such point.
    """
    own_SNIGL = np.isfinite(grid.accuracy[:, [grid.norms.index(norm) for norm in norms]])
    shared_SIGL = np.asarray(own_SNIGL.all(axis=1) & grid.is_common)
    begun_S, num_lrs = shared_SIGL.any(axis=(1, 2, 3)), int(shared_SIGL.any(axis=(0, 1, 2)).sum())
    has_SIG = shared_SIGL.sum(axis=-1) >= np.maximum(CURVE_SHARE * num_lrs, 1)
    counts_IG = has_SIG[begun_S].mean(axis=0) >= SEEDS_SHARE if begun_S.any() else has_SIG.any(axis=0)
    seeds = np.flatnonzero(begun_S & (has_SIG | ~counts_IG).all(axis=(1, 2)))
    known_SNIGL = np.where(grid.is_common, shared_SIGL[:, None], own_SNIGL)
    lrs = np.flatnonzero(known_SNIGL.any(axis=(0, 1, 2, 3)))
    known_SNIGL &= counts_IG[..., None]
    if not known_SNIGL[seeds].any():
        raise InputError(f"{' and '.join(norms)} have no curve of accuracy over lr in common")
    return grid.of(norms, seeds, lrs, known_SNIGL)


def pair_of(grid: Grid, norm: str, baseline: str) -> Grid:
    """Return the grid of two modes where both have a result; the best of any mode is that of the two.

    Raises:
        InputError: they share no point of the grid.
    """
    shared = shared_by(grid, [norm, baseline])
    return replace(shared, best_of_any=shared.best.max(axis=1))


def train_to_the_end(grid: Grid, norm: str, baseline: str, fraction: float = FRACTION) -> list[str]:
    """Return which of the two still train at the lowest or highest learning rate that both were tested at."""
    pair = pair_of(grid, norm, baseline)
    runs = runs_of(pair, pool_all(pair), fraction)
    bars = runs.threshold[:, None, None]
    return [name for name, scores in zip(pair.norms, runs.accuracy, strict=True) if reaches_end(scores, bars)]


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


def _refusal(runs: Runs, measure: Measure, norms: list[str]) -> str:
    """Return why a measure that is read off at the best learning rate has no interval; '' where it has."""
    if measure.top is None:
        return ""
    runs = measure.counted(runs)
    tops = dict(zip(norms, measure.top(runs), strict=True))
    others = {norm: next((tops[name] for name in norms if name != norm), None) for norm in norms}
    hidden = [norm for norm in norms if top_may_hide(tops[norm], others[norm], runs.lrs, runs.chance)]
    return (
        f"{' and '.join(hidden)}: best at a single tested lr, if at any; it may be better between two" if hidden else ""
    )


def _seed_mean(
    runs: Runs, measure: Measure, sides: list[Measured], norms: list[str], least: float | None = None
) -> SeedMean:
    """Return the estimate of one mode's measure, or of the difference of two."""
    most = measure.max_value(runs.lrs)
    spacing = _even_spacing(runs.lrs) if measure.grid else nan
    first, *others = sides
    found = _minus(first, others[0]) if others else first
    least = -most if least is None else least
    return SeedMean(
        found.value,
        found.smooth,
        found.low,
        found.high,
        found.grid_sd,
        least,
        most,
        spacing,
        _refusal(runs, measure, norms),
    )


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
