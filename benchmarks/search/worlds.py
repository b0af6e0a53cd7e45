"""Known truths: what every trial of a grid gives, for as many seeds as are drawn.

Shape suffixes: N modes, G gains, S seeds, L learning rates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np

from analysis import load
from analysis.measures.edges import Side, edge
from analysis.measures.grid import make_grid
from analysis.statistics.nan_aware import Floats
from bnsweep.search import Outcome, Setting

CHANCE = 0.1
FRACTION, FLOOR = 0.9, CHANCE + 0.05
"""A run trains from 0.9 of its mode's own best with the seed on, and from 0.05 above chance."""
LOW, HIGH = -3.0, 1.0
"""The range of rates, in log10."""
SIDES: tuple[Side, ...] = ("smallest", "largest")
MEDIAN_OF_GAMMA = 1.18299
"""Of the gamma distribution of shape 1.5."""
Place = tuple[int, int, int, int]


def bars(worth: Floats) -> Floats:
    """Return the bar of each mode and seed, shape NS; rates that were not tested are NaN."""
    return np.asarray(np.fmax(FRACTION * np.nanmax(worth, axis=(1, 3)), FLOOR))


@dataclass(frozen=True, eq=False)
class Drawn(Mapping[Place, Outcome]):
    """What all trials of some seeds give, as outcomes by their places on NGSL.

    Args:
        worth: scores, diverged ones 0.
        rates: ascending.
    """

    worth: Floats
    rates: list[float]

    def __getitem__(self, place: Place) -> Outcome:
        return Outcome(float(self.worth[place]), chance=CHANCE)

    def __contains__(self, place: object) -> bool:
        return True

    def __iter__(self) -> Iterator[Place]:
        return iter(np.ndindex(self.worth.shape))

    def __len__(self) -> int:
        return self.worth.size

    def place(self, setting: Setting) -> Place:
        """Return where a trial is; modes, gains and seeds are called by their places."""
        return setting["norm"], setting["init_gain"], setting["seed"], self._index[setting["lr"]]

    @cached_property
    def _index(self) -> Mapping[float, int]:
        return {rate: k for k, rate in enumerate(self.rates)}


class World(Protocol):
    """What trials give, for seeds that are drawn."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def rates(self) -> list[float]:
        """The rates of the whole grid, ascending."""

    def draw(self, rng: np.random.Generator, num_seeds: int) -> Drawn:
        """Return what independent seeds give."""

    def truth(self, side: Side) -> Floats:
        """Return between which two log10 rates each edge of all seeds is, shape (N, G, 2); NaN where there is none."""


@dataclass(frozen=True)
class Stored:
    """A grid that was run; a seed is drawn from it with replacement."""

    worth: Floats
    rates: list[float]
    norms: list[str]
    name: str

    @classmethod
    def of(cls, directory: str) -> Stored:
        """Read it, with those of its seeds that have all trials."""
        grid = make_grid(load(directory).trials)
        by_seed = np.where(grid.diverged == 1, 0.0, grid.accuracy)
        whole = ~np.isnan(by_seed).any(axis=(1, 2, 3, 4))
        return cls(np.moveaxis(by_seed[whole][:, :, 0], 0, 2), grid.lrs, grid.norms, Path(directory).name)

    @property
    def num_seeds(self) -> int:
        """How many seeds it has."""
        return int(self.worth.shape[2])

    def draw(self, rng: np.random.Generator, num_seeds: int) -> Drawn:
        """Return what seeds of the grid give."""
        return Drawn(self.worth[:, :, rng.integers(self.worth.shape[2], size=num_seeds)], self.rates)

    def truth(self, side: Side) -> Floats:
        """Return where the edges are by all seeds of the grid."""
        bars_NS, (n_modes, n_gains) = bars(self.worth), self.worth.shape[:2]
        found = np.full((n_modes, n_gains, 2), np.nan)
        for n, g in np.ndindex(n_modes, n_gains):
            at = edge(self.worth[n, g], self.rates, bars_NS[n], side)
            if 0 < at.beyond < np.inf:
                found[n, g] = np.sort(np.log10([at.trains, at.beyond]))
        return found


@dataclass(frozen=True)
class Simulated:
    """Five curves that train between two edges, which are normal over seeds, a rate elsewhere at chance.

    Args:
        name: of the world.
        num_rates: evenly spaced in log10.
        edge_sd: of both edges from seed to seed, in decades.
        island: whether each trains again between 0.4 and 0.9 decades above its edge.
        fractal: whether rates up to 0.6 decades above an edge train or not by chance, each seed and rate for itself.
        edge_skew: whether edges are of a gamma distribution, of skewness 1.6, about their median.
    """

    name: str
    num_rates: int
    edge_sd: float
    island: bool = False
    fractal: bool = False
    edge_skew: bool = False

    @cached_property
    def rates(self) -> list[float]:
        """The rates of the whole grid."""
        return [float(f"{rate:.6g}") for rate in np.logspace(LOW, HIGH, self.num_rates)]

    def _medians(self, side: Side) -> Floats:
        return np.linspace(-2.55, -1.85, 5) if side == "smallest" else np.linspace(-0.85, -0.15, 5)

    def truth(self, side: Side) -> Floats:
        """Return the medians of the edges."""
        shift = 0.0 if side == "smallest" else np.nan if self.fractal else 0.9 if self.island else 0.0
        return np.repeat(self._medians(side)[None, :, None] + shift, 2, axis=2)

    def draw(self, rng: np.random.Generator, num_seeds: int) -> Drawn:
        """Return what new seeds give."""
        low, high = (self._medians(side)[:, None] + self._scatter(rng, num_seeds) for side in SIDES)
        x = np.log10(self.rates)
        does_train = (x >= low[..., None]) & (x <= high[..., None])
        above = x - high[..., None]
        if self.island:
            does_train |= (above >= 0.4) & (above <= 0.9)
        if self.fractal:
            does_train |= (above > 0) & (above <= 0.6) & (rng.random(does_train.shape) < 0.5)
        return Drawn(np.where(does_train, 0.9, 0.1)[None], self.rates)

    def _scatter(self, rng: np.random.Generator, num_seeds: int) -> Floats:
        shape = (5, num_seeds)
        if self.edge_skew:
            return np.asarray(self.edge_sd / np.sqrt(1.5) * (rng.gamma(1.5, size=shape) - MEDIAN_OF_GAMMA))
        return self.edge_sd * rng.normal(size=shape)
