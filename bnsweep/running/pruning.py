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

STEPS = "train.steps"


@dataclass(frozen=True)
class Pruning:
    """How the trials of a run are pruned.

    Args:
        pruner: decides.
        rungs: (R,) the steps at which it does.
        steps: (n,) of each trial: it is compared at the rungs below.
        groups: (n,) equal for those that are compared with each other.
        scores: (n, R) of the trials that are stored, NaN where one has not reached a rung.
    """

    pruner: Pruner
    rungs: NDArray[np.int64]
    steps: NDArray[np.int64]
    groups: NDArray[np.int64]
    scores: NDArray[np.float64]

    @classmethod
    def of(cls, spec: PrunerSpec, trials: Grid, store: Store) -> Self:
        """Return how these trials are pruned, by what is stored of them.

        Raises:
            InputError: a file is damaged. StoreError: the store cannot be reached.
        """
        steps, groups = _steps_and_groups(trials)
        rungs = np.array(spec.rungs(int(steps.max())), np.int64)
        pruning = cls(PRUNERS[spec.name](spec.factor), rungs, steps, groups, np.full((len(steps), len(rungs)), np.nan))
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

    def diverged(self, trial: int) -> None:
        """Take note that a trial diverged before the first rung of which nothing is known: there it is the worst."""
        is_unknown = np.isnan(self.scores[trial]) & (self.rungs < self.steps[trial])
        if is_unknown.any():
            self.scores[trial, is_unknown.argmax()] = DIVERGED


def share_of_steps(spec: PrunerSpec, trials: Grid) -> float:
    """Return which share of their steps trials train, if none diverges and all scores differ."""
    steps, groups = _steps_and_groups(trials)
    scores, trained, left = np.random.default_rng(0).random((len(steps), 1)), steps.copy(), np.arange(len(steps))
    for number, rung in enumerate(spec.rungs(int(steps.max())), start=1):
        here = left[steps[left] > rung]
        goes_on = survivors(PRUNERS[spec.name](spec.factor), scores[here].repeat(number, 1), groups[here])
        trained[here[~goes_on]] = rung
        left = np.setdiff1d(left, here[~goes_on])
    return float(trained.sum() / steps.sum())


def _steps_and_groups(trials: Grid) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return of each trial its steps, and a number that those have in common that are compared with each other."""
    product, order = trials.product, trials.order
    listed = np.asarray(product.axes.get(STEPS, [trials[0].train.steps]), np.int64)
    groups = product.combinations(order, *(name for name in product.names if name not in COMPARED))
    return listed[product.combinations(order, STEPS)], groups


def worst_for_nan(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return scores, that of a loss that is no number as the worst."""
    return np.where(np.isnan(scores), DIVERGED, scores)


def _places(found: NDArray[np.uint64], keys: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return which of `keys` those are that were found among them, and which of those found they are."""
    order = np.argsort(keys)
    places = order[np.minimum(np.searchsorted(keys, found, sorter=order), len(keys) - 1)]
    is_ours = keys[places] == found
    return places[is_ours], is_ours
