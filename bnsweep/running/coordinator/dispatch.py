"""Which trials go to which worker, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import islice

from bnsweep.running.coordinator.known_workers import KnownWorkers
from bnsweep.running.coordinator.pack_sizing import PackSizing
from bnsweep.running.coordinator.packs_out import PackOut, PacksOut
from bnsweep.running.coordinator.rungs import Rungs
from bnsweep.running.coordinator.trial_states import TRIED_AGAIN, TrialStates
from bnsweep.running.coordinator.waiting import WaitingTrials
from bnsweep.running.packs import Delivery, Ending, Pack, Whereabouts
from bnsweep.running.pruning import Pruning
from bnsweep.spec.fusing import Seats


class Dispatch:
    """Moves trials from those that wait to the packs that are out, and back.

    Args:
        name: of the coordinator.
        states: of the trials.
        workers: that it knows.
        sizing: how many trials a pack should have.
        num_workers: how many are expected.
        clock: returns seconds.
        seats: of the trials that train as one with others; None where none does.
        pruning: how trials are pruned; None where they all train to their end.
    """

    def __init__(
        self,
        name: str,
        states: TrialStates,
        workers: KnownWorkers,
        sizing: PackSizing,
        num_workers: int,
        clock: Callable[[], float],
        seats: Seats | None = None,
        pruning: Pruning | None = None,
    ) -> None:
        self._name, self._states, self._workers, self._sizing = name, states, workers, sizing
        self._num_expected, self._clock = num_workers, clock
        self.rungs = Rungs(pruning, states) if pruning else None
        self.waiting, self.out = WaitingTrials(states, seats), PacksOut()
        self._num_packs = 0

    # Packs go out.

    def pack_of(self, whereabouts: Whereabouts) -> Pack | None:
        """Return the pack that a worker has."""
        out = self.out.get(self._workers.known(whereabouts).pack)
        return out.pack if out else None

    def next_pack(self, whereabouts: Whereabouts) -> Pack | None:
        """Hand out what waits; where nothing does, something of what another worker has."""
        while self.rungs and self.rungs.is_due:
            for trials in self.rungs.decide():
                self.waiting.renew(trials)
        self._sizing.num_workers = max(self._num_expected, len(self._workers))
        group = self.waiting.next(self._sizing.size, whereabouts.has_whole_gpus)
        if group is None:
            return self._take_over(whereabouts)
        attempts = self._states.next_attempts(group.trials)
        return self._hand_out(whereabouts, attempts, group.is_alone, group.has_whole_gpus)

    def resume(self, whereabouts: Whereabouts, pack: Pack) -> Pack:
        """Hand out what a worker has of a predecessor, and return it under its new number."""
        attempts = dict(zip(pack.trials, pack.attempts, strict=True))
        return self._hand_out(whereabouts, attempts, pack.is_alone, pack.has_whole_gpus)

    def is_needless(self, whereabouts: Whereabouts) -> bool:
        """Return whether a worker may go: as many wait as packs may come back, or what waits is not for it."""
        if self.waiting.num_whole and not whereabouts.has_whole_gpus:
            return True
        if self.rungs and not self.rungs.is_last_decided:
            return False
        return self._workers.num_idle_beside(whereabouts.name) >= len(self.out)

    def _hand_out(
        self,
        whereabouts: Whereabouts,
        attempts: Mapping[int, int],
        is_alone: bool = False,
        has_whole_gpus: bool = False,
    ) -> Pack:
        """Hand out trials, each with the number of its attempt, under a new number."""
        number, self._num_packs = self._num_packs, self._num_packs + 1
        left = {trial: attempt for trial, attempt in attempts.items() if not self._states.is_out_of_hand(trial)}
        trials = tuple(attempts), tuple(attempts.values())
        saved, seats = self._states.saved(attempts.keys()), self.waiting.seating.of(attempts)
        pack = Pack(self._name, number, *trials, is_alone, has_whole_gpus, saved, seats=seats)
        if self.rungs:
            pack = replace(pack, until=self.rungs.until(attempts), pruned=self.rungs.pruned(attempts))
        self.out.add(PackOut(pack, whereabouts.name, left, self._clock(), attempts.keys() - left.keys()))
        self._states.begin(left)
        self._workers.with_pack(whereabouts, number)
        return pack

    def _take_over(self, whereabouts: Whereabouts) -> Pack | None:
        """Hand out half of what the slowest worker has not begun, or once more the one trial that keeps it busy."""
        each_s = self._sizing.each_s
        if taken := self.out.take_half(each_s):
            pack = self._hand_out(whereabouts, taken)
            self.out.share(taken, pack.number)
        elif slow := self.out.straggler(each_s, self._clock()):
            again = {trial: attempt + 1 for trial, attempt in slow.left.items()}
            pack = self._hand_out(whereabouts, again)
            self.out.share(again, slow.pack.number, pack.number)
            self.out.leave_alone(pack.number)
        else:
            return None
        return pack

    def under_way(self, most: int) -> list[tuple[str, int]]:
        """Return the hosts of some workers that train, and which trial is first of what each one's pack has left."""
        firsts = ((out, trial) for out in self.out for trial in islice(out.left, 1))
        return [(self._workers.host_of(out.worker), trial) for out, trial in islice(firsts, most)]

    # Packs come back.

    def ended(self, delivery: Delivery, out: PackOut | None) -> None:
        """Take note of what a worker is through with, whether or not it counts."""
        self._sizing.timed(len(delivery.endings), delivery.busy_s)
        if out is not None and delivery.endings:
            out.since = self._clock()
            for trial in delivery.endings:
                out.left.pop(trial, None)

    def end(self, trial: int, how: Ending) -> None:
        """Let nobody else run a trial that has ended; what is tried again waits to run alone."""
        if how in TRIED_AGAIN:
            self.waiting.add([trial], is_alone=True, has_whole_gpus=how is Ending.SHORT_OF_MEMORY)
        else:  # by a result, or it waits at a rung
            self.out.end(trial)

    def close(self, out: PackOut) -> None:
        """Take note that a worker is through with its pack; what it has left out waits again."""
        self._workers.without_pack(out.worker)
        self.waiting.add(self.let_go(out), out.pack.is_alone, out.pack.has_whole_gpus)

    def let_go(self, out: PackOut) -> list[int]:
        """Take a pack back; return what is left of it, is not in another one, and was ended by nobody else."""
        self.out.remove(out.pack.number)
        for trial, attempt in out.left.items():
            self._states.tried(trial, attempt)
        return [trial for trial in self.out.only_in(out) if not self._states.is_out_of_hand(trial)]
