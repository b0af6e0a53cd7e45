"""The coordinator: hands out packs of the trials that are missing, and takes in what becomes of them.

It does nothing by itself: no threads, no files, no Ray, no clock of its own. Whoever holds it (`service.py`) commits
what it gives out for that. Each call costs microseconds, however many trials and workers there are.

What a trial's index is among the sweep's trials names it here: that outlives a coordinator, which is all that a new one
knows beside the store. Whatever a worker says twice, or to the successor of whom it should have been said to, is right:
of a trial the first result counts.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from time import monotonic

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bnsweep.running.coordinator.dispatch import Dispatch
from bnsweep.running.coordinator.intake import Intake
from bnsweep.running.coordinator.known_workers import KnownWorkers
from bnsweep.running.coordinator.losses import Losses
from bnsweep.running.coordinator.news import MAX_UNDER_WAY
from bnsweep.running.coordinator.outbox import Batch, Outbox
from bnsweep.running.coordinator.pack_sizing import PackSizing
from bnsweep.running.coordinator.run_status import RunStatus
from bnsweep.running.coordinator.trial_states import TrialStates
from bnsweep.running.failure_rows import lost_worker_row
from bnsweep.running.packs import Delivery, Pack, Receipt, Wait, Whereabouts, WorkerFailure
from bnsweep.running.pruning import Pruning
from bnsweep.running.tally import Tally
from bnsweep.spec import TrialSpec
from bnsweep.spec.fusing import Seats


class Coordinator:
    """Hands out packs, takes in rows.

    Args:
        trials: of the sweep; one is looked up only where it is given up.
        keys: of all trials, by index.
        finished: those of the trials that are stored.
        num_workers: how many are expected.
        attempts: the number of a trial's last attempt that failed, by its key in hexadecimal.
        saved: keys of the trials with a checkpoint.
        clock: returns seconds.
        hand_out_after_s: until then workers may say what a predecessor has handed out.
        own_schemas: of users' own tables, as they are stored.
        seats: of the trials that train as one with others; None where none does.
        pruning: how they are pruned; None where they all train to their end.
        is_searching: whether more trials may follow once these have ended: `widen` gives them, `search_ended` says
            that there are none.
    """

    def __init__(
        self,
        trials: Sequence[TrialSpec],
        keys: NDArray[np.uint64],
        finished: NDArray[np.uint64],
        *,
        num_workers: int = 1,
        attempts: Mapping[str, int] | None = None,
        saved: Collection[str] = (),
        clock: Callable[[], float] = monotonic,
        hand_out_after_s: float = 0.0,
        own_schemas: Mapping[str, pa.Schema] | None = None,
        seats: Seats | None = None,
        pruning: Pruning | None = None,
        is_searching: bool = False,
    ) -> None:
        self.name = uuid.uuid4().hex
        self._trials, self._clock = trials, clock
        self._states = TrialStates(keys, finished, attempts or {}, saved)
        self.num_trials = self._states.num_left
        self._workers, self._sizing, self._outbox = KnownWorkers(), PackSizing(num_workers), Outbox(clock)
        of_run = self._states, self._workers, self._sizing
        self._dispatch = Dispatch(self.name, *of_run, num_workers, clock, seats, pruning)
        self._losses = Losses(self._states, self._dispatch)
        self._intake = Intake(
            self._states, self._dispatch, self._losses, self._workers, self._outbox, own_schemas or {}
        )
        self._hand_out_from = clock() + hand_out_after_s
        self._is_stopping = self._has_given_up = self._is_aborted = False
        self._is_searching = is_searching

    # A worker asks.

    def take(self, whereabouts: Whereabouts) -> Pack | Wait | None:
        """Return a pack for a worker that has none; None where there will be nothing more for it."""
        if (given := self._dispatch.pack_of(whereabouts)) is not None:  # it did not get the answer
            return given
        is_done = self._workers.is_gone(whereabouts.name) or self.is_over
        pack = self._dispatch.next_pack(whereabouts) if not is_done and self._may_hand_out() else None
        if pack is not None:
            return pack
        if is_done or self._may_go(whereabouts):
            self._workers.dismiss(whereabouts.name)
            return None
        self._workers.idle(whereabouts.name)
        return Wait(self._workers.wait_s)

    def resume(self, whereabouts: Whereabouts, pack: Pack) -> Pack:
        """Take note of a pack that a predecessor has handed out; return it under its new number."""
        if (given := self._dispatch.pack_of(whereabouts)) is not None:
            return given
        if self._has_stopped or self._workers.is_gone(whereabouts.name):
            return pack
        return self._dispatch.resume(whereabouts, pack)

    def _may_hand_out(self) -> bool:
        return not (self._is_stopping or self._outbox.is_too_full or self._clock() < self._hand_out_from)

    def _may_go(self, whereabouts: Whereabouts) -> bool:
        """Return whether a worker that got nothing is of no more use."""
        waits_for_commit = self._workers.known(whereabouts).waits_for_commit
        if waits_for_commit or self._is_searching or self._is_stopping or not self._may_hand_out():
            return False
        return self._dispatch.is_needless(whereabouts)

    # A worker delivers.

    def deliver(self, delivery: Delivery) -> Receipt:
        """Take in what a worker has done; rows of a trial that has ended already are left out."""
        is_mine = delivery.coordinator == self.name
        number = delivery.pack if is_mine else self._workers.known(delivery.worker).pack
        out = self._dispatch.out.get(number)
        if self._workers.is_new(delivery):
            self._intake.take_in(delivery, out, self._trials)
            if out is not None and is_mine and delivery.is_last:
                self._dispatch.close(out)
        return Receipt(
            self.name,
            self._workers.known(delivery.worker).committed,
            self._is_stopping or self.is_over,
            frozenset(out.dropped) if out is not None else frozenset(),
            self._workers.contact_s,
        )

    # Others say what becomes of workers, checkpoints, commits, and of the run.

    def lost(self, name: str, failure: WorkerFailure) -> None:
        """Take back the pack of a worker that is no more; what was given up has failed."""
        out = self._dispatch.out.get(self._workers.give_up(name))
        if out is None:
            return
        for trial, attempt in self._losses.take_back(out, failure):
            table = lost_worker_row(self._trials[trial], attempt, failure)
            self._outbox.add("", 0, {"failures": table}, [trial])

    def widen(
        self,
        trials: Sequence[TrialSpec],
        keys: NDArray[np.uint64],
        finished: NDArray[np.uint64],
        attempts: Mapping[str, int],
        saved: Collection[str],
        seats: Seats | None = None,
    ) -> bool:
        """Take in more trials, all that there are then, and the keys of those that are new; the rest is of all.

        Returns False where the run is over, or stops.
        """
        if self.is_over or self._is_stopping:
            return False
        before = self._states.num_left
        self._states.append(keys, finished, attempts, saved)
        self._dispatch.waiting.append(seats)
        self._trials, self.num_trials = trials, self.num_trials + self._states.num_left - before
        return True

    @property
    def waits_for_round(self) -> bool:
        """Whether all trials of a search so far have ended, and are committed: it is to be asked what follows."""
        return self._is_searching and not self._is_stopping and self._states.num_left == 0 and self._outbox.is_empty

    def search_ended(self) -> None:
        """Take note that no more trials will follow."""
        self._is_searching = False

    def has_saved(self, trial: int) -> bool:
        """Take note that a trial is to be saved; return whether that is of any use."""
        if self._states.has_ended[trial] or self._is_aborted:
            return False
        self._states.save(trial)
        return True

    def next_batch(self, *, is_end: bool = False) -> Batch | None:
        """Return what is to be committed now, if anything; `committed` is to be called once it is.

        Args:
            is_end: nothing more will be, whatever is still out.
        """
        return self._outbox.next_batch(is_end=is_end or self._states.num_left == 0 or self._has_stopped)

    def committed(self) -> set[int]:
        """Take note that the batch is committed; return those of its trials whose checkpoints are of no use now."""
        batch = self._outbox.committed()
        self._workers.committed(batch.deliveries)
        return self._states.outdated(batch.trials)

    def stop(self) -> None:
        """Hand out no more; workers save what is under way, and deliver."""
        self._is_stopping = True

    def give_up_packs(self) -> None:
        """Be over, where the run is to stop, without what workers still have: those trials have no result."""
        self._has_given_up = True

    def abort(self) -> None:
        """Hand out no more, since nothing can be committed."""
        self._is_stopping = self._is_aborted = True

    # How far it is.

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do, and all rows are committed."""
        return self._is_aborted or (self._has_stopped and self._outbox.is_empty)

    @property
    def _has_stopped(self) -> bool:
        is_waited_for = self._dispatch.out and not self._has_given_up
        has_all = self._states.num_left == 0 and not self._is_searching
        return has_all or (self._is_stopping and not is_waited_for)

    @property
    def tally(self) -> Tally:
        """How trials ended."""
        return self._states.tally

    def missing(self) -> list[int]:
        """Return the trials that have no result."""
        return self._states.missing()

    def status(self) -> RunStatus:
        """Return how far the run is."""
        waiting = self._dispatch.waiting
        return RunStatus(
            self.name,
            self.num_trials,
            self.tally,
            self._workers.working,
            waiting.num_trials + self._states.num_at_rung,
            waiting.num_whole,
            self.is_over,
            len(self._trials),
            self._intake.newsroom.news(self._dispatch.under_way(MAX_UNDER_WAY), self._trials),
            self._is_searching,
            self._states.num_at_rung,
        )
