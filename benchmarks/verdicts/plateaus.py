"""A world in which accuracy over log10 lr is a plateau between two edges, with all that can be wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.statistics.nan_aware import Floats
from benchmarks.verdicts.tables import CHANCE

NORMS = ("none", "batch", "noisy_batch")
GAINS = (0.5, 1.0, 2.0)
LOW, HIGH = -3.0, 1.0
"""The tested range, in log10 lr."""
ACCURACY_LOSS = 0.015
"""By how much noisy batch's plateau is lower: as much as its statement allows."""

Draw = Callable[[np.random.Generator, tuple[int, ...]], Floats]
"""Draws numbers of mean 0 and variance 1."""


def normal(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Draw from the normal distribution."""
    return rng.normal(size=shape)


def skewed(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Draw from the gamma distribution of shape 1.5 upside down: skewness -1.6."""
    return np.asarray((1.5 - rng.gamma(1.5, size=shape)) / np.sqrt(1.5))


def heavy_tailed(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Draw from Student's t with 3 degrees of freedom."""
    return np.asarray(rng.standard_t(3, size=shape) / np.sqrt(3))


def lr_grid(count: int, gap: float = 0.0) -> Floats:
    """Return so many tested rates, as log10: evenly spaced, but for a gap of so many decades in the middle."""
    if not gap:
        return np.linspace(LOW, HIGH, count)
    below = np.linspace(LOW, (LOW + HIGH - gap) / 2, count // 2)
    return np.concatenate([below, (LOW + HIGH) - below[::-1]])


@dataclass(frozen=True)
class World:
    """What is drawn. Tuples are by mode: none, batch, noisy batch.

    Args:
        wider: by how many decades batch's and noisy batch's plateaus are wider.
        width: of the plateau without normalization, in decades.
        draw: the distribution of what differs from seed to seed.
        edge_sd: of the place of each edge from seed to seed, in decades.
        own_sd: of the same from gain to gain.
        run_sd: of the accuracy of single runs.
        ramp: from the plateau to chance, in decades.
        peak: accuracy on the plateau.
        failures: how often a run ends at chance whatever its learning rate.
        dead: how often all runs of a seed and mode do.
        by_gain: by how many decades a plateau moves per decade of gain.
        shift: by how many spacings batch's and noisy batch's plateaus lie to the right of none's; drawn up to half a
            decade either way if None.
        spare: by how many spacings the plateau is wider than a whole number of them; nothing if None.
        round_to: accuracies are multiples of this; of no number if 0.
        missing: the share of trials that have no result.
        lone_mode: whether there is a fourth mode with a single trial.
        gap: decades in the middle of the range where no rate is tested.
    """

    wider: float = 0.0
    width: float = 1.2
    draw: Draw = normal
    edge_sd: tuple[float, float, float] = (0.1, 0.1, 0.1)
    own_sd: float = 0.05
    run_sd: float = 0.01
    ramp: float = 0.3
    peak: float = 0.95
    failures: tuple[float, float, float] = (0.0, 0.0, 0.0)
    dead: tuple[float, float, float] = (0.0, 0.0, 0.0)
    by_gain: float = 0.3
    shift: float | None = None
    spare: float | None = None
    round_to: float = 0.0
    missing: float = 0.0
    lone_mode: bool = False
    gap: float = 0.0

    def curves(self, rng: np.random.Generator, seeds: int, spacing: float) -> Curves:
        """Draw the plateaus of so many seeds in one place; how they lie to the tested rates is chance."""
        shape, centre = (
            (seeds, len(NORMS), 1, len(GAINS), 1),
            (LOW + HIGH) / 2 + rng.uniform(-0.5, 0.5) * max(spacing, self.gap),
        )
        shift = rng.uniform(-0.5, 0.5) if self.shift is None else self.shift * spacing
        width = self.width if self.spare is None else (np.round(self.width / spacing) + self.spare) * spacing
        half = (width + self.wider * np.array([0, 1, 1])) / 2
        middle = centre + shift * np.array([0, 1, 1])
        by_gain = self.by_gain * np.log10(GAINS)[:, None]

        def edge() -> Floats:
            of_seed = by_mode(self.edge_sd) * self.draw(rng, (seeds, len(NORMS), 1, 1, 1))
            return of_seed + self.own_sd * rng.normal(size=shape) - by_gain

        peak = self.peak - ACCURACY_LOSS * by_mode((0, 0, 1)) + 0.005 * self.draw(rng, (seeds, len(NORMS), 1, 1, 1))
        dead = rng.random((seeds, len(NORMS), 1, 1, 1)) < by_mode(self.dead)
        return Curves(self, by_mode(middle - half) + edge(), by_mode(middle + half) + edge(), peak, dead)


def by_mode(values: Floats | tuple[float, ...]) -> Floats:
    """Return values by mode so that they broadcast to SNIGL."""
    return np.asarray(values, dtype=float)[:, None, None, None]


@dataclass(frozen=True)
class Curves:
    """Plateaus of some seeds: their edges (log10 lr) and heights, shape SNIG1."""

    world: World
    low: Floats
    high: Floats
    peak: Floats
    dead: NDArray[np.bool_]

    def accuracy(self, rng: np.random.Generator, log_lr: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        """Return the accuracy of a run at each rate, and whether it diverged; shape SNIGL."""
        outside = np.maximum(np.maximum(self.low - log_lr, log_lr - self.high), 0)
        accuracy = CHANCE + (self.peak - CHANCE) * np.maximum(0, 1 - outside / self.world.ramp)
        accuracy = accuracy + self.world.run_sd * rng.normal(size=accuracy.shape)
        failed = (rng.random(accuracy.shape) < by_mode(self.world.failures)) | self.dead
        accuracy = np.clip(np.where(failed, CHANCE, accuracy), 0, 1)
        step = self.world.round_to
        return (np.round(accuracy / step) * step if step else accuracy), failed
