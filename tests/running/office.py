"""A coordinator at a worker's elbow: it is asked directly, and what it was given can be looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from bnsweep.data import load_dataset
from bnsweep.running.coordinator import Coordinator
from bnsweep.running.packs import Delivery, Pack, Receipt, RunContext, Wait, Whereabouts, dataset_key
from bnsweep.running.tally import Tally
from bnsweep.spec import DigitsSpec, TrialSpec
from tests.running.commit_log import Clock
from tests.running.jobs import worker_at
from tests.running.trials import Trials

DIGITS = load_dataset(DigitsSpec(name="digits"))


@dataclass
class Office:
    """A coordinator that is asked directly, which wants to hear of each step, and what it was given."""

    trials: Sequence[TrialSpec]
    context: RunContext
    saved: dict[int, bytes] = field(default_factory=dict)
    tables: dict[str, list[pa.Table]] = field(default_factory=dict)
    packs: list[Pack] = field(default_factory=list)

    def __post_init__(self) -> None:
        trials = Trials(self.trials)
        keys = trials.keys
        saved = [self.trials[trial].trial_key for trial in self.saved]
        self.clock = Clock()
        self.coordinator = Coordinator(self.trials, keys, keys[:0], saved=saved, clock=self.clock, seats=trials.seats)
        self.coordinator._sizing.first = len(self.trials)
        self.dropped, self.stepped = frozenset[int](), 0

    def take(self, here: Whereabouts) -> Pack | Wait | None:
        given = self.coordinator.take(here)
        self.packs.extend([given] if isinstance(given, Pack) else [])
        return given

    def deliver(self, delivery: Delivery) -> Receipt:
        receipt = self.coordinator.deliver(delivery)
        return Receipt(receipt.coordinator, receipt.committed, receipt.must_stop, self.dropped, within_s=0.0)

    def resume(self, here: Whereabouts, pack: Pack) -> Pack:
        return self.coordinator.resume(here, pack)

    def save_checkpoint(self, trial: int, content: bytes) -> None:
        if self.coordinator.has_saved(trial):
            self.saved[trial] = content

    def load_checkpoint(self, trial: int) -> bytes | None:
        return self.saved.get(trial)

    def commit(self) -> None:
        self.clock.now += 1000.0
        if batch := self.coordinator.next_batch():
            for name, table in batch.tables().items():
                self.tables.setdefault(name, []).append(table)
            for trial in self.coordinator.committed():
                del self.saved[trial]

    def rows(self, table: str) -> pa.Table:
        self.commit()
        return pa.concat_tables(self.tables[table])

    def ended(self) -> list[str]:
        self.commit()
        return self.rows("trials")["trial_key"].to_pylist() if "trials" in self.tables else []


def office(*trials: TrialSpec, saved: dict[int, bytes] | None = None, checkpoint_every_s: float = 600.0) -> Office:
    data = {dataset_key(trials[0].dataset): DIGITS}
    return Office(trials, RunContext("tiny", trials, "abc", data, checkpoint_every_s), saved or {})


def work(office: Office, until: Callable[[], bool] = lambda: False, name: str = "w") -> Tally:
    """Work until there is nothing more to do, or it is so."""
    worker = worker_at(office, office.context, name)
    worker._outgoing._receipt = Receipt("", -1, within_s=0.0)
    for pause_s in worker.work():
        if pause_s:
            office.commit()
        if until():
            break
    return office.coordinator.tally
