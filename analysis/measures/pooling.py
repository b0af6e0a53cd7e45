"""Which runs one row of a table pools: all, those of one initializer, or those of one initializer and gain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import get_args

import numpy as np

from analysis.measures import FRACTION, MEASURES, Bar, Measure, Runs
from analysis.measures.curves import threshold
from analysis.measures.grid import Grid
from analysis.statistics.nan_aware import Floats, nan_mean
from bnsweep.errors import InputError, did_you_mean

ALL = "all"


@dataclass(frozen=True)
class Pooling:
    """Names of an initializer and a gain, each possibly 'all', and the positions on the grid that they stand for."""

    init: str
    init_gain: str
    inits: slice
    gains: slice

    def of(self, values_SNIGL: Floats) -> Floats:
        """Return these inits and gains of an array of the grid, norms first: shape NSIGL."""
        return np.moveaxis(values_SNIGL[:, :, self.inits, self.gains], 0, 1)


def pool_all(grid: Grid) -> Pooling:
    """Return the pooling of all inits and gains."""
    return Pooling(ALL if len(grid.inits) > 1 else grid.inits[0], ALL, slice(None), slice(None))


def poolings(grid: Grid) -> Iterator[Pooling]:
    """Yield everything together, then by init if there are several, then each init and gain alone."""
    yield pool_all(grid)
    several = len(grid.inits) > 1
    for i, init in enumerate(grid.inits if several else []):
        yield Pooling(init, ALL, slice(i, i + 1), slice(None))
    for i, init in enumerate(grid.inits):
        for g, gain in enumerate(grid.gains):
            yield Pooling(init, f"{gain:g}", slice(i, i + 1), slice(g, g + 1))


def thresholds(grid: Grid, fraction: float = FRACTION) -> Floats:
    """Return by seed the accuracy from which on a run trains, shape S: a fraction of any mode's best anywhere."""
    return threshold(grid.best_of_any, grid.chance, fraction)


def mean_threshold(grid: Grid, fraction: float = FRACTION) -> float:
    """Return the mean of `thresholds` over seeds."""
    return float(nan_mean(thresholds(grid, fraction), 0))


def runs_of(grid: Grid, pooling: Pooling, fraction: float = FRACTION, bar: Bar = "any") -> Runs:
    """Return the runs that are pooled, arrays of shape NSIGL.

    Raises:
        InputError: there is no such bar.
    """
    if bar not in get_args(Bar):
        raise InputError(f"bar: got {bar!r}; {did_you_mean(bar, get_args(Bar))}")
    own = threshold(grid.best.T, grid.chance, fraction)
    return Runs(
        accuracy=pooling.of(grid.accuracy),
        diverged=pooling.of(grid.diverged),
        lrs=grid.lrs,
        threshold=own if bar == "own" else thresholds(grid, fraction),
        own_threshold=own,
        best=grid.best_of_any,
        chance=grid.chance,
        loss=pooling.of(grid.loss),
        initial_loss=pooling.of(grid.initial_loss),
        inits=grid.inits[pooling.inits],
        gains=grid.gains[pooling.gains],
        added_lrs=grid.added_lrs,
    )


def measures_of(runs: Runs, names: Iterable[str] = MEASURES) -> Iterator[tuple[str, Measure, Floats]]:
    """Yield name, measure and values by mode and seed, shape NS, of those measures that have enough inits and gains."""
    inits, gains = runs.accuracy.shape[-3:-1]
    for name in names:
        measure = MEASURES[name]
        if inits * gains >= measure.min_inits and gains >= measure.min_gains:
            yield name, measure, measure.compute(measure.counted(runs))
