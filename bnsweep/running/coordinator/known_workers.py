"""The workers that a coordinator has heard of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from bnsweep.running.packs import Delivery, Whereabouts

CONTACTS_PER_S, WAITS_PER_S = 500, 1000
"""How often all workers together should be heard of while they train, and while they wait."""
MIN_CONTACT_S, MIN_WAIT_S = 1.0, 0.2


@dataclass
class KnownWorker:
    """What is known of a worker: its last delivery, the last with rows, the last committed, and its pack."""

    host: str
    seen: int = -1
    with_rows: int = -1
    committed: int = -1
    pack: int | None = None

    @property
    def waits_for_commit(self) -> bool:
        """Whether it has rows that are not committed."""
        return self.committed < self.with_rows


class KnownWorkers:
    """All workers that are there, and the names of those that were given up for lost."""

    def __init__(self) -> None:
        self._workers: dict[str, KnownWorker] = {}
        self._gone, self._idle = set[str](), set[str]()
        self._working = Counter[str]()

    def __len__(self) -> int:
        return len(self._workers)

    @property
    def contact_s(self) -> float:
        """How long one that trains may be silent."""
        return max(MIN_CONTACT_S, len(self._workers) / CONTACTS_PER_S)

    @property
    def wait_s(self) -> float:
        """How long one that waits should do so before it asks again."""
        return max(MIN_WAIT_S, len(self._workers) / WAITS_PER_S)

    def known(self, whereabouts: Whereabouts) -> KnownWorker:
        """Return what is known of a worker; of one that was given up nothing, though its rows are as good as any."""
        if self.is_gone(whereabouts.name):
            return KnownWorker(whereabouts.host)
        worker = self._workers.get(whereabouts.name)
        if worker is None:
            worker = self._workers[whereabouts.name] = KnownWorker(whereabouts.host)
        return worker

    def host_of(self, name: str) -> str:
        """Return the machine of a worker; '' of one that is not known."""
        worker = self._workers.get(name)
        return worker.host if worker else ""

    def is_gone(self, name: str) -> bool:
        """Return whether a worker was given up for lost."""
        return name in self._gone

    def give_up(self, name: str) -> int | None:
        """Take note that a worker is lost; return the number of its pack, if it has one."""
        self._gone.add(name)
        worker = self._workers.get(name)
        number = worker.pack if worker else None
        self.without_pack(name)
        self.dismiss(name)
        return number

    def dismiss(self, name: str) -> None:
        """Forget a worker for which there is nothing more to do."""
        self._workers.pop(name, None)
        self._idle.discard(name)

    # What they do.

    @property
    def working(self) -> Mapping[str, int]:
        """How many have a pack, by host."""
        return dict(+self._working)

    def with_pack(self, whereabouts: Whereabouts, number: int) -> None:
        """Take note that a worker has a pack."""
        worker = self.known(whereabouts)
        worker.pack = number
        self._working[worker.host] += 1
        self._idle.discard(whereabouts.name)

    def without_pack(self, name: str) -> None:
        """Take note that a worker has no pack."""
        worker = self._workers.get(name)
        if worker is not None and worker.pack is not None:
            worker.pack = None
            self._working[worker.host] -= 1

    def idle(self, name: str) -> None:
        """Take note that a worker waits."""
        self._idle.add(name)

    def num_idle_beside(self, name: str) -> int:
        """Return how many others wait."""
        return len(self._idle) - (name in self._idle)

    # What they deliver.

    def is_new(self, delivery: Delivery) -> bool:
        """Return whether a delivery was not taken in yet, and take note of it."""
        worker = self.known(delivery.worker)
        is_new, worker.seen = delivery.number > worker.seen, max(delivery.number, worker.seen)
        return is_new

    def waits_for_commit(self, delivery: Delivery, has_rows: bool) -> bool:
        """Return whether a delivery is to be committed: one without rows only where rows before it are not yet."""
        worker = self.known(delivery.worker)
        if not has_rows and not worker.waits_for_commit:
            worker.committed = delivery.number
            return False
        worker.with_rows = delivery.number
        return True

    def committed(self, deliveries: Mapping[str, int]) -> None:
        """Take note up to which delivery of each worker all is committed."""
        for name, number in deliveries.items():
            if worker := self._workers.get(name):
                worker.committed = max(worker.committed, number)
