"""What is known of each trial of a sweep: whether it has ended, which attempts there were, whether it is saved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from bnsweep.running.packs import Ended, Ending
from bnsweep.running.tally import Tally

TALLIES = {
    Ending.COMPLETED: Tally(completed=1),
    Ending.DIVERGED: Tally(diverged=1),
    Ending.PRUNED: Tally(pruned=1),
    Ending.FAILED: Tally(failed=1),
}
RESULTS = {Ending.COMPLETED, Ending.DIVERGED, Ending.PRUNED}
TRIED_AGAIN = {Ending.SHORT_OF_MEMORY, Ending.LOST_DEVICE}


class TrialStates:
    """The trials by index. One that has ended is not run again in this run.

    Args:
        keys: of all trials, by index.
        finished: those of the trials that are stored.
        attempts: the number of a trial's last attempt that failed, by its key in hexadecimal.
        saved: keys of the trials with a checkpoint.
    """

    def __init__(
        self,
        keys: NDArray[np.uint64],
        finished: NDArray[np.uint64],
        attempts: Mapping[str, int],
        saved: Collection[str],
    ) -> None:
        self._keys = np.empty(0, np.uint64)
        self.has_ended, self.has_begun, self.is_at_rung = np.zeros(0, bool), np.zeros(0, bool), np.zeros(0, bool)
        self.num_left = self.num_at_rung = 0
        self.tally = Tally()
        self._recorded, self._tried = dict[int, int](), dict[int, int]()
        self._saved, self._outdated, self._failed = set[int](), set[int](), set[int]()
        self._workers_taken = Counter[int]()
        self.append(keys, finished, attempts, saved)

    def append(
        self,
        keys: NDArray[np.uint64],
        finished: NDArray[np.uint64],
        attempts: Mapping[str, int],
        saved: Collection[str],
    ) -> None:
        """Take in more trials, whose indices follow."""
        first = len(self._keys)
        self._keys = np.concatenate([self._keys, keys])
        self.has_ended = np.concatenate([self.has_ended, np.isin(keys, finished)])
        self.has_begun, self.is_at_rung = (
            np.concatenate([mask, np.zeros(len(keys), bool)]) for mask in (self.has_begun, self.is_at_rung)
        )
        self.num_left += int(np.count_nonzero(~self.has_ended[first:]))
        for trial, attempt in self._indexed(attempts, first):
            self._recorded[trial] = self._tried[trial] = attempt
        self._saved |= {trial for trial, _ in self._indexed(dict.fromkeys(saved, 0), first)}

    def _indexed(self, values: Mapping[str, int], first: int) -> Iterable[tuple[int, int]]:
        """Yield the index and the value of each trial, from an index on, that is named by its key."""
        if not values:
            return
        order = np.argsort(self._keys)
        named = np.array([int(key, 16) for key in values], np.uint64)
        places = np.minimum(np.searchsorted(self._keys, named, sorter=order), len(order) - 1)
        for key, trial, value in zip(named, order[places], values.values(), strict=True):
            if self._keys[trial] == key and trial >= first:
                yield int(trial), value

    # Attempts.

    def next_attempts(self, trials: Iterable[int]) -> dict[int, int]:
        """Return the number of each trial's next attempt."""
        return {trial: self._tried.get(trial, 0) + 1 for trial in trials}

    def tried_before(self) -> list[int]:
        """Return the trials of which an attempt has come to nothing."""
        return list(self._tried)

    def begin(self, trials: Collection[int]) -> None:
        """Take note that trials are handed out."""
        self.has_begun[list(trials)] = True

    def tried(self, trial: int, attempt: int) -> None:
        """Take note of an attempt that came to nothing."""
        self._tried[trial] = max(attempt, self._tried.get(trial, 0))

    def is_known(self, trial: int, ended: Ended) -> bool:
        """Return whether there are rows already: of the trial, or of this attempt that failed.

        Two coordinators may hand an attempt out under one number, the second not knowing of the first.
        """
        is_failure = ended.how not in RESULTS
        return bool(self.has_ended[trial]) or (is_failure and ended.attempt <= self._recorded.get(trial, 0))

    def takes_worker_along(self, trial: int) -> int:
        """Take note that a trial has taken a worker along; return how many it has by now."""
        self._workers_taken[trial] += 1
        return self._workers_taken[trial]

    def unrecorded(self, trial: int, attempt: int) -> int:
        """Return the attempt's number, or the next one that no row of `failures` has."""
        return max(attempt, self._recorded.get(trial, 0) + 1)

    # Rungs.

    def wait_at_rung(self, trial: int) -> None:
        """Take note that a trial is handed out no more until it is decided about the rung that it has reached."""
        self.is_at_rung[trial] = True
        self.num_at_rung += 1

    def leave_rung(self, trials: NDArray[np.int64]) -> None:
        """Take note that trials that waited may be handed out again."""
        self.is_at_rung[trials] = self.has_begun[trials] = False
        self.num_at_rung -= len(trials)

    def is_out_of_hand(self, trial: int) -> bool:
        """Return whether a trial is not to be run now: it has ended, or waits at a rung."""
        return bool(self.has_ended[trial] or self.is_at_rung[trial])

    # Endings.

    def end(self, trial: int, ended: Ended) -> None:
        """Take note of a result, or that there will be none, or that it is to be tried again, or waits at a rung."""
        if ended.how is Ending.PAUSED:
            return
        if trial in self._saved:  # whatever comes next begins anew
            self._saved.discard(trial)
            self._outdated.add(trial)
        if ended.how in TRIED_AGAIN:
            self.has_begun[trial] = True
            self._recorded[trial] = max(ended.attempt, self._recorded.get(trial, 0))
            self.tried(trial, ended.attempt)
            return
        if self.is_at_rung[trial]:
            self.leave_rung(np.array([trial]))
        self.has_ended[trial] = True
        self.num_left -= 1
        self.tally += TALLIES[ended.how]
        if ended.how is Ending.FAILED:
            self._failed.add(trial)

    def missing(self) -> list[int]:
        """Return the trials that have no result."""
        return sorted([*np.flatnonzero(~self.has_ended).tolist(), *self._failed])

    def without(self, tables: Mapping[str, pa.Table], trials: Iterable[int]) -> dict[str, pa.Table]:
        """Return tables without the rows of some trials."""
        keys = pa.array([f"{self._keys[trial]:016x}" for trial in trials], pa.string())
        return {name: table.filter(pc.invert(pc.is_in(table["trial_key"], keys))) for name, table in tables.items()}

    # Checkpoints.

    def save(self, trial: int) -> None:
        """Take note that there is a checkpoint."""
        self._saved.add(trial)

    def saved(self, trials: Collection[int]) -> frozenset[int]:
        """Return those of the trials that have a checkpoint to continue from."""
        return frozenset(self._saved.intersection(trials)) if self._saved else frozenset()

    def outdated(self, trials: Iterable[int]) -> set[int]:
        """Return those of the trials, whose rows are committed, that have a checkpoint of no use; each once."""
        outdated = self._outdated.intersection(trials)
        self._outdated -= outdated
        return outdated - self._saved
