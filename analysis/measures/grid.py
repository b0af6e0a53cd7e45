"""The grid: final accuracies as one array, with a seed axis first, so that comparisons are paired by seed.

Shape suffixes: S seeds, N norms, I inits, G gains, L learning rates.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.loading.order import in_order
from analysis.statistics.nan_aware import Floats

FINISHED_SHARE = 0.75
"""A seed counts from this share of the points that the seed with most of them has."""


def final_accuracy(trials: pd.DataFrame) -> pd.Series[float]:
    """Return the test accuracy of each trial as a fraction; a diverged trial is at chance, 1 / num_classes."""
    accuracy = trials["test_acc"].where(np.isfinite(trials["test_acc"]))
    return accuracy.mask(trials["status"] == "diverged", 1 / trials["num_classes"]).rename("accuracy")


@dataclass(frozen=True)
class Grid:
    """`accuracy` and `diverged` (1 or 0) of one configuration, both of shape SNIGL; NaN where there is no result."""

    seeds: list[int]
    norms: list[str]
    inits: list[str]
    gains: list[float]
    lrs: list[float]
    accuracy: Floats
    diverged: Floats
    chance: float

    @property
    def common(self) -> NDArray[np.bool_]:
        """Where every norm has a result, by seed, shape SIGL: only there are norms compared."""
        return np.asarray(np.isfinite(self.accuracy).all(axis=1))

    def comparable(self) -> Grid:
        """Return the grid without the results that some norm lacks at the same seed, init, gain and learning rate.

        Leaving out a whole point is not enough: norms with different seeds there would differ by their seeds. Seeds
        that are far from finished go too: what is measured of them would be of another, smaller grid.
        """
        common = self.common
        points = common.sum(axis=(1, 2, 3))
        keep = np.flatnonzero((points > 0) & (points >= FINISHED_SHARE * points.max(initial=0)))
        accuracy, diverged = (
            np.where(common[:, None], values, np.nan)[keep] for values in (self.accuracy, self.diverged)
        )
        return replace(self, seeds=[self.seeds[k] for k in keep], accuracy=accuracy, diverged=diverged)

    def arrange(self, trials: pd.DataFrame, values: pd.Series[float]) -> Floats:
        """Return `values`, one per row of `trials`, in the places of their trials, shape SNIGL; NaN elsewhere."""
        axes: dict[str, list[Any]] = {
            "seed": self.seeds,
            "norm": self.norms,
            "init": self.inits,
            "init_gain": self.gains,
            "lr": self.lrs,
        }
        where = np.array([pd.Index(points).get_indexer(pd.Index(trials[axis])) for axis, points in axes.items()])
        on_grid = (where >= 0).all(axis=0)
        array = np.full([len(points) for points in axes.values()], np.nan)
        array[tuple(where[:, on_grid])] = values.to_numpy(dtype=float)[on_grid]
        return array


def make_grid(trials: pd.DataFrame) -> Grid:
    """Arrange the trials of one configuration; needs status, test_acc and num_classes besides the axes."""
    seeds, norms, inits, gains, lrs = (
        sorted(trials["seed"].unique().tolist()),
        in_order(trials["norm"]),
        in_order(trials["init"]),
        sorted(trials["init_gain"].unique().tolist()),
        sorted(trials["lr"].unique().tolist()),
    )
    nothing = np.full([len(points) for points in (seeds, norms, inits, gains, lrs)], np.nan)
    empty = Grid(seeds, norms, inits, gains, lrs, nothing, nothing, float((1 / trials["num_classes"]).max()))
    accuracy = final_accuracy(trials)
    diverged = (trials["status"] == "diverged").astype(float).mask(accuracy.isna())
    return replace(empty, accuracy=empty.arrange(trials, accuracy), diverged=empty.arrange(trials, diverged))
