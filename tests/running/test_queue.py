"""What is handed out, what comes back, and which trial a lost worker counts against."""

from __future__ import annotations

from pathlib import Path

import pytest

from bnsweep.results import Store
from bnsweep.running.pack_sizing import PackSizing
from bnsweep.running.packs import Pack, Tally
from bnsweep.running.queue import MAX_WORKER_FAILURES, PackQueue, WorkerFailure
from bnsweep.running.trial_pool import TrialPool
from bnsweep.spec import TrialSpec

TRIALS = tuple(
    TrialSpec.model_validate({"model": {"name": "mlp"}, "dataset": {"name": "digits"}, "seed": seed})
    for seed in range(3)
)
CRASH = WorkerFailure("ActorDiedError: gone", "long story", log="/tmp/worker.err", host="far")
PREEMPTION = WorkerFailure("ActorDiedError: drained", "spot", is_preemption=True)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "results")


def pool(*sizes: int) -> TrialPool:
    """Packs of one size, of the first trials."""
    return TrialPool(TRIALS[: sum(sizes)], PackSizing(first=sizes[0]))


def handed_out(queue: PackQueue) -> tuple[int, Pack]:
    taken = queue.take()
    assert taken
    return taken


def key(seed: int) -> str:
    return TRIALS[seed].trial_key


def test_a_queue_is_finished_when_nothing_waits_and_nothing_is_out(store: Store) -> None:
    queue = PackQueue(pool(1, 1), store)
    (first, _), (second, _) = handed_out(queue), handed_out(queue)
    assert queue.take() is None
    queue.ended(first, Tally(completed=1))
    assert not queue.is_finished
    queue.ended(second, Tally(completed=1))
    assert queue.is_finished


def test_the_trials_of_a_lost_pack_come_back_one_by_one_and_those_committed_do_not(store: Store) -> None:
    queue = PackQueue(pool(3), store)
    number, _ = handed_out(queue)
    store.commit({"trials": [{"trial_key": key(1), "status": "diverged"}]})
    store.save_checkpoint(key(2), b"half")
    assert queue.worker_failed(number, CRASH) == Tally(diverged=1)
    singles = [handed_out(queue)[1] for _ in range(2)]
    assert [single.trials for single in singles] == [(TRIALS[0],), (TRIALS[2],)]
    assert [single.attempts for single in singles] == [(2,), (2,)]
    assert [single.saved for single in singles] == [frozenset(), frozenset({key(2)})]
    assert not any(single.worker_failures or single.has_whole_gpus for single in singles)
    assert store.attempts() == {}


def test_a_trial_that_takes_worker_after_worker_along_is_given_up(store: Store) -> None:
    queue = PackQueue(pool(1), store)
    for failure in range(1 + MAX_WORKER_FAILURES):
        number, taken = handed_out(queue)
        assert taken.attempts == (1 + failure,)
        tally = queue.worker_failed(number, CRASH)
    assert tally == Tally(failed=1)
    assert queue.is_finished
    (failure,) = store.read("failures").to_pylist()
    wanted = {
        "trial_key": key(0),
        "attempt": 1 + MAX_WORKER_FAILURES,
        "error": CRASH.error,
        "log": CRASH.log,
        "host": "far",
    }
    assert {name: failure[name] for name in wanted} == wanted


def test_preemptions_are_no_deaths_and_leave_a_pack_together(store: Store) -> None:
    queue = PackQueue(pool(2), store)
    for attempt in range(1, 4 * MAX_WORKER_FAILURES):
        number, taken = handed_out(queue)
        assert taken.trials == TRIALS[:2]
        assert taken.attempts == (attempt, attempt)
        assert not taken.is_alone
        assert queue.worker_failed(number, PREEMPTION) == Tally()


def test_what_was_short_of_memory_is_run_alone_with_whole_gpus(store: Store) -> None:
    queue = PackQueue(pool(3), store)
    number, _ = handed_out(queue)
    queue.ended(number, Tally(completed=2, short_of_memory=(key(1),)))
    number, again = handed_out(queue)
    assert (again.trials, again.attempts) == ((TRIALS[1],), (2,))
    assert again.is_alone
    assert again.has_whole_gpus
    queue.ended(number, Tally(failed=1))
    assert queue.is_finished


def test_a_closed_queue_hands_out_nothing_and_finishes_when_all_are_back(store: Store) -> None:
    queue = PackQueue(pool(1, 1), store)
    number, _ = handed_out(queue)
    queue.close()
    assert queue.take() is None
    assert not queue.is_finished
    queue.ended(number, Tally())
    assert queue.is_finished


def test_a_pack_lost_after_closing_is_not_handed_out_again(store: Store) -> None:
    queue = PackQueue(pool(2), store)
    number, _ = handed_out(queue)
    queue.close()
    assert queue.worker_failed(number, CRASH) == Tally()
    assert queue.take() is None
    assert queue.is_finished
