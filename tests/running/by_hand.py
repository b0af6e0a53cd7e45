"""A coordinator that is called by hand: what tests of it do over and over."""

from __future__ import annotations

from bnsweep.running.coordinator import Coordinator
from bnsweep.running.packs import Pack, Whereabouts, WorkerFailure
from tests.running.commit_log import Clock, CommitLog, worker

CRASH = WorkerFailure("ActorDiedError: gone", "long story", log="/tmp/worker.err", host="far")
PREEMPTION = WorkerFailure("ActorDiedError: drained", "spot", is_preemption=True)
A, B = worker("a"), worker("b")


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
