"""The coordinator: knows which trials are missing, hands out packs of them, and takes in what becomes of them.

It does nothing by itself: no threads, no files, no Ray, no clock of its own. Whoever holds it (`service.py`) commits
what it gives out for that. Each call costs microseconds, however many trials and workers there are.

What a trial's index is among the sweep's trials names it here: that outlives a coordinator, which is all that a new one
knows beside the store. Whatever a worker says twice, or to the successor of whom it should have been said to, is right:
of a trial the first result counts.
"""

from __future__ import annotations

import uuid
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from time import monotonic
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from bnsweep.running.failure_rows import lost_worker_row
from bnsweep.running.outbox import Batch, Outbox
from bnsweep.running.pack_sizing import PackSizing
from bnsweep.running.packs import Delivery, Ended, Ending, Pack, Receipt, Tally, Wait, Whereabouts, WorkerFailure
from bnsweep.spec import TrialSpec

MAX_WORKER_FAILURES = 3
"""Workers that a trial may take along, each with nothing but this trial to run, before it counts as failed."""
MIN_TAKEN_OVER_S = 0.5
"""Of what another worker holds no less is taken from it."""
STRAGGLER = 1.5
"""A trial that runs this many times as long as the mean is run a second time by a worker that has nothing to do."""
LOOK_AT = 20
"""How many packs are looked at for something to take over, the oldest first."""
CONTACTS_PER_S, WAITS_PER_S = 500, 1000
"""How often all workers together should be heard of while they train, and while they wait."""
MIN_CONTACT_S, MIN_WAIT_S = 1.0, 0.2
TALLIES = {
    Ending.COMPLETED: Tally(completed=1),
    Ending.DIVERGED: Tally(diverged=1),
    Ending.FAILED: Tally(failed=1),
}


class RunStatus(NamedTuple):
    """How far a run is.

    Args:
        coordinator: who says so.
        num_trials: what was missing when it began.
        tally: how trials ended since.
        working: how many workers have a pack, by host.
        num_waiting: trials that no worker has.
        num_waiting_whole: those of them that need whole GPUs.
        is_over: nothing is left to do, and all rows are committed.
    """

    coordinator: str
    num_trials: int
    tally: Tally
    working: Mapping[str, int]
    num_waiting: int
    num_waiting_whole: int
    is_over: bool


@dataclass
class _Out:
    """A pack that a worker has: what is left of it, with the number of each attempt."""

    pack: Pack
    worker: str
    left: dict[int, int]
    since: float
    dropped: set[int] = field(default_factory=set)


@dataclass
class _Worker:
    """What is known of a worker: its last delivery, the last with rows, the last committed, and its pack."""

    host: str
    seen: int = -1
    with_rows: int = -1
    committed: int = -1
    pack: int | None = None


