"""What is handed out, what is taken in, and which trial a lost worker counts against."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnsweep.running.coordinator import MAX_WORKER_FAILURES, Coordinator
from bnsweep.running.coordinator.outbox import MIN_INTERVAL_S
from bnsweep.running.packs import Ended, Ending, Pack, Tally, Wait, Whereabouts, WorkerFailure
from tests.running.commit_log import COMPLETED, SHORT, SPECS, Clock, CommitLog, delivery, worker

CRASH = WorkerFailure("ActorDiedError: gone", "long story", log="/tmp/worker.err", host="far")
PREEMPTION = WorkerFailure("ActorDiedError: drained", "spot", is_preemption=True)
A, B = worker("a"), worker("b")


@pytest.fixture
def clock() -> Clock:
    return Clock()


def started(clock: Clock, num_trials: int, **options: object) -> Coordinator:
    return CommitLog().coordinator(clock, num_trials, **options)


def packs_of(coordinator: Coordinator, size: int) -> Coordinator:
    """Let packs have as many trials, as if each of them took so long."""
    coordinator._sizing.first = size
    return coordinator


def taken(coordinator: Coordinator, who: Whereabouts = A) -> Pack:
    pack = coordinator.take(who)
    assert isinstance(pack, Pack), pack
    return pack


def commit(coordinator: Coordinator, log: CommitLog | None = None) -> set[int]:
    batch = coordinator.next_batch()
    assert batch is not None
    (log or CommitLog()).add(batch)
    return coordinator.committed()


def lose(coordinator: Coordinator, name: str, failure: WorkerFailure = CRASH) -> Whereabouts:
    """Lose a worker; return the one in its place."""
    coordinator.lost(name, failure)
    return worker(f"{name}+")


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


def test_a_shortage_of_memory_that_is_said_twice_is_one(clock: Clock) -> None:
    coordinator, log = started(clock, 1), CommitLog()
    pack = taken(coordinator)
    for _ in range(2):
        coordinator.deliver(delivery(A, pack, 0, {0: SHORT}, is_last=True, busy_s=2.0))
    clock.now = MIN_INTERVAL_S
    commit(coordinator, log)
    assert log.failures == {(SPECS[0].trial_key, 1): 1}
    assert coordinator.status().num_waiting == 1
    assert coordinator.tally.busy_s == 2.0


def test_who_was_given_up_for_lost_gets_nothing_more_but_its_rows_count(clock: Clock) -> None:
    coordinator = packs_of(started(clock, 3), 2)
    pack = taken(coordinator)
    again = lose(coordinator, "a", PREEMPTION)
    assert coordinator.take(A) is None
    coordinator.deliver(delivery(A, pack, 0, {0: COMPLETED}, is_last=True))
    assert taken(coordinator, again).trials == (1,)
    assert coordinator.tally == Tally(completed=1)


def test_it_is_over_when_all_rows_are_committed(clock: Clock) -> None:
    coordinator = started(clock, 1)
    coordinator.deliver(delivery(A, taken(coordinator), 0, {0: COMPLETED}, is_last=True))
    assert not coordinator.is_over
    assert isinstance(coordinator.take(A), Wait)
    commit(coordinator)
    assert coordinator.is_over
    assert coordinator.take(A) is None


def test_the_trials_of_a_lost_pack_come_back_one_by_one_and_those_delivered_do_not(clock: Clock) -> None:
    coordinator = packs_of(started(clock, 3), 3)
    pack = taken(coordinator)
    coordinator.deliver(delivery(A, pack, 0, {1: Ended(Ending.DIVERGED)}))
    assert coordinator.has_saved(2)
    again = lose(coordinator, "a")
    singles = [taken(coordinator, who) for who in (again, B)]
    assert [single.trials for single in singles] == [(0,), (2,)]
    assert [single.attempts for single in singles] == [(2,), (2,)]
    assert [single.saved for single in singles] == [set(), {2}]
    assert [single.is_alone for single in singles] == [True, True]
    assert coordinator.tally == Tally(diverged=1)


def test_a_trial_that_takes_worker_after_worker_along_is_given_up(clock: Clock) -> None:
    coordinator, who, log = started(clock, 1), A, CommitLog()
    for failure in range(1 + MAX_WORKER_FAILURES):
        assert taken(coordinator, who).attempts == (1 + failure,)
        who = lose(coordinator, who.name)
    assert coordinator.tally == Tally(failed=1)
    batch = coordinator.next_batch()
    assert batch is not None
    (row,) = batch.tables()["failures"].to_pylist()
    wanted = {"trial_key": SPECS[0].trial_key, "attempt": 1 + MAX_WORKER_FAILURES, "error": CRASH.error, "host": "far"}
    assert {name: row[name] for name in wanted} == wanted
    log.add(batch)
    coordinator.committed()
    assert coordinator.is_over
    assert coordinator.missing() == [0]


def test_preemptions_are_no_deaths_and_leave_a_pack_together_and_first_in_line(clock: Clock) -> None:
    coordinator, who = packs_of(started(clock, 4), 2), A
    for attempt in range(1, 4 * MAX_WORKER_FAILURES):
        pack = taken(coordinator, who)
        assert (pack.trials, pack.attempts, pack.is_alone) == ((0, 1), (attempt, attempt), False)
        who = lose(coordinator, who.name, PREEMPTION)


def test_a_trial_that_runs_alone_is_not_given_up_for_preemptions(clock: Clock) -> None:
    coordinator, who = started(clock, 1), A
    taken(coordinator, who)
    who = lose(coordinator, who.name)
    for _ in range(4 * MAX_WORKER_FAILURES):
        assert taken(coordinator, who).is_alone
        who = lose(coordinator, who.name, PREEMPTION)
    assert coordinator.tally == Tally()


def test_what_a_worker_leaves_out_of_its_pack_is_handed_out_again(clock: Clock) -> None:
    coordinator = packs_of(started(clock, 3), 2)
    coordinator.deliver(delivery(A, taken(coordinator), 0, {0: COMPLETED}, is_last=True))
    again = taken(coordinator)
    assert (again.trials, again.attempts) == ((1,), (2,))


def test_what_was_short_of_memory_is_run_alone_with_whole_gpus_when_nothing_else_is_left(clock: Clock) -> None:
    share, whole = worker("share", has_whole_gpus=False), worker("whole")
    coordinator = packs_of(started(clock, 3), 2)
    coordinator.deliver(delivery(share, taken(coordinator, share), 0, {0: COMPLETED, 1: SHORT}, is_last=True))
    assert taken(coordinator, share).trials == (2,)
    assert coordinator.status().num_waiting_whole == 1
    again = taken(coordinator, whole)
    assert (again.trials, again.attempts, again.is_alone, again.has_whole_gpus) == ((1,), (2,), True, True)


def test_whoever_has_a_share_of_a_gpu_leaves_it_to_those_that_need_it_whole(clock: Clock) -> None:
    share = worker("share", has_whole_gpus=False)
    coordinator = packs_of(started(clock, 2), 2)
    coordinator.deliver(delivery(share, taken(coordinator, share), 0, {0: COMPLETED, 1: SHORT}, is_last=True))
    assert isinstance(coordinator.take(share), Wait)  # its rows are not committed
    clock.now = MIN_INTERVAL_S
    commit(coordinator)
    assert coordinator.take(share) is None


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


@pytest.mark.parametrize("lost_first", ["a", "b"])
def test_of_a_trial_that_runs_twice_one_worker_may_be_lost(clock: Clock, lost_first: str) -> None:
    coordinator = started(clock, 2)
    packs = {"a": taken(coordinator, A)}
    coordinator.deliver(delivery(B, taken(coordinator, B), 0, {1: COMPLETED}, is_last=True, busy_s=1.0))
    clock.now = 100.0
    packs["b"] = taken(coordinator, B)
    lose(coordinator, lost_first, PREEMPTION)
    assert coordinator.status().num_waiting == 0
    lose(coordinator, "b" if lost_first == "a" else "a", PREEMPTION)
    assert taken(coordinator, worker("c")).trials == (0,)


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


@pytest.mark.parametrize("others", [0, 2])
def test_a_trial_that_lost_the_gpu_is_run_alone_and_given_up_after_three_times(clock: Clock, others: int) -> None:
    coordinator, log = packs_of(started(clock, 1 + others), 1 + others), CommitLog()
    for attempt in range(1, 1 + MAX_WORKER_FAILURES):
        here = worker(f"w{attempt}")
        pack = taken(coordinator, here)
        while pack.trials[0] != 0:
            coordinator.deliver(delivery(here, pack, 0, dict.fromkeys(pack.trials, COMPLETED), is_last=True))
            pack = taken(coordinator, here)
        assert pack.is_alone == (attempt > 1)
        assert pack.attempts[0] == attempt
        lost = {0: Ended(Ending.LOST_DEVICE, attempt)}
        coordinator.deliver(delivery(here, pack, 1, lost, is_last=True))
        coordinator.lost(here.name, CRASH)
    assert coordinator.tally == Tally(completed=others, failed=1)
    clock.now += MIN_INTERVAL_S
    commit(coordinator, log)
    assert log.failures == {(SPECS[0].trial_key, attempt): 1 for attempt in range(1, 1 + MAX_WORKER_FAILURES)}
    assert coordinator.is_over


def test_what_was_short_of_memory_before_is_handed_out_once(clock: Clock) -> None:
    coordinator = packs_of(started(clock, 2), 1)
    coordinator.deliver(delivery(A, Pack("another", 0, (0,), (1,)), 0, {0: SHORT}, is_last=True))
    assert [taken(coordinator, who).trials for who in (A, B)] == [(1,), (0,)]


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


def test_the_row_of_a_trial_that_is_given_up_has_a_number_of_its_own(clock: Clock) -> None:
    log = CommitLog()
    coordinator = packs_of(log.coordinator(clock, 1), 1)
    names = [str(number) for number in range(1 + MAX_WORKER_FAILURES)]
    for name in names[:-1]:
        taken(coordinator, worker(name))
        lose(coordinator, name)
    taken(coordinator, worker(names[-1]))
    coordinator.deliver(delivery(A, Pack("another", 0, (0,), (9,)), 0, {0: SHORT._replace(attempt=9)}, is_last=True))
    clock.now = MIN_INTERVAL_S
    commit(coordinator, log)
    lose(coordinator, names[-1])
    clock.now *= 2
    commit(coordinator, log)
    assert log.failures == {(SPECS[0].trial_key, attempt): 1 for attempt in (9, 10)}


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
