"""The rungs at which trials wait for each other: how far each has come, and who goes on.

It is decided at a rung once each trial that has not ended waits there. So it depends on what the trials give alone, and
a coordinator that begins anew decides again as the one before.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bnsweep.running.coordinator.trial_states import RESULTS, TrialStates
from bnsweep.running.packs import Ended, Ending
from bnsweep.running.pruning import Pruning


class Decision(NamedTuple):
    """What becomes of trials that waited at a rung: some are to end there, some to go on now."""

    pruned: NDArray[np.int64]
    going: NDArray[np.int64]


class Rungs:
    """Where trials wait.

    Args:
        pruning: how they are pruned, and what is known of them.
        states: of the trials.
    """

    def __init__(self, pruning: Pruning, states: TrialStates) -> None:
        self._pruning, self._states = pruning, states
        self._number = 0
        self._pruned_at = np.zeros(len(pruning.steps), np.int64)

    @property
    def is_last_decided(self) -> bool:
        """Whether no trial will wait any more."""
        return self._number == len(self._pruning.rungs)

    @property
    def is_due(self) -> bool:
        """Whether all trials that have not ended wait."""
        return self._states.num_left == self._states.num_at_rung > 0

    def take_in(self, trial: int, ended: Ended) -> bool:
        """Take note of how a trial ended that had not; return whether that is news: it may wait, or go on, already."""
        if ended.how is Ending.PAUSED:
            is_here = len(ended.scores) > self._number and not self._pruned_at[trial]
            if not is_here or self._states.is_at_rung[trial]:
                return False
            self._states.wait_at_rung(trial)
        if ended.how is Ending.PAUSED or ended.how in RESULTS:
            self._pruning.reached(trial, ended.scores)
        if ended.how is Ending.DIVERGED:
            self._pruning.diverged(trial)
        return True

    def decide(self) -> Decision:
        """Decide who goes on at the rung where all wait; who was further already waits at the next one."""
        scores, rung = self._pruning.scores, self._number
        here, goes_on = self._pruning.goes_on(rung)
        lost = here[~goes_on & ~self._states.has_ended[here]]
        self._pruned_at[lost] = self._pruning.rungs[rung]
        self._number += 1
        waits = self._states.is_at_rung.copy()
        waits[lost] = False
        going = np.flatnonzero(waits)
        if not self.is_last_decided:
            is_further = ~np.isnan(scores[going, self._number])
            going = going[~is_further]
        self._states.leave_rung(np.concatenate([lost, going]))
        return Decision(lost, going)

    def until(self, trials: Iterable[int]) -> dict[int, int]:
        """Return at which step those of the trials stop that do not train to their end."""
        rung = None if self.is_last_decided else int(self._pruning.rungs[self._number])
        steps = {trial: int(self._pruned_at[trial]) or rung for trial in trials}
        return {trial: step for trial, step in steps.items() if step and step < self._pruning.steps[trial]}

    def pruned(self, trials: Iterable[int]) -> frozenset[int]:
        """Return those of the trials that end at a rung."""
        return frozenset(trial for trial in trials if self._pruned_at[trial])
