"""Rows that were taken in and are not committed yet, and when they should be."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from bnsweep.results.tables import joined_rows

MIN_INTERVAL_S, MAX_INTERVAL_S, SHARE_OF_RUN = 5.0, 60.0, 0.01
"""From one commit to the next: so much of the time run, within these bounds. A commit is one file for each table."""
FIRST_AFTER_S = 1.0
"""The first commit comes early: what is wrong with a place should show soon."""
MAX_BYTES = 2**27
"""Rows are committed earlier where there are more."""


@dataclass
class Batch:
    """Rows that become visible together.

    Args:
        parts: the rows by table, as they came.
        deliveries: by worker, the number of its last delivery in here.
        trials: those with a result or a failure in here.
        num_bytes: of the rows.
    """

    parts: dict[str, list[pa.Table]] = field(default_factory=dict)
    deliveries: dict[str, int] = field(default_factory=dict)
    trials: list[int] = field(default_factory=list)
    num_bytes: int = 0

    def tables(self) -> dict[str, pa.Table]:
        """Return the rows by table.

        Raises:
            InputError: a column of a user's own table is of types that do not go together.
        """
        return {name: _joined(name, parts) for name, parts in self.parts.items()}


def _joined(name: str, parts: Sequence[pa.Table]) -> pa.Table:
    """Return rows as one table, in chunks as they came: a copy of all of them would be as large again.

    Trials may have other columns in a table of the user's own.
    """
    if any(part.schema != parts[0].schema for part in parts):
        return joined_rows(name, parts)
    return pa.concat_tables(parts).unify_dictionaries()


def interval_s(run_s: float) -> float:
    """Return how long after the last one the next commit of a run is due that has taken so long.

    >>> interval_s(100), interval_s(1000), interval_s(100_000)
    (5.0, 10.0, 60.0)
    """
    return min(max(MIN_INTERVAL_S, SHARE_OF_RUN * run_s), MAX_INTERVAL_S)


def num_commits(run_s: float) -> int:
    """Return how many commits a run of so many seconds makes."""
    commits, at = 1, FIRST_AFTER_S
    while at < run_s:
        commits, at = commits + 1, at + interval_s(at)
    return commits


class Outbox:
    """Rows on their way to the store: a batch that fills, and at most one that is being committed.

    Args:
        clock: returns seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._began = clock()
        self._last = self._began + FIRST_AFTER_S - MIN_INTERVAL_S
        self._filling = Batch()
        self._leaving: Batch | None = None

    @property
    def is_empty(self) -> bool:
        """Whether all that was taken in is committed."""
        return self._leaving is None and not self._filling.deliveries

    @property
    def is_too_full(self) -> bool:
        """Whether the store does not keep up, so that no more rows should come."""
        return self._filling.num_bytes > 2 * MAX_BYTES

    def add(self, worker: str, number: int, tables: Mapping[str, pa.Table], trials: Collection[int]) -> None:
        """Take in the rows of a worker's delivery."""
        filling = self._filling
        filling.deliveries[worker] = number
        filling.trials.extend(trials)
        for name, table in tables.items():
            if len(table):
                filling.parts.setdefault(name, []).append(table)
                filling.num_bytes += table.nbytes

    def next_batch(self, *, is_end: bool) -> Batch | None:
        """Return what to commit now; None where it is not yet time, or a commit is under way.

        Whoever gets a batch commits it and says so to `committed`.

        Args:
            is_end: nothing more will come.
        """
        if self._leaving or not self._filling.deliveries:
            return None
        now = self._clock()
        is_time = now - self._last >= interval_s(now - self._began)
        if not (is_end or is_time or self._filling.num_bytes > MAX_BYTES):
            return None
        self._leaving, self._filling, self._last = self._filling, Batch(), now
        return self._leaving

    def committed(self) -> Batch:
        """Take note that the batch handed out is committed, and return it."""
        batch, self._leaving = self._leaving, None
        assert batch is not None, "no batch is under way"
        return batch
