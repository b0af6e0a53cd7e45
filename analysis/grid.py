"""The grid: final accuracies as one array, with a seed axis first, so that comparisons are paired by seed.

Shape suffixes: S seeds, N norms, I inits, G gains, L learning rates.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]

NORM_ORDER = (
    "none",
    "batch",
    "noisy_batch",
    "l1",
    "l2",
    "linf",
    "layer",
    "group",
    "instance",
    "rms",
    "weight",
)
"""The order of the normalization modes in every table and figure."""

BASELINE = NORM_ORDER[0]
"""The mode that the others are compared with."""


def in_order(norms: pd.Series[str] | list[str]) -> list[str]:
    """Return the distinct names in the order of `NORM_ORDER`, unknown ones last."""
    names = sorted({str(norm) for norm in norms})
    return sorted(names, key=lambda name: NORM_ORDER.index(name) if name in NORM_ORDER else len(NORM_ORDER))


def final_accuracy(trials: pd.DataFrame) -> pd.Series[float]:
    """Return the test accuracy of each trial as a fraction; a diverged trial is at chance, 1 / num_classes."""
    accuracy = trials["test_acc"].where(np.isfinite(trials["test_acc"]))
    return accuracy.mask(trials["status"] == "diverged", 1 / trials["num_classes"]).rename("accuracy")


@dataclass(frozen=True)
class Grid:
    """`accuracy` and `diverged` (1 or 0) of one setting, both of shape SNIGL; NaN where there is no result."""

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

        Leaving out a whole point is not enough: norms with different seeds there would differ by their seeds.
        """
        common = self.common
        keep = np.flatnonzero(common.any(axis=(1, 2, 3)))
        accuracy, diverged = (
            np.where(common[:, None], values, np.nan)[keep] for values in (self.accuracy, self.diverged)
        )
        return replace(self, seeds=[self.seeds[k] for k in keep], accuracy=accuracy, diverged=diverged)


def make_grid(trials: pd.DataFrame) -> Grid:
    """Arrange the trials of one setting; needs status, test_acc and num_classes besides the axes."""
    seeds, norms, inits, gains, lrs = (
        sorted(trials["seed"].unique().tolist()),
        in_order(trials["norm"]),
        sorted(trials["init"].astype(str).unique()),
        sorted(trials["init_gain"].unique().tolist()),
        sorted(trials["lr"].unique().tolist()),
    )
    axes = {"seed": seeds, "norm": norms, "init": inits, "init_gain": gains, "lr": lrs}
    where = tuple(pd.Index(values).get_indexer(pd.Index(trials[axis])) for axis, values in axes.items())
    accuracy = np.full([len(values) for values in axes.values()], np.nan)
    diverged = accuracy.copy()
    accuracy[where] = final_accuracy(trials)
    diverged[where] = np.where(np.isnan(accuracy[where]), np.nan, trials["status"] == "diverged")
    chance = float((1 / trials["num_classes"]).max())
    return Grid(seeds, norms, inits, gains, lrs, accuracy, diverged, chance)