class _Waiting(NamedTuple):
    """Trials to be handed out together once more."""

    trials: tuple[int, ...]
    is_alone: bool = False
    has_whole_gpus: bool = False


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
    ) -> None:
        self.name = uuid.uuid4().hex
        self._trials, self._keys, self._clock = trials, keys, clock
        self._has_ended = np.isin(keys, finished)
        self._has_begun = np.zeros(len(keys), bool)
        self._pool = np.flatnonzero(~self._has_ended)
        self._next = 0
        self.num_trials = self._num_left = len(self._pool)
        self._recorded = dict(self._indexed(attempts or {}))
        self._tries = dict(self._recorded)
        self._saved = {trial for trial, _ in self._indexed(dict.fromkeys(saved, 0))}
        self._outdated, self._failed = set[int](), set[int]()
        self._worker_failures = Counter[int]()
        self._returned, self._lone, self._whole = deque[_Waiting](), deque[_Waiting](), deque[_Waiting]()
        self._out: dict[int, _Out] = {}
        self._untouched: dict[int, None] = {}
        self._elsewhere: dict[int, set[int]] = {}
        self._workers: dict[str, _Worker] = {}
        self._gone: set[str] = set()
        self._idle: set[str] = set()
        self._working = Counter[str]()
        self._num_packs = 0
        self._sizing = PackSizing(num_workers)
        self._expected = num_workers
        self._outbox = Outbox(clock)
        self._hand_out_from = clock() + hand_out_after_s
        self._is_stopping = self._is_aborted = False
        self.tally = Tally()

    def _indexed(self, values: Mapping[str, int]) -> Iterable[tuple[int, int]]:
        """Yield the index and the value of each trial of the sweep that is named by its key."""
        if not values:
            return
        order = np.argsort(self._keys)
        named = np.array([int(key, 16) for key in values], np.uint64)
        places = np.minimum(np.searchsorted(self._keys, named, sorter=order), len(order) - 1)
        for key, trial, value in zip(named, order[places], values.values(), strict=True):
            if self._keys[trial] == key:
                yield int(trial), value

    # What workers say.

    def take(self, whereabouts: Whereabouts) -> Pack | Wait | None:
        """Return a pack for a worker that has none; None where there will be nothing more for it."""
        worker = self._known(whereabouts)
        if worker.pack is not None:  # it did not get the answer
            return self._out[worker.pack].pack
        if whereabouts.name in self._gone or self.is_over:
            self._dismiss(whereabouts.name)
            return None
        pack = self._next_pack(whereabouts) if self._may_hand_out() else None
        if pack is not None:
            self._idle.discard(whereabouts.name)
            return pack
        if self._is_needless(whereabouts, worker):
            self._dismiss(whereabouts.name)
            return None
        self._idle.add(whereabouts.name)
        return Wait(max(MIN_WAIT_S, len(self._workers) / WAITS_PER_S))

    def deliver(self, delivery: Delivery) -> Receipt:
        """Take in what a worker has done; rows of a trial that has ended already are left out."""
        worker = self._known(delivery.worker)
        is_mine = delivery.coordinator == self.name
        number = delivery.pack if is_mine else worker.pack
        out = None if number is None else self._out.get(number)
        if delivery.number > worker.seen:
            worker.seen = delivery.number
            self._take_in(delivery, out)
            if out is not None and is_mine and delivery.is_last:
                self._close(out)
        dropped = frozenset(out.dropped) if out is not None else frozenset[int]()
        return self._receipt(worker, dropped)

    def resume(self, whereabouts: Whereabouts, pack: Pack) -> Pack:
        """Take note of a pack that a predecessor has handed out; return it under its new number."""
        worker = self._known(whereabouts)
        if worker.pack is None and not self._has_stopped:
            return self._hand_out(whereabouts, dict(zip(pack.trials, pack.attempts, strict=True)), pack)
        return self._out[worker.pack].pack if worker.pack is not None else pack

    # What others say.

    def lost(self, name: str, failure: WorkerFailure) -> None:
        """Take back the pack of a worker that is no more.

        Which trial of a pack made it die is not known from outside. So they are handed out once more, each alone; one
        that takes `MAX_WORKER_FAILURES` workers along when alone is given up. A preemption is no failure.
        """
        self._gone.add(name)
        worker = self._workers.pop(name, None)
        self._idle.discard(name)
        if worker is None or worker.pack is None:
            return
        out = self._remove(worker.pack, worker)
        left = self._let_go(out)
        is_to_blame = out.pack.is_alone and not failure.is_preemption
        if is_to_blame:
            left = [trial for trial in left if not self._is_given_up(trial, out.left[trial], failure)]
        if failure.is_preemption or out.pack.is_alone:
            self._wait(left, out.pack.is_alone, out.pack.has_whole_gpus)
        else:
            for trial in left:
                self._wait([trial], is_alone=True)

    def has_saved(self, trial: int) -> bool:
        """Take note that a trial is to be saved; return whether that is of any use."""
        if self._has_ended[trial] or self._is_aborted:
            return False
        self._saved.add(trial)
        return True

    def stop(self) -> None:
        """Hand out no more; workers save what is under way, and deliver."""
        self._is_stopping = True

    def abort(self) -> None:
        """Hand out no more, since nothing can be committed."""
        self._is_stopping = self._is_aborted = True

    def next_batch(self) -> Batch | None:
        """Return what is to be committed now, if anything; `committed` is to be called once it is."""
        return self._outbox.next_batch(is_end=self._has_stopped)

    def committed(self) -> set[int]:
        """Take note that the batch is committed; return those of its trials whose checkpoints are of no use now."""
        batch = self._outbox.committed()
        for name, number in batch.deliveries.items():
            if worker := self._workers.get(name):
                worker.committed = max(worker.committed, number)
        outdated = self._outdated.intersection(batch.trials)
        self._outdated -= outdated
        return outdated - self._saved

    # How far it is.

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do, and all rows are committed."""
        return self._is_aborted or (self._has_stopped and self._outbox.is_empty)

    @property
    def _has_stopped(self) -> bool:
        return self._num_left == 0 or (self._is_stopping and not self._out)

    def missing(self) -> list[int]:
        """Return the trials that have no result."""
        return sorted([*np.flatnonzero(~self._has_ended).tolist(), *self._failed])

    def status(self) -> RunStatus:
        """Return how far the run is."""
        waiting = sum(len(group.trials) for queue in (self._returned, self._lone, self._whole) for group in queue)
        return RunStatus(
            self.name,
            self.num_trials,
            self.tally,
            dict(+self._working),
            len(self._pool) - self._next + waiting,
            len(self._whole),
            self.is_over,
        )

    # Handing out.

    def _known(self, whereabouts: Whereabouts) -> _Worker:
        if whereabouts.name in self._gone:  # it was given up for lost, and is not: its rows are as good as any
            return _Worker(whereabouts.host)
        worker = self._workers.get(whereabouts.name)
        if worker is None:
            worker = self._workers[whereabouts.name] = _Worker(whereabouts.host)
            self._sizing.num_workers = max(self._expected, len(self._workers))
        return worker

    def _dismiss(self, name: str) -> None:
        self._workers.pop(name, None)
        self._idle.discard(name)

    def _may_hand_out(self) -> bool:
        return not (self._is_stopping or self._outbox.is_too_full or self._clock() < self._hand_out_from)

    def _is_needless(self, whereabouts: Whereabouts, worker: _Worker) -> bool:
        """Return whether a worker may go: as many wait as packs may come back, or what waits is not for it."""
        if worker.committed < worker.with_rows or self._is_stopping or not self._may_hand_out():
            return False
        if self._whole and not whereabouts.has_whole_gpus:
            return True
        return len(self._idle - {whereabouts.name}) >= len(self._out)

    def _next_pack(self, whereabouts: Whereabouts) -> Pack | None:
        if self._returned:
            return self._hand_out_again(whereabouts, self._returned)
        if fresh := self._fresh_trials():
            return self._hand_out(whereabouts, {trial: self._tries.get(trial, 0) + 1 for trial in fresh})
        if self._lone:
            return self._hand_out_again(whereabouts, self._lone)
        if self._whole and whereabouts.has_whole_gpus:
            return self._hand_out_again(whereabouts, self._whole)
        return self._take_over(whereabouts)

    def _fresh_trials(self) -> list[int]:
        """Return the next trials that nobody has begun."""
        fresh: list[int] = []
        while not fresh and self._next < len(self._pool):
            size = self._sizing.size(len(self._pool) - self._next)
            some = self._pool[self._next : self._next + size]
            self._next += len(some)
            fresh = some[~(self._has_ended[some] | self._has_begun[some])].tolist()
        return fresh

    def _hand_out_again(self, whereabouts: Whereabouts, queue: deque[_Waiting]) -> Pack | None:
        while queue:
            waiting = queue.popleft()
            left = {trial: self._tries[trial] + 1 for trial in waiting.trials if not self._has_ended[trial]}
            if left:
                like = Pack("", 0, (), (), waiting.is_alone, waiting.has_whole_gpus)
                return self._hand_out(whereabouts, left, like)
        return self._next_pack(whereabouts)

    def _hand_out(self, whereabouts: Whereabouts, trials: Mapping[int, int], like: Pack | None = None) -> Pack:
        """Hand out trials, each with the number of its attempt, under a new number."""
        number, self._num_packs = self._num_packs, self._num_packs + 1
        left = {trial: attempt for trial, attempt in trials.items() if not self._has_ended[trial]}
        pack = Pack(
            self.name,
            number,
            tuple(trials),
            tuple(trials.values()),
            like is not None and like.is_alone,
            like is not None and like.has_whole_gpus,
            frozenset(self._saved.intersection(trials)) if self._saved else frozenset(),
        )
        self._out[number] = _Out(pack, whereabouts.name, left, self._clock(), set(trials) - left.keys())
        self._has_begun[list(left)] = True
        worker = self._known(whereabouts)
        worker.pack = number
        self._working[worker.host] += 1
        if not pack.is_alone:
            self._untouched[number] = None
        return pack

    def _take_over(self, whereabouts: Whereabouts) -> Pack | None:
        """Hand out half of what the slowest worker has not begun, or once more the one trial that keeps it busy."""
        each_s, now = self._sizing.each_s, self._clock()
        oldest = [self._out[number] for number in islice(self._untouched, LOOK_AT)]
        fullest = max(oldest, key=lambda out: len(out.left), default=None)
        if fullest is None:
            return None
        half = len(fullest.left) // 2
        if half and half * each_s >= MIN_TAKEN_OVER_S:
            moved = dict(list(fullest.left.items())[-half:])
            for trial in moved:
                del fullest.left[trial]
            fullest.dropped.update(moved)
            return self._twinned(self._hand_out(whereabouts, moved), moved)
        for out in oldest:
            if len(out.left) <= 1 and now - out.since > max(STRAGGLER * each_s, MIN_CONTACT_S):
                del self._untouched[out.pack.number]
                again = {trial: attempt + 1 for trial, attempt in out.left.items()}
                if again:
                    pack = self._twinned(self._hand_out(whereabouts, again), again, out.pack.number)
                    del self._untouched[pack.number]
                    return pack
        return None

    def _twinned(self, pack: Pack, trials: Iterable[int], *others: int) -> Pack:
        """Remember which packs a trial is in beside the one that may say how it ended."""
        for trial in trials:
            self._elsewhere.setdefault(trial, set()).update((pack.number, *others))
        return pack

    # Taking in.

    def _take_in(self, delivery: Delivery, out: _Out | None) -> None:
        fresh = {trial: ended for trial, ended in delivery.endings.items() if not self._has_ended[trial]}
        known = [trial for trial in delivery.endings if trial not in fresh or self._is_recorded(trial, fresh[trial])]
        for trial, ended in fresh.items():
            self._end(trial, ended, out)
        if out is not None and delivery.endings:
            out.since = self._clock()
            for trial in known:
                out.left.pop(trial, None)
        tables = self._without(delivery.tables, known) if known else delivery.tables
        self._put_out(delivery, tables, fresh)
        self.tally += Tally(busy_s=delivery.busy_s)
        self._sizing.timed(len(delivery.endings), delivery.busy_s)

    def _put_out(self, delivery: Delivery, tables: Mapping[str, pa.Table], trials: Collection[int]) -> None:
        """Have rows committed; what has none is committed with those before it."""
        worker = self._known(delivery.worker)
        if not any(map(len, tables.values())) and worker.committed >= worker.with_rows:
            worker.committed = delivery.number
            return
        worker.with_rows = delivery.number
        self._outbox.add(delivery.worker.name, delivery.number, tables, trials)

    def _is_recorded(self, trial: int, ended: Ended) -> bool:
        """Return whether an attempt that failed is known: to a predecessor, or by another worker under its number."""
        is_failure = ended.how in (Ending.FAILED, Ending.SHORT_OF_MEMORY)
        return is_failure and ended.attempt <= self._recorded.get(trial, 0)

    def _end(self, trial: int, ended: Ended, out: _Out | None) -> None:
        if out is not None:
            out.left.pop(trial, None)
        if trial in self._saved:  # whatever comes next begins anew
            self._saved.discard(trial)
            self._outdated.add(trial)
        if ended.how is Ending.SHORT_OF_MEMORY:
            self._has_begun[trial] = True
            self._recorded[trial] = max(self._recorded.get(trial, 0), ended.attempt)
            self._tries[trial] = max(self._tries.get(trial, 0), ended.attempt)
            self._wait([trial], is_alone=True, has_whole_gpus=True)
            return
        self._has_ended[trial] = True
        self._num_left -= 1
        if ended.how is Ending.FAILED:
            self._failed.add(trial)
        self.tally += TALLIES[ended.how]
        for number in self._elsewhere.pop(trial, ()):
            if (other := self._out.get(number)) and other.left.pop(trial, None) is not None:
                other.dropped.add(trial)

    def _without(self, tables: Mapping[str, pa.Table], trials: Iterable[int]) -> dict[str, pa.Table]:
        keys = pa.array([f"{self._keys[trial]:016x}" for trial in trials], pa.string())
        return {name: table.filter(pc.invert(pc.is_in(table["trial_key"], keys))) for name, table in tables.items()}

    def _receipt(self, worker: _Worker, dropped: frozenset[int]) -> Receipt:
        within_s = max(MIN_CONTACT_S, len(self._workers) / CONTACTS_PER_S)
        return Receipt(self.name, worker.committed, self._is_stopping or self.is_over, dropped, within_s)

    def _close(self, out: _Out) -> None:
        """Take note that a worker is through with its pack; what it has left out waits again."""
        worker = self._workers.get(out.worker)
        self._remove(out.pack.number, worker)
        self._wait(self._let_go(out), out.pack.is_alone, out.pack.has_whole_gpus)

    def _remove(self, number: int, worker: _Worker | None) -> _Out:
        out = self._out.pop(number)
        self._untouched.pop(number, None)
        if worker is not None:
            worker.pack = None
            self._working[worker.host] -= 1
        return out

    def _let_go(self, out: _Out) -> list[int]:
        """Return those trials of a pack that are not in another one that is out."""
        left = []
        for trial, attempt in out.left.items():
            self._tries[trial] = max(attempt, self._tries.get(trial, 0))
            others = (self._out.get(number) for number in self._elsewhere.get(trial, ()))
            if not any(other is not None and trial in other.left for other in others):
                left.append(trial)
        return left

    def _wait(self, trials: Sequence[int], is_alone: bool = False, has_whole_gpus: bool = False) -> None:
        if trials:
            queue = self._whole if has_whole_gpus else self._lone if is_alone else self._returned
            queue.append(_Waiting(tuple(trials), is_alone, has_whole_gpus))

    def _is_given_up(self, trial: int, attempt: int, failure: WorkerFailure) -> bool:
        """Count a worker that a trial has taken along; return whether that was one too many."""
        self._worker_failures[trial] += 1
        if self._worker_failures[trial] < MAX_WORKER_FAILURES:
            return False
        attempt = max(attempt, self._recorded.get(trial, 0) + 1)
        self._end(trial, Ended(Ending.FAILED, attempt), None)
        table = lost_worker_row(self._trials[trial], attempt, failure)
        self._outbox.add("", 0, {"failures": table}, [trial])
        return True
