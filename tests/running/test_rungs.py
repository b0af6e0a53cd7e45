"""The coordinator at a rung: who waits, who goes on, and what is said too late."""

from __future__ import annotations

import numpy as np
import pytest

from bnsweep.running.coordinator import Coordinator
from bnsweep.running.packs import Ended, Ending, Pack, Wait, WorkerFailure
from bnsweep.running.pruning import Pruning
from bnsweep.running.tally import Tally
from bnsweep.search.pruning import SuccessiveHalving
from bnsweep.spec.fusing import Seats
from tests.running.commit_log import KEYS, SPECS, Clock, delivery, worker

A, B = worker("a"), worker("b")
RUNG, LATER, STEPS, SLOW = 5, 10, 20, 1000.0
"""So slow that packs have one trial, or company, each."""


def pausing(*scores: float) -> Ended:
    return Ended(Ending.PAUSED, scores=scores)


def coordinator(num_trials: int, first: int, seats: Seats | None = None) -> Coordinator:
    """Return one of trials of which half go on at each of two rungs, the first packs of so many."""
    unknown = np.full((num_trials, 2), np.nan)
    alike, points = np.zeros(num_trials, np.int64), np.arange(num_trials)
    pruning = Pruning(SuccessiveHalving(2), np.array([RUNG, LATER]), alike + STEPS, alike, points, unknown)
    keys = KEYS[:num_trials]
    found = Coordinator(SPECS[:num_trials], keys, keys[:0], num_workers=2, clock=Clock(), pruning=pruning, seats=seats)
    found._sizing.first = first
    return found


def taken(given: Pack | Wait | None) -> Pack:
    assert isinstance(given, Pack)
    return given


def test_who_has_nothing_to_do_waits_for_the_rung_and_gets_of_what_goes_on() -> None:
    desk = coordinator(3, first=2)
    one, two = taken(desk.take(A)), taken(desk.take(B))
    assert one.until == dict.fromkeys(one.trials, RUNG)
    assert not one.pruned
    desk.deliver(delivery(A, one, 0, {0: pausing(0.1), 1: pausing(0.4)}, is_last=True, busy_s=SLOW))
    assert all(isinstance(desk.take(worker(name)), Wait) for name in "acd")
    assert desk.status().num_waiting == 2
    desk.deliver(delivery(B, two, 0, {2: pausing(0.3)}, is_last=True, busy_s=SLOW))
    packs = [taken(desk.take(worker(name))) for name in "acd"]
    assert [pack.trials for pack in packs] == [(0,), (2,), (1,)]
    assert [pack.pruned for pack in packs] == [{0}, {2}, set()]
    assert [pack.until for pack in packs] == [{0: RUNG}, {2: RUNG}, {1: LATER}]


def test_what_ended_before_its_rung_is_not_waited_for() -> None:
    desk = coordinator(3, first=3)
    pack = taken(desk.take(A))
    endings = {0: Ended(Ending.DIVERGED), 1: Ended(Ending.FAILED), 2: pausing(0.1)}
    desk.deliver(delivery(A, pack, 0, endings, is_last=True))
    again = taken(desk.take(A))
    assert (again.trials, again.until, again.pruned) == ((2,), {2: LATER}, frozenset())
    desk.deliver(delivery(A, again, 1, {2: pausing(0.1, 0.3)}, is_last=True))
    last = taken(desk.take(A))
    assert (last.trials, last.until) == ((2,), {})
    desk.deliver(delivery(A, last, 2, {2: Ended(Ending.COMPLETED, scores=(0.1, 0.3))}, is_last=True))
    assert desk.tally == Tally(completed=1, diverged=1, failed=1)


def test_who_is_further_is_not_asked_again_before_the_last_rung() -> None:
    desk = coordinator(4, first=4)
    pack = taken(desk.take(A))
    scores = {0: (0.9, 0.9), 1: (0.1, 0.7), 2: (0.2, 0.8), 3: (0.8,)}
    endings = {trial: pausing(*known) for trial, known in scores.items()}
    desk.deliver(delivery(A, pack, 0, endings, is_last=True, busy_s=SLOW))
    given = [desk.take(worker(name)) for name in "cdef"]
    packs = [pack for pack in given if isinstance(pack, Pack)]
    assert [(pack.trials, pack.until) for pack in packs] == [((1,), {1: RUNG}), ((2,), {2: RUNG}), ((3,), {3: LATER})]
    assert [pack.pruned for pack in packs] == [{1}, {2}, set()]


def test_who_has_a_share_of_a_gpu_leaves_it_to_what_needs_it_whole_before_the_rung() -> None:
    share, whole = worker("share", has_whole_gpus=False), worker("whole")
    desk = coordinator(2, first=2)
    endings = {0: Ended(Ending.SHORT_OF_MEMORY), 1: pausing(0.4)}
    desk.deliver(delivery(share, taken(desk.take(share)), 0, endings, is_last=True))
    assert isinstance(desk.take(share), Wait)  # its rows are not committed
    desk.next_batch(is_end=True)
    desk.committed()
    assert desk.take(share) is None
    assert desk.status().num_of_use == 0
    again = taken(desk.take(whole))
    assert (again.trials, again.until, again.has_whole_gpus) == ((0,), {0: RUNG}, True)
    assert desk.status().num_of_use == 2
    desk.deliver(delivery(whole, again, 0, {0: pausing(0.1)}, is_last=True))
    assert sorted(taken(desk.take(whole)).until.items()) == [(0, RUNG), (1, LATER)]


@pytest.mark.parametrize(("score", "later", "is_news"), [(0.9, [], 0), (0.9, [0.5], 1), (0.0, [], 0), (0.0, [0.5], 0)])
def test_what_is_said_too_late_of_a_rung_changes_nothing(score: float, later: list[float], is_news: int) -> None:
    desk = coordinator(2, first=1)
    first = taken(desk.take(A))
    desk.lost("a", WorkerFailure("gone", "", is_preemption=True))
    for number, (trial, known) in enumerate([(0, score), (1, 0.5)]):
        desk.deliver(delivery(B, taken(desk.take(B)), number, {trial: pausing(known)}, is_last=True, busy_s=SLOW))
    packs = [taken(desk.take(worker(name))) for name in "cd"]
    assert sorted(trial for pack in packs for trial in pack.trials) == [0, 1]
    desk.deliver(delivery(A, first, 0, {0: pausing(*[score, *later])}, is_last=True))
    assert desk.status().num_waiting == is_news


def test_survivors_of_a_program_train_as_one_again() -> None:
    slots = np.tile([0, 1], 4)
    seats = Seats(np.zeros(8, np.uint64), slots, np.repeat([0.1, 0.2, 0.3, 0.4], 2))
    desk = coordinator(8, first=8, seats=seats)
    pack = taken(desk.take(A))
    assert [sorted(company) for company in pack.companies()] == [[0, 1], [2, 3], [4, 5], [6, 7]]
    scores = [0.9, 0.1, 0.2, 0.8, 0.7, 0.3, 0.4, 0.6]
    endings = {trial: pausing(score) for trial, score in enumerate(scores)}
    desk.deliver(delivery(A, pack, 0, endings, is_last=True, busy_s=SLOW))
    packs = [taken(desk.take(worker(name))) for name in "cdef"]
    assert [sorted(company) for pack in packs for company in pack.companies()] == [[1, 2], [5, 6], [0, 3], [4, 7]]
    assert [pack.pruned for pack in packs] == [{1, 2}, {5, 6}, set(), set()]
