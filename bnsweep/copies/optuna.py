"""Optuna: a study for what is optimized, in a journal file, so that optuna-dashboard opens a sweep, live.

`optuna-dashboard DIR/_optuna.journal`. A trial is one record of the journal. A trial that diverged is complete, with
the worst value there is; one that was pruned is pruned, with its last value.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from math import inf, isfinite
from typing import Any, Literal, NamedTuple

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock
from optuna.trial import FrozenTrial, TrialState, create_trial

from bnsweep.copies.axes import Axis, Declared
from bnsweep.copies.copy import JOURNAL, StoredTrial
from bnsweep.results.schema import Row
from bnsweep.spec.ranges import Range, is_number

LOG_SCALE_FROM = 10.0
"""Ratio of the largest to the smallest value of an axis from which on it is shown on a log scale."""
GRACE_S = 3
"""After so many seconds a lock on the journal is that of a process that was killed: one record takes milliseconds."""
ATTRIBUTES = ("status", "stop_step", "stop_reason", "pruner", "device", "host")
"""Columns of `trials` that are kept beside the numbers that a trial gave."""


class Objective(NamedTuple):
    """What is optimized: a number by its name, which of two is the better, and the worst that there is."""

    name: str
    direction: Literal["maximize", "minimize"]
    worst: float


class Studies:
    """The studies in a results directory: one for each objective of its sweep."""

    def __init__(self, root: str) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._path = os.path.join(root, JOURNAL)
        self._name, self._space = "", dict[str, BaseDistribution]()
        self._studies = dict[str, optuna.Study]()

    def declare(self, sweep: Declared) -> set[str]:
        """Take note of the axes; a study of others or by another pruner, or what is torn, is begun anew."""
        self._name, self._space = sweep.name, space_of(sweep.axes)
        if is_torn(self._path):
            os.remove(self._path)
        self._storage = JournalStorage(JournalFileBackend(self._path, JournalFileSymlinkLock(self._path, GRACE_S)))
        self._studies.clear()
        keys = set[str]()
        for name in optuna.get_all_study_names(self._storage):
            if name.startswith(study_name(sweep.name, "")):
                trials = optuna.load_study(study_name=name, storage=self._storage).get_trials(deepcopy=False)
                rules = {trial.user_attrs.get("pruner") for trial in trials} - {None, sweep.rule}
                if rules or any(trial.distributions != self._space for trial in trials):
                    optuna.delete_study(study_name=name, storage=self._storage)
                else:
                    keys.update(trial.user_attrs["trial_key"] for trial in trials)
        return keys

    def add(self, trial: StoredTrial) -> None:
        """Add it to the study of its objective."""
        objective = objective_of(trial.row)
        if objective.name not in self._studies:
            self._studies[objective.name] = optuna.create_study(
                storage=self._storage,
                study_name=study_name(self._name, objective.name),
                direction=objective.direction,
                load_if_exists=True,
            )
        self._studies[objective.name].add_trial(frozen_trial(trial, objective, self._space))


def study_name(sweep: str, objective: str) -> str:
    """Return what the study of an objective is called.

    >>> study_name("mini", "test_acc")
    'mini: test_acc'
    """
    return f"{sweep}: {objective}"


def objective_of(row: Row) -> Objective:
    """Return what a trial is judged by: what its own loop reports, or on the test set accuracy, of real targets loss.

    >>> objective_of({"metric_name": None, "num_classes": 10})
    Objective(name='test_acc', direction='maximize', worst=0.0)
    """
    if row["metric_name"] is not None:
        is_max = row["metric_mode"] == "max"
        return Objective(row["metric_name"], "maximize" if is_max else "minimize", -inf if is_max else inf)
    if row["num_classes"] is not None:
        return Objective("test_acc", "maximize", 0.0)
    return Objective("test_loss", "minimize", inf)


def space_of(axes: Mapping[str, Axis]) -> dict[str, BaseDistribution]:
    """Return where each axis lies: in its range, between its least and its largest value, or on those that it has.

    >>> space_of({"lr": [0.01, 1.0], "norm": ["none", "batch"]})["lr"]
    FloatDistribution(high=1.0, log=True, low=0.01, step=None)
    """
    return {name: _distribution(values) for name, values in axes.items()}


def _distribution(values: Axis) -> BaseDistribution:
    if isinstance(values, Range):
        return FloatDistribution(values.low, values.high, log=values.log)
    if not all(map(is_number, values)):
        return CategoricalDistribution(list(dict.fromkeys(map(as_choice, values))))
    low, high = min(values), max(values)
    if all(isinstance(value, int) for value in values):
        return IntDistribution(low, high)
    return FloatDistribution(low, high, log=low > 0 and high >= LOG_SCALE_FROM * low)


def as_choice(value: Any) -> Any:
    """Return a value as Optuna holds it: lists as text."""
    return json.dumps(value) if isinstance(value, list | dict) else value


def frozen_trial(trial: StoredTrial, objective: Objective, space: Mapping[str, BaseDistribution]) -> FrozenTrial:
    """Return a trial as Optuna has it."""
    value = trial.row["metric" if trial.row["metric_name"] else objective.name]
    attributes = {name: trial.row[name] for name in ATTRIBUTES} | dict(trial.outcome())
    seen = {
        row["step"]: row[objective.name] for row in trial.tables.get("curves", ()) if _is_shown(row.get(objective.name))
    }
    if trial.is_pruned:
        value = seen.get(trial.row["stop_step"])
    frozen = create_trial(
        state=TrialState.PRUNED if trial.is_pruned else TrialState.COMPLETE,
        value=objective.worst if value is None or value != value else value,  # NaN
        params={axis: as_choice(trial.place[axis]) for axis in space},
        distributions=dict(space),
        user_attrs={"trial_key": trial.key, **{name: value for name, value in attributes.items() if _is_shown(value)}},
        intermediate_values=seen,
    )
    frozen.datetime_start = trial.row["started_at"]
    frozen.datetime_complete = trial.ended_at
    return frozen


def _is_shown(value: Any) -> bool:
    """Return whether there is a value, and JSON as browsers read it has it."""
    return value is not None and (not isinstance(value, float) or isfinite(value))


def is_torn(path: str) -> bool:
    """Return whether a journal was cut off within a record, which would spoil the next one."""
    with suppress(FileNotFoundError), open(path, "rb") as file:
        if file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"
    return False
