"""Edges: at which learning rates each mode begins and ceases to train, by bisection instead of a grid.

The sweep declares the grid of the resolution that is wanted, `lr: {logspace: [1.0e-3, 10, 1025]}`, of which a few rates
are run. Every cell, a norm, init and gain, begins with the same coarse rates; then the middle of each gap whose ends
differ is asked for, for all seeds of the cell, until the ends are neighbours. Whether a rate trains is judged by the
seeds of the mode alone: by its own best so far with the seed, or by divergence. No rule looks at another mode, so that
where it looked says nothing of a difference between modes.

What it cannot see: an island between two coarse rates, and a boundary that is no edge but fractal (Sohl-Dickstein
2024), where bisection finds one of many crossings as it would find one. The seeds show that, since all of them have
the same rates: one that trains beyond a rate at which it did not has no edge there. `analysis.measures.edges` says so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bnsweep.search.bisection import coarse, middles, trains
from bnsweep.search.rounds import End, History, Setting
from bnsweep.search.space import SEED, Space

Cell = tuple[Any, ...]


@dataclass(frozen=True)
class Edges:
    """Bisection on log lr, by rounds.

    Args:
        space: the crossed axes but the rates, and the seeds; nothing is searched.
        rates: the learning rates of the whole grid, ascending.
        num_first: of the rates to begin with.
        bar: "own": a seed trains from `fraction` of the best that its mode reached with it, and from a little above
            chance on; "divergence": where it does not diverge.
        levels: shares of the seeds: where so many begin and cease to train is looked for. One half is the edge; with
            those at which its interval ends (`interval_levels`) that is narrower, for more
            trials.
        fraction: of the own best.
        above_chance: a score less than this above chance is no training, whatever the best.
        pooled: crossed axes over which a best is one: cells that differ in nothing else are of one mode.
    """

    space: Space
    rates: Sequence[float]
    num_first: int = 9
    bar: Literal["own", "divergence"] = "own"
    levels: Sequence[float] = (0.5,)
    fraction: float = 0.9
    above_chance: float = 0.05
    pooled: Collection[str] = ("init", "init_gain")
    axis: str = "lr"

    def __call__(self, history: History) -> Sequence[Setting] | End:
        """Return the coarse rates of all cells, then the middles of all open gaps."""
        wanted = list(self._open(history) if history else self._first())
        settings = [
            {**cell, self.axis: self.rates[k], SEED: seed}
            for seed in self.space.seeds
            for cell, indices in wanted
            for k in indices
        ]
        return settings or End("every edge is found to the spacing of the rates")

    def _first(self) -> Iterator[tuple[Setting, NDArray[np.int64]]]:
        indices = coarse(len(self.rates), self.num_first)
        return ((cell, indices) for cell in self.space.cells())

    def _open(self, history: History) -> Iterator[tuple[Setting, NDArray[np.int64]]]:
        told = self._worth(history)
        chance = max(outcome.chance for one_round in history for _, outcome in one_round)
        bars = self._bars(told, chance + self.above_chance)
        for cell in self.space.cells():
            worth = told[tuple(cell.values())]
            tested = np.flatnonzero(~np.isnan(worth[0]))
            bar = bars[self._mode(cell)]
            answers = (trains(worth[:, tested], bar, level) for level in self.levels)
            yield cell, np.unique(np.concatenate([middles(tested, does_train) for does_train in answers]))

    def _mode(self, cell: Setting) -> Cell:
        return tuple(value for name, value in cell.items() if name not in self.pooled)

    def _worth(self, history: History) -> dict[Cell, NDArray[np.float64]]:
        """Return what the trials are judged by, shape (S, L), by cell; NaN where one was not asked for."""
        shape = len(self.space.seeds), len(self.rates)
        found = {tuple(cell.values()): np.full(shape, np.nan) for cell in self.space.cells()}
        rates, seeds = ({value: k for k, value in enumerate(values)} for values in (self.rates, self.space.seeds))
        by_score = self.bar == "own"
        for one_round in history:
            for setting, outcome in one_round:
                cell = tuple(setting[name] for name in self.space.crossed)
                judged = outcome.worth if by_score else not outcome.diverged
                found[cell][seeds[setting[SEED]], rates[setting[self.axis]]] = judged
        return found

    def _bars(self, told: Mapping[Cell, NDArray[np.float64]], floor: float) -> dict[Cell, NDArray[np.float64]]:
        """Return the bar of each seed, shape (S,), by mode."""
        best: dict[Cell, NDArray[np.float64]] = {}
        for cell in self.space.cells():
            mode, highest = self._mode(cell), np.nanmax(told[tuple(cell.values())], axis=1)
            best[mode] = np.fmax(best.get(mode, highest), highest)
        if self.bar == "divergence":
            return {mode: np.ones_like(highest) for mode, highest in best.items()}
        return {mode: np.fmax(self.fraction * highest, floor) for mode, highest in best.items()}
