"""Which runs one row of a table pools: all, those of one initializer, or those of one initializer and gain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from analysis.grid import Floats, Grid
from analysis.known import known_max
from analysis.robustness import FRACTION, MEASURES, Measure, Runs
from analysis.robustness.curves import threshold

ALL = "all"


@dataclass(frozen=True)
class Scope:
    """Names of an initializer and a gain, each possibly 'all', and the positions on the grid that they stand for."""

    init: str
    init_gain: str
    inits: slice
    gains: slice

    def of(self, values_SNIGL: Floats) -> Floats:
        """Return these inits and gains of an array of the grid, norms first: shape NSIGL."""
        return np.moveaxis(values_SNIGL[:, :, self.inits, self.gains], 0, 1)


def whole(grid: Grid) -> Scope:
    """Return the scope of everything."""
    return Scope(ALL if len(grid.inits) > 1 else grid.inits[0], ALL, slice(None), slice(None))


def scopes(grid: Grid) -> Iterator[Scope]:
    """Yield everything together, then by init if there are several, then each init and gain alone."""
    yield whole(grid)
    several = len(grid.inits) > 1
    for i, init in enumerate(grid.inits if several else []):
        yield Scope(init, ALL, slice(i, i + 1), slice(None))
    for i, init in enumerate(grid.inits):
        for g, gain in enumerate(grid.gains):
            yield Scope(init, f"{gain:g}", slice(i, i + 1), slice(g, g + 1))


def bars(grid: Grid, fraction: float = FRACTION) -> Floats:
    """Return by seed the accuracy from which on a run trains, shape S: a fraction of any mode's best anywhere."""
    best = known_max(grid.accuracy, (1, 2, 3, 4))
    return threshold(np.nan_to_num(best, nan=0.0), grid.chance, fraction)


def runs_of(grid: Grid, scope: Scope, fraction: float = FRACTION) -> Runs:
    """Return the runs of a scope, arrays of shape NSIGL."""
    return Runs(scope.of(grid.accuracy), scope.of(grid.diverged), grid.lrs, bars(grid, fraction))


def measures_of(runs: Runs) -> Iterator[tuple[str, Measure, Floats]]:
    """Yield name, measure and values by mode and seed, shape NS, of every measure that has enough inits and gains."""
    inits, gains = runs.accuracy.shape[-3:-1]
    for name, measure in MEASURES.items():
        if inits * gains >= measure.fewest_inits and gains >= measure.fewest_gains:
            yield name, measure, measure.compute(runs)
