"""How a trial ends, and what becomes of the trials whose worker is no more."""

from __future__ import annotations

from bnsweep.running.coordinator.dispatch import Dispatch
from bnsweep.running.coordinator.packs_out import PackOut
from bnsweep.running.coordinator.trial_states import TrialStates
from bnsweep.running.packs import Ended, Ending, WorkerFailure

MAX_WORKER_FAILURES = 3
"""Workers that a trial may take along before it counts as failed: with nothing else to run, or by what it raised."""


class Losses:
    """Ends trials, and gives up those that took too many workers along.

    Args:
        states: of the trials.
        dispatch: has the packs.
    """

    def __init__(self, states: TrialStates, dispatch: Dispatch) -> None:
        self._states, self._dispatch = states, dispatch

    def end(self, trial: int, ended: Ended) -> None:
        """Take note of an ending; a trial that took its worker along once too often has failed."""
        took_along = ended.how is Ending.LOST_DEVICE
        if took_along and self._is_given_up(trial):
            ended = ended._replace(how=Ending.FAILED)
        self._states.end(trial, ended)
        self._dispatch.end(trial, ended.how)

    def take_back(self, out: PackOut, failure: WorkerFailure) -> list[tuple[int, int]]:
        """Let what is left of a pack wait again; return the trials that are given up, each with its attempt.

        Which trial of a pack made its worker die is not known from outside. So they are handed out once more, each
        alone; one that takes `MAX_WORKER_FAILURES` workers along when alone is given up. A preemption is no failure.
        Trials that train as one are at first handed out as they were, without others, and each alone where that kills
        again.
        """
        waiting, left, pack = self._dispatch.waiting, self._dispatch.let_go(out), out.pack
        if failure.is_preemption:
            waiting.add(left, pack.is_alone, pack.has_whole_gpus)
            return []
        given_up = list[tuple[int, int]]()
        if pack.is_alone and len(pack.trials) == 1:
            given_up = [(trial, out.left[trial]) for trial in left if self._is_given_up(trial)]
        lost = {trial for trial, _ in given_up}
        for company in [[trial] for trial in left] if pack.is_alone else pack.companies():
            again = [trial for trial in company if trial in left and trial not in lost]
            waiting.add(again, is_alone=True, has_whole_gpus=pack.has_whole_gpus)
        return [(trial, self._fail(trial, attempt)) for trial, attempt in given_up]

    def _is_given_up(self, trial: int) -> bool:
        """Count a worker that a trial has taken along; return whether that was one too many."""
        return self._states.takes_worker_along(trial) >= MAX_WORKER_FAILURES

    def _fail(self, trial: int, attempt: int) -> int:
        """End a trial without a result; return the number of its attempt, of which there is no row yet."""
        attempt = self._states.unrecorded(trial, attempt)
        self.end(trial, Ended(Ending.FAILED, attempt))
        return attempt
