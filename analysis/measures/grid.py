"""The grid: final scores as one array, with a seed axis first, so that comparisons are paired by seed.

Shape suffixes: S seeds, N norms, I inits, G gains, L learning rates.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.loading.order import in_order
from analysis.loading.pruned import require_unpruned
from analysis.loading.results import IS_ADDED
from analysis.measures.scores import final_score, has_accuracy
from analysis.statistics.nan_aware import Floats, nan_max

Positions = NDArray[np.intp]


@dataclass(frozen=True)
class Grid:
    """The results of one configuration, each array of shape SNIGL; NaN where there is none.

    Args:
        accuracy: final test accuracy, or with real targets R^2, diverged runs at chance.
        diverged: 1 or 0.
        loss: final test loss, infinite where a run diverged.
        initial_loss: loss of the first mini-batch, before any update; NaN where it is not known.
        chance: accuracy of guessing; 0 with real targets.
        best: the best accuracy of each mode with each seed, anywhere on the whole grid, shape SN.
        best_of_any: that of all modes, shape S.
        added_lrs: those of `lrs` that a search has added, each mode its own; the others are common to all.
    """

    seeds: list[int]
    norms: list[str]
    inits: list[str]
    gains: list[float]
    lrs: list[float]
    accuracy: Floats
    diverged: Floats
    loss: Floats
    initial_loss: Floats
    chance: float
    best: Floats
    best_of_any: Floats
    added_lrs: frozenset[float] = frozenset()

    @property
    def is_common(self) -> NDArray[np.bool_]:
        """Which learning rates all modes have, as far as they are done, shape L."""
        return np.array([lr not in self.added_lrs for lr in self.lrs])

    def of(self, norms: list[str], seeds: Positions, lrs: Positions, known_SNIGL: NDArray[np.bool_]) -> Grid:
        """Return the grid of these modes, seeds and learning rates, with what is not known left out."""
        positions = [self.norms.index(norm) for norm in norms]

        def part(values: Floats) -> Floats:
            return np.where(known_SNIGL, values[:, positions], np.nan)[seeds][..., lrs]

        return replace(
            self,
            seeds=[self.seeds[k] for k in seeds],
            norms=list(norms),
            lrs=[self.lrs[k] for k in lrs],
            accuracy=part(self.accuracy),
            diverged=part(self.diverged),
            loss=part(self.loss),
            initial_loss=part(self.initial_loss),
            best=self.best[seeds][:, positions],
            best_of_any=self.best_of_any[seeds],
        )

    def arrange(self, trials: pd.DataFrame, values: pd.Series[float]) -> Floats:
        """Return `values`, one per row of `trials`, in the places of their trials, shape SNIGL; NaN elsewhere."""
        shape = [len(points) for points in self._axes.values()]
        array = np.full(int(np.prod(shape)), np.nan)
        places = self.places(trials)
        array[places[places >= 0]] = values.to_numpy(dtype=float)[places >= 0]
        return array.reshape(shape)

    def places(self, trials: pd.DataFrame) -> Positions:
        """Return where each row of `trials` is in the flat array of shape SNIGL; -1 for one that is not on the grid."""
        where = [pd.Index(points).get_indexer(pd.Index(trials[axis])) for axis, points in self._axes.items()]
        flat = np.zeros(len(trials), dtype=np.intp)
        for position, points in zip(where, self._axes.values(), strict=True):
            flat = flat * len(points) + position
        return np.where((np.asarray(where) >= 0).all(axis=0), flat, -1)

    @property
    def _axes(self) -> dict[str, list[Any]]:
        """The points of each axis by the column of trials that holds them, in the order SNIGL."""
        return {"seed": self.seeds, "norm": self.norms, "init": self.inits, "init_gain": self.gains, "lr": self.lrs}


def make_grid(trials: pd.DataFrame, curves: pd.DataFrame | None = None) -> Grid:
    """Arrange the trials of one configuration; needs status, test_acc, test_loss and num_classes besides the axes.

    The losses at initialization are those of step 0 in `curves`.

    Raises:
        InputError: a pruner stopped some of them.
    """
    require_unpruned(trials)
    seeds, norms, inits, gains, lrs = (
        sorted(trials["seed"].unique().tolist()),
        in_order(trials["norm"]),
        in_order(trials["init"]),
        sorted(trials["init_gain"].unique().tolist()),
        sorted(trials["lr"].unique().tolist()),
    )
    nothing = np.full([len(points) for points in (seeds, norms, inits, gains, lrs)], np.nan)
    chance = float((1 / trials["num_classes"]).max()) if has_accuracy(trials) else 0.0
    empty = Grid(seeds, norms, inits, gains, lrs, nothing, nothing, nothing, nothing, chance, nothing, nothing)
    accuracy, has_diverged = final_score(trials), trials["status"] == "diverged"
    loss = trials["test_loss"].mask(has_diverged, np.inf) if "test_loss" in trials else accuracy * np.nan
    arranged = empty.arrange(trials, accuracy)
    best = np.nan_to_num(nan_max(arranged, (2, 3, 4)), nan=0.0)
    return replace(
        empty,
        accuracy=arranged,
        best=best,
        best_of_any=best.max(axis=1),
        added_lrs=frozenset(trials.loc[trials[IS_ADDED], "lr"]) if IS_ADDED in trials else frozenset(),
        diverged=empty.arrange(trials, has_diverged.astype(float).mask(accuracy.isna())),
        loss=empty.arrange(trials, loss),
        initial_loss=nothing if curves is None else empty.arrange(trials, _initial_loss(trials, curves)),
    )


def _initial_loss(trials: pd.DataFrame, curves: pd.DataFrame) -> pd.Series[float]:
    first = curves[(curves["step"] == 0) & curves["train_loss"].notna()].drop_duplicates("trial_key")
    return trials["trial_key"].map(first.set_index("trial_key")["train_loss"]).astype(float)
