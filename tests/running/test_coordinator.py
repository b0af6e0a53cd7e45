"""What is handed out, and what is taken in."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bnsweep.running.coordinator import Coordinator
from bnsweep.running.coordinator.outbox import MIN_INTERVAL_S
from bnsweep.running.packs import Ended, Ending, Pack, Wait, Whereabouts
from bnsweep.running.tally import Tally
from tests.running.by_hand import A, B, commit, lose, packs_of, started, taken
from tests.running.commit_log import COMPLETED, SHORT, SPECS, Clock, CommitLog, delivery, worker


@given(st.integers(0, 300), st.integers(1, 40), st.floats(0, 1e4))
def test_packs_hold_every_trial_once_in_order(num_trials: int, num_workers: int, each_s: float) -> None:
    coordinator, handed_out = started(Clock(), num_trials, num_workers=num_workers), list[int]()
    number = 0
    while isinstance(pack := coordinator.take(A), Pack):
        handed_out.extend(pack.trials)
        assert set(pack.attempts) == {1}
        endings = dict.fromkeys(pack.trials, COMPLETED)
        coordinator.deliver(delivery(A, pack, number, endings, is_last=True, busy_s=each_s * len(endings)))
        number += 1
    assert handed_out == list(range(num_trials))
    assert coordinator.tally == Tally(completed=num_trials)


def test_stored_trials_are_not_run_and_failed_ones_go_on_counting_and_come_last(clock: Clock) -> None:
    log = CommitLog()
    log.trials[SPECS[0].trial_key] += 1
    log.failures[SPECS[1].trial_key, 2] += 1
    coordinator = packs_of(log.coordinator(clock, 3, saved={SPECS[2].trial_key, "0" * 16}), 3)
    pack = taken(coordinator)
    assert (pack.trials, pack.attempts, pack.saved) == ((2, 1), (1, 3), {2})
    assert coordinator.status().num_trials == 2


def test_whoever_asks_again_gets_the_same_pack_and_what_is_said_twice_counts_once(clock: Clock) -> None:
    coordinator, log = started(clock, 2), CommitLog()
    pack = taken(coordinator)
    assert taken(coordinator) == pack
    said = delivery(A, pack, 0, {0: COMPLETED}, is_last=True)
    for _ in range(2):
        assert coordinator.deliver(said).committed == -1
    assert coordinator.tally == Tally(completed=1)
    clock.now = MIN_INTERVAL_S
    commit(coordinator, log)
    assert coordinator.deliver(said).committed == 0
    assert log.trials == {SPECS[0].trial_key: 1}


def test_it_is_over_when_all_rows_are_committed(clock: Clock) -> None:
    coordinator = started(clock, 1)
    coordinator.deliver(delivery(A, taken(coordinator), 0, {0: COMPLETED}, is_last=True))
    assert not coordinator.is_over
    assert isinstance(coordinator.take(A), Wait)
    commit(coordinator)
    assert coordinator.is_over
    assert coordinator.take(A) is None


def test_what_a_worker_leaves_out_of_its_pack_is_handed_out_again(clock: Clock) -> None:
    coordinator = packs_of(started(clock, 3), 2)
    coordinator.deliver(delivery(A, taken(coordinator), 0, {0: COMPLETED}, is_last=True))
    again = taken(coordinator)
    assert (again.trials, again.attempts) == ((1,), (2,))


def test_of_a_slow_workers_pack_an_idle_one_takes_what_is_not_begun(clock: Clock) -> None:
    coordinator = packs_of(started(clock, 6), 4)
    slow, fast = taken(coordinator, A), taken(coordinator, B)
    assert (slow.trials, fast.trials) == ((0, 1, 2, 3), (4, 5))
    coordinator.deliver(delivery(B, fast, 0, dict.fromkeys(fast.trials, COMPLETED), is_last=True, busy_s=20.0))
    taken_over = taken(coordinator, B)
    assert (taken_over.trials, taken_over.attempts) == ((2, 3), (1, 1))
    assert coordinator.deliver(delivery(A, slow, 0, {})).dropped == {2, 3}
    assert coordinator.deliver(delivery(A, slow, 1, {2: COMPLETED})).dropped == {2, 3}  # it had begun it already
    assert coordinator.deliver(delivery(B, taken_over, 1, {})).dropped == {2}
    assert coordinator.tally == Tally(completed=3)


def test_a_straggler_is_run_a_second_time_and_the_first_result_counts(clock: Clock) -> None:
    coordinator, log = started(clock, 2), CommitLog()
    slow, fast = taken(coordinator, A), taken(coordinator, B)
    coordinator.deliver(delivery(B, fast, 0, {1: COMPLETED}, is_last=True, busy_s=10.0))
    assert isinstance(coordinator.take(B), Wait)  # it may take as long as the other
    clock.now = 16.0
    twin = taken(coordinator, B)
    assert (twin.trials, twin.attempts) == ((0,), (2,))
    coordinator.deliver(delivery(B, twin, 1, {0: Ended(Ending.COMPLETED, 2)}, is_last=True))
    receipt = coordinator.deliver(delivery(A, slow, 0, {0: COMPLETED}, is_last=True))
    assert receipt.dropped == {0}
    commit(coordinator, log)
    assert coordinator.is_over
    assert set(log.trials.values()) == {1}
    assert coordinator.tally == Tally(completed=2)


def test_as_many_wait_as_packs_may_come_back_and_no_more(clock: Clock) -> None:
    coordinator = started(clock, 1)
    taken(coordinator, A)
    assert isinstance(coordinator.take(B), Wait)
    assert coordinator.take(worker("c")) is None
    assert isinstance(coordinator.take(B), Wait)


def test_one_that_stops_hands_out_nothing_and_is_over_when_all_are_back(clock: Clock) -> None:
    coordinator = started(clock, 3)
    first, _ = taken(coordinator, A), taken(coordinator, B)
    coordinator.stop()
    assert coordinator.deliver(delivery(A, first, 0, {0: COMPLETED})).must_stop
    coordinator.deliver(delivery(A, first, 1, {}, is_last=True))
    assert isinstance(coordinator.take(A), Wait)
    clock.now = MIN_INTERVAL_S
    commit(coordinator)
    assert not coordinator.is_over
    lose(coordinator, "b")
    assert coordinator.is_over
    assert coordinator.take(A) is None
    assert coordinator.missing() == [1, 2]


def test_what_cannot_be_committed_ends_it(clock: Clock) -> None:
    coordinator = started(clock, 2)
    pack = taken(coordinator)
    coordinator.abort()
    assert coordinator.deliver(delivery(A, pack, 0, {})).must_stop
    assert coordinator.is_over
    assert not coordinator.has_saved(0)


def test_a_checkpoint_is_outdated_once_its_trial_is_committed(clock: Clock) -> None:
    coordinator = packs_of(started(clock, 3), 3)
    pack = taken(coordinator)
    assert all(coordinator.has_saved(trial) for trial in range(3))
    coordinator.deliver(delivery(A, pack, 0, {0: COMPLETED, 1: Ended(Ending.FAILED)}))
    assert not coordinator.has_saved(0)
    clock.now = MIN_INTERVAL_S
    assert commit(coordinator) == {0, 1}


def test_what_was_short_of_memory_before_is_handed_out_once(clock: Clock) -> None:
    coordinator = packs_of(started(clock, 2), 1)
    coordinator.deliver(delivery(A, Pack("another", 0, (0,), (1,)), 0, {0: SHORT}, is_last=True))
    assert [taken(coordinator, who).trials for who in (A, B)] == [(1,), (0,)]


def test_workers_that_work_are_counted_by_host(clock: Clock) -> None:
    coordinator = started(clock, 3)
    both = [taken(coordinator, Whereabouts(name, host="one")) for name in "xy"]
    taken(coordinator, Whereabouts("z", host="two"))
    assert coordinator.status().working == {"one": 2, "two": 1}
    coordinator.deliver(delivery(Whereabouts("x", host="one"), both[0], 0, {0: COMPLETED}, is_last=True))
    lose(coordinator, "z")
    assert coordinator.status().working == {"one": 1}


def test_a_million_trials_take_little_room_and_no_time() -> None:
    keys = np.arange(10**6, dtype=np.uint64)
    coordinator = Coordinator(SPECS, keys, keys[::2], num_workers=100)
    assert coordinator.num_trials == 500_000
    assert taken(coordinator).trials == (1,)
