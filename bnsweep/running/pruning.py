"""What a coordinator prunes by: the rule, which trials are compared, and what the stored ones were at the rungs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow.compute as pc
import pyarrow.dataset as pds
from numpy.typing import NDArray

from bnsweep.results import Store
from bnsweep.results.keys import to_numbers
from bnsweep.search.pruning import DIVERGED, PRUNERS, Pruner, survivors
from bnsweep.spec.grid import Grid
from bnsweep.spec.pruner import COMPARED, PrunerSpec

STEPS, SEED = "train.steps", "seed"


@dataclass(frozen=True)
class Pruning:
    """How the trials of a run are pruned.

    Args:
        pruner: decides.
        rungs: (R,) the steps at which it does.
        steps: (n,) of each trial: it is compared at the rungs below.
        groups: (n,) equal for those that are compared with each other.
        points: (n,) equal for those that differ in their seed alone.
        scores: (n, R) of the trials that are stored, NaN where one has not reached a rung.
    """

    pruner: Pruner
    rungs: NDArray[np.int64]
    steps: NDArray[np.int64]
    groups: NDArray[np.int64]
    points: NDArray[np.int64]
    scores: NDArray[np.float64]

    @classmethod
    def of(cls, spec: PrunerSpec, trials: Grid, store: Store) -> Self:
        """Return how these trials are pruned, by what is stored of them.

        Raises:
            InputError: a file is damaged. StoreError: the store cannot be reached.
        """
        steps, groups, points = _compared(trials)
        rungs = np.array(spec.rungs(int(steps.max())), np.int64)
        unknown = np.full((len(steps), len(rungs)), np.nan)
        pruning = cls(PRUNERS[spec.name](spec.factor), rungs, steps, groups, points, unknown)
        pruning._read(trials.keys, store)
        return pruning

    def _read(self, keys: NDArray[np.uint64], store: Store) -> None:
        """Fill in what the stored trials were at the rungs."""
        evaluated = pds.field("step").isin(self.rungs.tolist()) & pds.field("test_loss").is_valid()
        rows = store.read("curves", ["trial_key", "step", "test_acc", "test_loss"], evaluated)
        score = pc.coalesce(rows["test_acc"], pc.negate(rows["test_loss"])).to_numpy()
        trials, is_ours = _places(to_numbers(rows["trial_key"]), keys)
        at = np.searchsorted(self.rungs, rows["step"].to_numpy()[is_ours])
        self.scores[trials, at] = worst_for_nan(score[is_ours])
        diverged = store.read("trials", ["trial_key"], pds.field("status") == "diverged")
        for trial in _places(to_numbers(diverged["trial_key"]), keys)[0].tolist():
            self.diverged(trial)

    def reached(self, trial: int, scores: tuple[float, ...]) -> None:
        """Take note of what a trial was at its first rungs."""
        self.scores[trial, : len(scores)] = worst_for_nan(np.array(scores, float))

    def goes_on(self, number: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return the trials (m,) that came to this rung, by its number, and which of them go on, (m,).

        One that diverged at an earlier rung still counts, as the worst of its point's.
        """
        known = self.scores[:, : number + 1]
        came = np.flatnonzero(~np.isnan(known[:, number]))
        has_diverged = np.isnan(known[:, number]) & (known == DIVERGED).any(1)
        counts = np.concatenate([came, np.flatnonzero(has_diverged & np.isin(self.points, self.points[came]))])
        scores = np.where(np.isnan(known[counts]), DIVERGED, known[counts])
        goes_on = survivors(self.pruner, scores, self.groups[counts], self.points[counts])
        return came, goes_on[: len(came)]

    def diverged(self, trial: int) -> None:
        """Take note that a trial diverged before the first rung of which nothing is known: there it is the worst."""
        is_unknown = np.isnan(self.scores[trial]) & (self.rungs < self.steps[trial])
        if is_unknown.any():
            self.scores[trial, is_unknown.argmax()] = DIVERGED


def share_of_steps(spec: PrunerSpec, trials: Grid) -> float:
    """Return which share of their steps trials train, if none diverges and all scores differ."""
    steps, groups, points = _compared(trials)
    scores, trained, left = np.random.default_rng(0).random((len(steps), 1)), steps.copy(), np.arange(len(steps))
    for number, rung in enumerate(spec.rungs(int(steps.max())), start=1):
        here = left[steps[left] > rung]
        goes_on = survivors(PRUNERS[spec.name](spec.factor), scores[here].repeat(number, 1), groups[here], points[here])
        trained[here[~goes_on]] = rung
        left = np.setdiff1d(left, here[~goes_on])
    return float(trained.sum() / steps.sum())


def _compared(trials: Grid) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return of each trial its steps, its group and its point."""
    product, order = trials.product, trials.order
    listed = np.asarray(product.axes.get(STEPS, [trials[0].train.steps]), np.int64)
    groups = product.combinations(order, *(name for name in product.names if name not in COMPARED))
    points = product.combinations(order, *(name for name in product.names if name != SEED))
    return listed[product.combinations(order, STEPS)], groups, points


def worst_for_nan(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return scores, that of a loss that is no number as the worst."""
    return np.where(np.isnan(scores), DIVERGED, scores)


def _places(found: NDArray[np.uint64], keys: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return which of `keys` those are that were found among them, and which of those found they are."""
    order = np.argsort(keys)
    places = order[np.minimum(np.searchsorted(keys, found, sorter=order), len(keys) - 1)]
    is_ours = keys[places] == found
    return places[is_ours], is_ours
