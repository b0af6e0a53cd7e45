"""A store in memory for coordinators, and the trials that they hand out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bnsweep.running.coordinator import Coordinator
from bnsweep.running.coordinator.outbox import Batch
from bnsweep.running.coordinator.trial_states import RESULTS
from bnsweep.running.packs import Delivery, Ended, Ending, Pack, Whereabouts
from bnsweep.spec import TrialSpec

SPECS = tuple(
    TrialSpec.model_validate({"model": {"name": "mlp"}, "dataset": {"name": "digits"}, "seed": seed})
    for seed in range(300)
)
KEYS = np.array([int(spec.trial_key, 16) for spec in SPECS], np.uint64)
COMPLETED, SHORT = Ended(Ending.COMPLETED), Ended(Ending.SHORT_OF_MEMORY)


class Clock:
    """A clock that goes where it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class CommitLog:
    """What is committed: how often each key is in `trials`, and each attempt in `failures`."""

    trials: Counter[str] = field(default_factory=Counter)
    failures: Counter[tuple[str, int]] = field(default_factory=Counter)

    def add(self, batch: Batch) -> None:
        tables = batch.tables()
        self.trials.update(_column(tables, "trials", "trial_key"))
        attempts = zip(_column(tables, "failures", "trial_key"), _column(tables, "failures", "attempt"), strict=True)
        self.failures.update(attempts)

    def widen(self, coordinator: Coordinator, before: int, after: int) -> bool:
        """Give it more trials; return whether it took them."""
        return coordinator.widen(SPECS[:after], KEYS[before:after], self._finished(), self._attempts(), ())

    def _finished(self) -> NDArray[np.uint64]:
        return np.array([int(key, 16) for key in self.trials], np.uint64)

    def _attempts(self) -> dict[str, int]:
        attempts: dict[str, int] = {}
        for key, attempt in self.failures:
            attempts[key] = max(attempt, attempts.get(key, 0))
        return attempts

    def coordinator(self, clock: Callable[[], float], num_trials: int, **options: Any) -> Coordinator:
        """Return one that starts from what is committed."""
        keys, attempts = KEYS[:num_trials], self._attempts()
        return Coordinator(SPECS[:num_trials], keys, self._finished(), attempts=attempts, clock=clock, **options)


def _column(tables: dict[str, pa.Table], table: str, column: str) -> list[Any]:
    return tables[table][column].to_pylist() if table in tables else []


def rows_of(endings: dict[int, Ended]) -> dict[str, pa.Table]:
    """Return the tables that say of trials how they ended, as far as a coordinator looks into them."""
    tables: dict[str, pa.Table] = {}
    endings = {trial: ended for trial, ended in endings.items() if ended.how is not Ending.PAUSED}
    for table, is_failure in (("trials", False), ("failures", True)):
        some = [(SPECS[trial].trial_key, ended) for trial, ended in endings.items() if _is_failure(ended) == is_failure]
        if some:
            columns = {"trial_key": [key for key, _ in some], "attempt": [ended.attempt for _, ended in some]}
            tables[table] = pa.table(columns)
    return tables


def _is_failure(ended: Ended) -> bool:
    return ended.how not in RESULTS


def worker(name: str, **options: Any) -> Whereabouts:
    return Whereabouts(name, host=f"host of {name}", **options)


def delivery(
    who: Whereabouts, pack: Pack, number: int, endings: dict[int, Ended], *, is_last: bool = False, busy_s: float = 0.0
) -> Delivery:
    """Return what a worker says of a pack."""
    return Delivery(who, number, pack.coordinator, pack.number, endings, rows_of(endings), busy_s, is_last)
