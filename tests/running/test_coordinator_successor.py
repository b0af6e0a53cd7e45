"""A coordinator that begins anew, and the one before it."""

from __future__ import annotations

import pytest

from bnsweep.running.coordinator.outbox import MIN_INTERVAL_S
from bnsweep.running.packs import Ended, Ending, Pack, Wait
from bnsweep.running.tally import Tally
from tests.running.by_hand import PREEMPTION, A, B, commit, lose, packs_of, started, taken
from tests.running.commit_log import COMPLETED, SHORT, SPECS, Clock, CommitLog, delivery, worker


def test_one_that_begins_anew_waits_for_what_is_out_and_takes_it_in(clock: Clock) -> None:
    log = CommitLog()
    old = packs_of(log.coordinator(clock, 4), 2)
    pack = taken(old)
    new = packs_of(log.coordinator(clock, 4, hand_out_after_s=5.0), 2)
    assert isinstance(new.take(B), Wait)
    receipt = new.deliver(delivery(A, pack, 3, {0: COMPLETED}))
    assert receipt.coordinator == new.name != pack.coordinator
    resumed = new.resume(A, pack)
    assert resumed.trials == (0, 1)
    assert new.deliver(delivery(A, resumed, 4, {})).dropped == {0}
    clock.now = 5.0
    assert taken(new, B).trials == (2, 3)


def test_what_a_predecessor_handed_out_is_handed_out_once_where_its_worker_is_lost(clock: Clock) -> None:
    old, new = packs_of(started(clock, 4), 2), packs_of(started(clock, 4), 4)
    taken(old, B)
    new.resume(A, taken(old))
    lose(new, "a", PREEMPTION)
    handed_out = [taken(new, worker(name)).trials for name in "cd"]
    assert handed_out == [(2, 3), (0, 1)]


def test_one_that_was_given_up_does_not_take_up_what_a_predecessor_handed_out(clock: Clock) -> None:
    old, new = packs_of(started(clock, 1), 1), packs_of(started(clock, 1), 1)
    pack = taken(old)
    lose(new, "a", PREEMPTION)
    assert new.resume(A, pack) == pack
    assert new.status().working == {}
    assert taken(new, B).trials == (0,)


def test_that_a_pack_of_a_predecessor_is_through_says_nothing_of_the_pack_after_it(clock: Clock) -> None:
    old, new = packs_of(started(clock, 4), 2), packs_of(started(clock, 4), 4)
    first, second = taken(old), taken(old, B)
    resumed = new.resume(A, second)
    new.deliver(delivery(A, first, 7, dict.fromkeys(first.trials, COMPLETED), is_last=True))
    assert taken(new) == resumed
    assert new.tally == Tally(completed=2)


def test_a_failure_that_a_predecessor_committed_is_not_recorded_again(clock: Clock) -> None:
    log = CommitLog()
    log.failures[SPECS[0].trial_key, 1] += 1
    coordinator = log.coordinator(clock, 2)
    foreign = Pack("another", 7, (0,), (1,))
    coordinator.deliver(delivery(A, foreign, 0, {0: SHORT, 1: COMPLETED}))
    clock.now = MIN_INTERVAL_S
    commit(coordinator, log)
    assert log.failures == {(SPECS[0].trial_key, 1): 1}
    assert log.trials == {SPECS[1].trial_key: 1}
    assert taken(coordinator).attempts == (2,)


@pytest.mark.parametrize("second", [SHORT, Ended(Ending.FAILED)])
def test_an_attempt_that_two_coordinators_handed_out_is_recorded_once(clock: Clock, second: Ended) -> None:
    log = CommitLog()
    old, new = (packs_of(log.coordinator(clock, 1), 1) for _ in range(2))
    packs = {A: taken(old, A), B: taken(new, B)}
    new.deliver(delivery(A, packs[A], 0, {0: SHORT}, is_last=True))
    new.deliver(delivery(B, packs[B], 0, {0: second}, is_last=True))
    clock.now = MIN_INTERVAL_S
    commit(new, log)
    assert log.failures == {(SPECS[0].trial_key, 1): 1}
