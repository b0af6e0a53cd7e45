"""The trials that no worker has, and in which order they are handed out."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bnsweep.running.coordinator.seating import Seating
from bnsweep.running.coordinator.trial_states import TrialStates
from bnsweep.spec.fusing import Seats


class Group(NamedTuple):
    """Trials that are handed out together."""

    trials: tuple[int, ...]
    is_alone: bool = False
    has_whole_gpus: bool = False


class WaitingTrials:
    """What came back with a pack, what nobody has begun, what is to run alone, what needs whole GPUs: in this order.

    Of what nobody has begun, trials that failed in earlier runs come last: one that ends its run each time, as it takes
    along the only worker, leaves the others unharmed.

    Args:
        states: of the trials.
        seats: of those that train as one with others; None where none does.
    """

    def __init__(self, states: TrialStates, seats: Seats | None = None) -> None:
        self._states, self.seating, self._seats = states, Seating(), seats
        self._pool, self._num_known = np.empty(0, np.int64), 0
        self._next = 0
        self._returned, self._lone, self._whole = deque[Group](), deque[Group](), deque[Group]()
        self.append(seats)

    @property
    def num_trials(self) -> int:
        """How many wait."""
        again = sum(len(group.trials) for queue in (self._returned, self._lone, self._whole) for group in queue)
        return self._num_fresh + again

    @property
    def num_whole(self) -> int:
        """How many wait for whole GPUs."""
        return len(self._whole)

    @property
    def _num_fresh(self) -> int:
        return len(self._pool) - self._next

    def append(self, seats: Seats | None = None) -> None:
        """Let those wait that the states have taken in since; what has failed before comes after what has not.

        `seats` are of all trials that there are by now.
        """
        self._seats = seats
        self.renew(self._num_known + np.flatnonzero(~self._states.has_ended[self._num_known :]))
        self._num_known = len(self._states.has_ended)

    def renew(self, trials: NDArray[np.int64]) -> None:
        """Let trials wait as what nobody has begun, in companies of their own."""
        has_failed = np.isin(trials, self._states.tried_before())
        trials = np.concatenate([trials[~has_failed], trials[has_failed]])
        if self._seats is not None:
            trials = self.seating.seat(trials, self._seats, int(np.count_nonzero(~has_failed)))
        self._pool, self._next = np.concatenate([self._pool[self._next :], trials]), 0

    def add(self, trials: Sequence[int], is_alone: bool = False, has_whole_gpus: bool = False) -> None:
        """Let trials wait that were handed out before."""
        if not trials:
            return
        queue = self._whole if has_whole_gpus else self._lone if is_alone else self._returned
        if has_whole_gpus and queue and self.seating.are_together(queue[-1].trials[0], trials[0]):
            queue[-1] = queue[-1]._replace(trials=(*queue[-1].trials, *trials))  # the memory is that of all of them
        else:
            queue.append(Group(tuple(trials), is_alone, has_whole_gpus))

    def next(self, size: Callable[[int], int], has_whole_gpus: bool) -> Group | None:
        """Return what is handed out next; None where nothing is left for such a worker.

        Args:
            size: says how many of so many that nobody has begun go together.
            has_whole_gpus: whether the worker may run what needs them.
        """
        return (
            self._first(self._returned)
            or self._fresh(size)
            or self._first(self._lone)
            or (self._first(self._whole) if has_whole_gpus else None)
        )

    def _first(self, queue: deque[Group]) -> Group | None:
        """Return the first group of a queue, without what has ended meanwhile."""
        while queue:
            group = queue.popleft()
            if left := tuple(trial for trial in group.trials if not self._states.is_out_of_hand(trial)):
                return group._replace(trials=left)
        return None

    def _fresh(self, size: Callable[[int], int]) -> Group | None:
        """Return the next trials that nobody has begun, not before this coordinator either."""
        while self._num_fresh:
            fresh = self._pool[self._next :]
            some = fresh[: self.seating.until_complete(fresh, size(self._num_fresh))]
            self._next += len(some)
            states = self._states
            if left := some[~(states.has_ended[some] | states.has_begun[some] | states.is_at_rung[some])].tolist():
                return Group(tuple(left))
        return None
