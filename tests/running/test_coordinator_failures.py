"""Which trial a lost worker or a shortage counts against."""

from __future__ import annotations

import pytest

from bnsweep.running.coordinator import MAX_WORKER_FAILURES
from bnsweep.running.coordinator.outbox import MIN_INTERVAL_S
from bnsweep.running.packs import Ended, Ending, Pack, Wait
from bnsweep.running.tally import Tally
from tests.running.by_hand import CRASH, PREEMPTION, A, B, commit, lose, packs_of, started, taken
from tests.running.commit_log import COMPLETED, SHORT, SPECS, Clock, CommitLog, delivery, worker


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


def test_what_a_worker_ends_that_was_given_up_for_lost_is_not_held_against_the_worker_after_it(clock: Clock) -> None:
    coordinator, log = started(clock, 2), CommitLog()
    pack, other = taken(coordinator), taken(coordinator, B)
    who = lose(coordinator, "a")
    for _ in range(MAX_WORKER_FAILURES - 1):
        assert taken(coordinator, who).trials == pack.trials
        who = lose(coordinator, who.name)
    assert taken(coordinator, who).trials == pack.trials
    coordinator.deliver(delivery(A, pack, 0, {0: COMPLETED}, is_last=True))
    lose(coordinator, who.name)
    coordinator.deliver(delivery(B, other, 0, {1: COMPLETED}, is_last=True))
    assert coordinator.tally == Tally(completed=2)
    commit(coordinator, log)
    assert log.failures == {}
    assert coordinator.status().is_over
    assert coordinator.missing() == []


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
