"""The search of a sweep over its results: which of the declared trials it has asked for so far.

Which these are follows from the sweep file and from what is stored (`bnsweep.search.rounds`), so nothing else is kept
of a search: a run that begins, one that goes on after its coordinator's death, and `plan` walk its rounds anew. What
was asked for is in the order of the rounds, so that a further round only appends.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnsweep.errors import InputError
from bnsweep.results import Store
from bnsweep.search import Budget, Edges, End, Outcome, Search, Setting, Space, ask
from bnsweep.search.bisection import interval_levels
from bnsweep.search.space import SEED
from bnsweep.spec.grid import Grid
from bnsweep.spec.search import GRID
from bnsweep.spec.sweep import Sweep

COLUMNS = ("trial_key", "status", "test_acc", "test_loss", "test_loss_constant", "num_classes")
RATE = "lr"


@dataclass(frozen=True)
class Asked:
    """What a search has asked for.

    Args:
        trials: in the order of its rounds.
        num_rounds: how many there are, the one that is not over included.
        end: why it is over; None where it is not.
    """

    trials: Grid
    num_rounds: int
    end: str | None


def so_far(sweep: Sweep, store: Store) -> Sweep:
    """Return the sweep with those of its trials that it asks for by what is stored: with all of them for a grid.

    Raises:
        InputError: a result says nothing that the search can judge by, or cannot be read.
    """
    return sweep if sweep.search == GRID else replace(sweep, trials=asked(sweep, store).trials)


def in_words(sweep: Sweep, store: Store) -> str | None:
    """Return how far the search is; None for a grid, which has none. `sweep` is as its file declares it."""
    if sweep.search == GRID:
        return None
    found = asked(sweep, store)
    spent = f"search {sweep.search.name}: {len(found.trials)} of {len(sweep.trials)} trials of the grid"
    return f"{spent} in {found.num_rounds} rounds; " + (f"over: {found.end}" if found.end else "not over yet")


def asked(sweep: Sweep, store: Store) -> Asked:
    """Walk the rounds of a search, and return what it has asked for.

    Args:
        sweep: as its file declares it.
        store: where its results are.
    """
    table = store.read("trials", list(COLUMNS))
    told = {int(row["trial_key"], 16): outcome_of(row, sweep.search.bar == "own") for row in table.to_pylist()}
    grid = sweep.trials
    places = _Places(grid)
    answer = ask(_edges(sweep), told, places.key)
    rounds = [[setting for setting, _ in one_round] for one_round in answer.history]
    step, end = answer.step, None
    if isinstance(step, End):
        end = step.reason
    else:
        rounds.append(list(step.settings))
    indices = [places.index(setting) for one_round in rounds for setting in one_round]
    return Asked(grid.take(indices), len(rounds), end)


def outcome_of(row: dict[str, Any], needs_score: bool) -> Outcome:
    """Return what a trial gave, from its row of `trials`: the accuracy on the test set, or R^2 with real targets.

    Raises:
        InputError: it has no score, and needs one.
    """
    if row["status"] == "diverged":
        return Outcome(0.0, diverged=True, chance=_chance(row))
    score = row["test_acc"]
    if row["num_classes"] is None and row["test_loss"] is not None and row["test_loss_constant"]:
        score = max(1 - row["test_loss"] / row["test_loss_constant"], 0.0)
    if score is None or not isfinite(score):
        if needs_score:
            raise InputError(
                f"search: trial {row['trial_key']} says no test_acc to judge by; give search.bar: divergence"
            )
        score = 0.0
    return Outcome(score, chance=_chance(row))


def _chance(row: dict[str, Any]) -> float:
    return 1 / row["num_classes"] if row["num_classes"] else 0.0


def _edges(sweep: Sweep) -> Search:
    """Return the search of a sweep, in whose settings a value is called by its place on the axis."""
    axes, search = sweep.trials.product.axes, sweep.search
    rates = sorted(range(len(axes[RATE])), key=axes[RATE].__getitem__)
    seeds = range(len(axes.get(SEED, (0,))))
    crossed = {name: range(len(values)) for name, values in axes.items() if name not in (RATE, SEED)}
    levels = interval_levels(len(seeds)) if search.ends else (0.5,)
    edges = Edges(Space(crossed, {}, seeds), rates, search.first, search.bar, levels)
    return edges if search.budget is None else Budget(edges, search.budget)


class _Places:
    """Where the trials of a grid are, by the places of their values on the axes."""

    def __init__(self, grid: Grid) -> None:
        self._names, self._shape, self._keys = grid.product.names, grid.product.shape, grid.keys
        self._index: NDArray[np.int64] = np.empty(len(grid), np.int64)
        self._index[grid.order] = np.arange(len(grid))

    def index(self, setting: Setting) -> int:
        """Return the index of a trial in the grid."""
        return int(self._index[np.ravel_multi_index([setting[name] for name in self._names], self._shape)])

    def key(self, setting: Setting) -> int:
        """Return the key of a trial as a number."""
        return int(self._keys[self.index(setting)])
