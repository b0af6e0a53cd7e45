"""A cluster in virtual time."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count

import numpy as np
import pyarrow as pa

from benchmarks.cluster_sim.worker import Worker
from bnsweep.running.coordinator import Coordinator
from bnsweep.running.packs import Delivery, Ended, Ending, Pack, Receipt, Wait, Whereabouts, WorkerFailure

MEAN_S, SPREAD = 60.0, 0.5
"""How long a trial takes: its mean, and the standard deviation of its logarithm."""
TRIALS_PER_WORKER = 60
STRAGGLERS, SLOWNESS = 0.02, 5.0
LATE, JOIN_WITHIN_S = 0.2, 900.0
NOTICED_WITHIN_S, REPLACED_WITHIN_S = 30.0, 300.0
COMMIT_S, AGAIN_S = 1.0, 1.0
TICK_S = 0.5
PREEMPTION = WorkerFailure("preempted", "", is_preemption=True)


@dataclass
class Log:
    """The committed rows, as far as is asked here: how often each trial is there."""

    rows: np.ndarray

    def commit(self, tables: dict[str, pa.Table]) -> None:
        """Add the rows of a batch."""
        keys = np.array([int(key, 16) for table in tables.values() for key in table["trial_key"].to_pylist()], np.int64)
        np.add.at(self.rows, keys, 1)


class Cluster:
    """Workers, a coordinator, and a clock that jumps from one event to the next."""

    def __init__(self, num_workers: int, rng: np.random.Generator, preempted: float, lost_replies: float) -> None:
        self.now, self.num_workers, self.rng = 0.0, num_workers, rng
        self.preempted, self.lost_replies = preempted, lost_replies
        num_trials = TRIALS_PER_WORKER * num_workers
        self.keys = np.arange(num_trials, dtype=np.uint64)
        self.takes_s = rng.lognormal(np.log(MEAN_S) - SPREAD**2 / 2, SPREAD, num_trials)
        self.log = Log(np.zeros(num_trials, np.int64))
        self.runs = np.zeros(num_trials, np.int64)
        self.events: list[tuple[float, int, Callable[[], None]]] = []
        self.order, self.names = count(), count()
        self.workers: list[Worker] = []
        self.useful_s = np.zeros(num_trials)
        self.coordinator = self.started(0.0)

    def started(self, hand_out_after_s: float) -> Coordinator:
        """Return a coordinator that knows what is committed."""
        finished = self.keys[self.log.rows > 0]
        return Coordinator(
            [],
            self.keys,
            finished,
            num_workers=self.num_workers,
            clock=lambda: self.now,
            hand_out_after_s=hand_out_after_s,
        )

    def at(self, when: float, event: Callable[[], None]) -> None:
        """Let something happen."""
        heapq.heappush(self.events, (when, next(self.order), event))

    def run(self) -> None:
        """Run until all is committed."""
        for number in range(self.num_workers):
            late = number > 0 and self.rng.random() < LATE
            self.at(self.rng.uniform(0, JOIN_WITHIN_S if late else 20.0), self.join)
        self.at(TICK_S, self.tick)
        self.at(TRIALS_PER_WORKER * MEAN_S / 2, self.restart)
        while not self.coordinator.is_over:
            self.now, _, event = heapq.heappop(self.events)
            event()

    def join(self) -> None:
        """Bring up a worker."""
        slowness = SLOWNESS if self.rng.random() < STRAGGLERS else 1.0
        worker = Worker(Whereabouts(f"w{next(self.names)}", host="h"), slowness, self.now)
        self.workers.append(worker)
        if self.preempted:
            self.at(self.now + self.rng.exponential(3600 / self.preempted), lambda: self.preempt(worker))
        self.ask(worker)

    def preempt(self, worker: Worker) -> None:
        """Take a worker away, without a word."""
        if worker.is_gone:
            return
        worker.is_gone, worker.until = True, self.now
        noticed = self.now + self.rng.uniform(0, NOTICED_WITHIN_S)
        self.at(noticed, lambda: self.coordinator.lost(worker.whereabouts.name, PREEMPTION))
        self.at(noticed + self.rng.uniform(0, REPLACED_WITHIN_S), self.join)

    def restart(self) -> None:
        """Let the coordinator die; a new one starts from what is committed."""
        self.coordinator = self.started(5.0)

    def tick(self) -> None:
        """Commit what is due."""
        if batch := self.coordinator.next_batch():
            coordinator = self.coordinator

            def committed() -> None:
                if coordinator is self.coordinator:  # else it died before
                    self.log.commit(batch.tables())
                    coordinator.committed()

            self.at(self.now + COMMIT_S, committed)
        self.at(self.now + TICK_S, self.tick)

    def is_lost(self) -> bool:
        """Return whether an answer is."""
        return bool(self.rng.random() < self.lost_replies)

    def ask(self, worker: Worker) -> None:
        """Ask for a pack."""
        if worker.is_gone:
            return
        given = self.coordinator.take(worker.whereabouts)
        if self.is_lost():
            self.at(self.now + AGAIN_S, lambda: self.ask(worker))
        elif given is None:
            worker.is_gone, worker.until = True, self.now
        elif isinstance(given, Wait):
            self.at(self.now + given.seconds, lambda: self.deliver(worker, lambda: self.ask(worker)))
        else:
            self.begin(worker, given)

    def begin(self, worker: Worker, pack: Pack) -> None:
        """Begin a pack."""
        worker.pack, worker.todo, worker.coordinator = pack, list(pack.trials), pack.coordinator
        self.next_trial(worker)

    def next_trial(self, worker: Worker) -> None:
        """Begin a trial, or end the pack."""
        if not worker.todo:
            self.deliver(worker, lambda: self.ask(worker), is_last=True)
            return
        worker.ends_at = self.now + self.takes_s[worker.todo[0]] * worker.slowness
        self.train(worker)

    def train(self, worker: Worker) -> None:
        """Train until the trial ends or the coordinator is to hear something."""
        if worker.is_gone:
            return
        if worker.contact_at <= self.now:
            self.deliver(worker, lambda: self.go_on(worker))
        elif worker.contact_at < worker.ends_at:
            self.at(worker.contact_at, lambda: self.train(worker))
        else:
            self.at(worker.ends_at, lambda: self.end_trial(worker))

    def go_on(self, worker: Worker) -> None:
        """Go on with the trial, unless it was dropped."""
        if worker.todo and worker.ends_at:
            self.train(worker)
        else:
            self.next_trial(worker)

    def end_trial(self, worker: Worker) -> None:
        """Take note of a result."""
        if worker.is_gone:
            return
        trial = worker.todo.pop(0)
        self.runs[trial] += 1
        self.useful_s[trial] = self.takes_s[trial] * worker.slowness
        worker.ended[trial] = Ended(Ending.COMPLETED)
        self.next_trial(worker)

    def deliver(self, worker: Worker, then: Callable[[], None], is_last: bool = False) -> None:
        """Deliver what has ended, again if the answer is lost, then go on."""
        if worker.is_gone:
            return
        worker.number += 1
        ended, worker.ended = worker.ended, {}
        table = pa.table({"trial_key": pa.array([f"{trial:016x}" for trial in ended], pa.string())})
        busy_s = sum(self.takes_s[trial] * worker.slowness for trial in ended)
        number = worker.pack.number if worker.pack else -1
        delivery = Delivery(
            worker.whereabouts, worker.number, worker.coordinator, number, ended, {"trials": table}, busy_s, is_last
        )
        if ended:
            worker.kept.append(delivery)
        if is_last:
            worker.pack = None
        self.say(worker, [delivery], then)

    def say(self, worker: Worker, deliveries: list[Delivery], then: Callable[[], None]) -> None:
        """Say what was kept, and hear the answer."""
        if worker.is_gone:
            return
        for delivery in deliveries:
            receipt = self.coordinator.deliver(delivery)
        if self.is_lost():
            self.at(self.now + AGAIN_S, lambda: self.say(worker, deliveries, then))
        else:
            self.hear(worker, receipt, deliveries, then)

    def hear(self, worker: Worker, receipt: Receipt, said: list[Delivery], then: Callable[[], None]) -> None:
        """Take the answer: forget what is committed, drop what others have; tell a new coordinator all."""
        if receipt.coordinator != worker.coordinator:
            worker.coordinator = receipt.coordinator
            if worker.pack:
                worker.pack = self.coordinator.resume(worker.whereabouts, worker.pack)
            numbers = {delivery.number for delivery in said}
            old = [delivery for delivery in worker.kept if delivery.number not in numbers]
            again = [replace(delivery, number=worker.number + 1 + place) for place, delivery in enumerate(old)]
            worker.number += len(old)
            worker.kept = [delivery for delivery in worker.kept if delivery.number in numbers] + again
            if again:
                self.say(worker, again, then)
                return
        worker.kept = [delivery for delivery in worker.kept if delivery.number > receipt.committed]
        worker.contact_at = self.now + receipt.within_s
        if worker.todo and worker.todo[0] in receipt.dropped:
            worker.ends_at = 0.0
        worker.todo = [trial for trial in worker.todo if trial not in receipt.dropped]
        then()
