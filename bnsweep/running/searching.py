"""The search of a sweep over its results: which trials it has asked for so far.

Which these are follows from the sweep file and from what is stored (`bnsweep.search.rounds`), so nothing else is kept
of a search but what a sampler answered (`record.py`): a run that begins, one that goes on after its coordinator's
death, and `plan` walk its rounds anew. What was asked for is in the order of the rounds, so that a further round only
appends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, Protocol

import numpy as np
import pyarrow.dataset as pds
from numpy.typing import NDArray

from bnsweep.errors import InputError
from bnsweep.results import Store
from bnsweep.running.drawing import Draws, drawing_search
from bnsweep.running.record import keep_record, read_record
from bnsweep.running.replicating import JUDGED, Judge, adaptive
from bnsweep.search import Budget, Edges, End, History, Outcome, Search, Setting, Space, ask
from bnsweep.search.bisection import interval_levels
from bnsweep.search.budget import hours_of
from bnsweep.search.space import SEED
from bnsweep.spec.grid import Grid
from bnsweep.spec.listed import Trials
from bnsweep.spec.search import GRID, TUNING, SearchSpec
from bnsweep.spec.sweep import Sweep

COLUMNS = ("trial_key", "status", "test_acc", "test_loss", "test_loss_constant", "num_classes", "wall_time_s")
RATE = "lr"


@dataclass(frozen=True)
class Asked:
    """What a search has asked for.

    Args:
        trials: in the order of its rounds.
        num_rounds: how many there are, the one that is not over included.
        history: the rounds that are over.
        end: why it is over; None where it is not.
    """

    trials: Trials
    num_rounds: int
    history: History
    end: str | None


def so_far(sweep: Sweep, store: Store, judge: Judge | None = None) -> Sweep:
    """Return the sweep with those trials that it asks for by what is stored: with all of them for a grid.

    Raises:
        InputError: a result says nothing that the search can judge by, or cannot be read.
    """
    return sweep if sweep.search == GRID else replace(sweep, trials=asked(sweep, store, judge=judge).trials)


def in_words(sweep: Sweep, found: Asked) -> str:
    """Return how far a search is; `sweep` is as its file declares it."""
    search = sweep.search
    most = f"at most {sweep.num_trials} trials" if search.is_drawing else f"{len(sweep.trials)} trials of the grid"
    rounds = f"{found.num_rounds} round{'s' if found.num_rounds > 1 else ''}"
    hours = f", {hours_of(found.history):.4g} of {search.hours:g} hours" if search.hours else ""
    spent = f"search {search.label}: {len(found.trials)} of {most} in {rounds}{hours}"
    return f"{spent}; " + (f"over: {found.end}" if found.end else "not over yet")


def asked(
    sweep: Sweep, store: Store, history: History = (), judge: Judge | None = None, *, keeps: bool = False
) -> Asked:
    """Walk the rounds of a search, and return what it has asked for.

    Args:
        sweep: as its file declares it.
        store: where its results are.
        history: rounds that were found to be over before.
        judge: where seeds go where verdicts are open, says which these are.
        keeps: whether to write down what a sampler answers, as the coordinator does, which alone may write.
    """
    search = sweep.search
    columns = [*COLUMNS, *(JUDGED if search.is_adaptive else ())]
    table = store.read("trials", columns, pds.field("status") != "pruned")  # those are missing for a search
    told = {int(row["trial_key"], 16): outcome_of(row, search) for row in table.to_pylist()}
    points: _Points = Draws(sweep.drawn) if sweep.drawn else _Places(_grid(sweep))
    record = read_record(store) if search.name in TUNING else {}
    num_recorded = len(record)
    if search.is_adaptive:
        assert judge is not None, "someone who judges"
        found: Search = adaptive(search, _grid(sweep), table, points.key, judge)
    else:
        found = drawing_search(search, sweep.drawn, record) if sweep.drawn else _edges(search, _grid(sweep))
    answer = ask(_bounded(found, search), told, points.key, history)
    if keeps and len(record) > num_recorded:
        keep_record(store, record)
    settings = [setting for one_round in answer.history for setting, _ in one_round]
    num_rounds, step, end = len(answer.history), answer.step, None
    if isinstance(step, End):
        end = step.reason
    else:
        num_rounds, settings = num_rounds + 1, [*settings, *step.settings]
    return Asked(points.trials(settings), num_rounds, answer.history, end)


def outcome_of(row: dict[str, Any], search: SearchSpec) -> Outcome:
    """Return what a trial gave, from its row of `trials`: the accuracy on the test set, or R^2 with real targets.

    Raises:
        InputError: it has no score, and the search needs one.
    """
    seconds = row["wall_time_s"] or 0.0
    if row["status"] == "diverged":
        return Outcome(0.0, diverged=True, chance=_chance(row), seconds=seconds)
    score = row["test_acc"]
    if row["num_classes"] is None and row["test_loss"] is not None and row["test_loss_constant"]:
        score = max(1 - row["test_loss"] / row["test_loss_constant"], 0.0)
    if score is None or not isfinite(score):
        if search.name in TUNING or search.is_adaptive or (search.name == "edges" and search.bar == "own"):
            others = "search: grid" if search.is_adaptive else "search: qmc or random"
            instead = "search.bar: divergence" if search.name == "edges" else others
            raise InputError(f"search: trial {row['trial_key']} says no test_acc to judge by; give {instead}")
        score = 0.0
    return Outcome(score, chance=_chance(row), seconds=seconds)


def _chance(row: dict[str, Any]) -> float:
    return 1 / row["num_classes"] if row["num_classes"] else 0.0


def _bounded(found: Search, search: SearchSpec) -> Search:
    """Return a search with its budget."""
    return found if search.budget is None and search.hours is None else Budget(found, search.budget, search.hours)


def _edges(search: SearchSpec, grid: Grid) -> Search:
    """Return the search of edges, in whose settings a value is called by its place on the axis."""
    axes = grid.product.axes
    rates = sorted(range(len(axes[RATE])), key=axes[RATE].__getitem__)
    seeds = range(len(axes.get(SEED, (0,))))
    crossed = {name: range(len(values)) for name, values in axes.items() if name not in (RATE, SEED)}
    levels = interval_levels(len(seeds)) if search.ends else (0.5,)
    return Edges(Space(crossed, {}, seeds), rates, search.first, search.bar, levels)


def _grid(sweep: Sweep) -> Grid:
    assert isinstance(sweep.trials, Grid), "no axis is a range"
    return sweep.trials


class _Points(Protocol):
    """The trials that a search may ask for."""

    def key(self, setting: Setting) -> int:
        """Return the key of a trial as a number."""

    def trials(self, settings: Sequence[Setting]) -> Trials:
        """Return the trials with these settings."""


class _Places:
    """The trials of a grid, by the places of their values on the axes."""

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self._names, self._shape, self._keys = grid.product.names, grid.product.shape, grid.keys
        self._index: NDArray[np.int64] = np.empty(len(grid), np.int64)
        self._index[grid.order] = np.arange(len(grid))

    def trials(self, settings: Sequence[Setting]) -> Grid:
        """Return the trials with these settings."""
        return self._grid.take([self._place(setting) for setting in settings])

    def _place(self, setting: Setting) -> int:
        return int(self._index[np.ravel_multi_index([setting[name] for name in self._names], self._shape)])

    def key(self, setting: Setting) -> int:
        """Return the key of a trial as a number."""
        return int(self._keys[self._place(setting)])
