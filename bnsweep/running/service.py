"""The coordinator at work: it has taken the directory over, answers its workers, and commits in a thread.

Loads without torch and ray: in this process for the serial executor, as an actor under Ray.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from threading import Event, Lock, Thread

from bnsweep.errors import InputError, StoreError, Superseded
from bnsweep.results.keys import to_texts
from bnsweep.results.pruned import drop_pruned
from bnsweep.results.writer import Writer
from bnsweep.running.coordinator import Coordinator
from bnsweep.running.growing import Growing
from bnsweep.running.job import Job, ServiceStatus
from bnsweep.running.packs import Delivery, Pack, Receipt, Wait, Whereabouts, WorkerFailure
from bnsweep.running.widening import Answer, RunTrials
from bnsweep.spec.sweep import Sweep

LOOK_EVERY_S = 0.2
"""How often it is looked whether something is to be committed; also whenever a worker is through with a pack."""
END_WITHIN_S = 10.0
"""How long the end waits for a store that does not answer."""
SAY_WHAT_IS_OUT_S = 5.0
"""How long one that started anew lets workers say what its predecessor has handed out."""

NOT_YET = "it has not begun yet"


class Service:
    """A coordinator with its writer. Whatever is called, by whichever thread, takes no time; but for checkpoints.

    Args:
        job: what to run.
        is_again: whether one for the same run was there before.
    """

    def __init__(self, job: Job, *, is_again: bool = False) -> None:
        self._job, self._is_again = job, is_again
        self._growing = Growing(job)
        self._lock, self._wake, self._end = Lock(), Event(), Event()
        self._coordinator: Coordinator | None = None
        self._writer: Writer | None = None
        self._error: InputError | StoreError | None = None
        self._lines = deque[str]()
        self._places: dict[str, Whereabouts] = {}
        self._must_stop = False
        self._thread = Thread(target=self._serve, name="bnsweep-coordinator", daemon=True)
        self._thread.start()

    # For workers; `Desk` says what each does.

    def take(self, worker: Whereabouts) -> Pack | Wait | None:
        """Return what a worker is to do."""
        with self._lock:
            self._places[worker.place] = worker
            if self._coordinator is None:
                return None if self._error else Wait(LOOK_EVERY_S)
            given = self._coordinator.take(worker)
            return self._with_added(given) if isinstance(given, Pack) else given

    def deliver(self, delivery: Delivery) -> Receipt:
        """Take in what a worker has done."""
        with self._lock:
            self._places[delivery.worker.place] = delivery.worker
            if self._coordinator is None:  # its coordinator keeps the name that it has, until there is another
                return Receipt(delivery.coordinator, -1, must_stop=self._error is not None)
            receipt = self._coordinator.deliver(delivery)
        if delivery.is_last:
            self._wake.set()
        return receipt

    def resume(self, worker: Whereabouts, pack: Pack) -> Pack:
        """Take note of a pack that a predecessor has handed out."""
        with self._lock:
            return self._coordinator.resume(worker, pack) if self._coordinator else pack

    def save_checkpoint(self, trial: int, content: bytes) -> None:
        """Keep the state of a trial under way."""
        with self._lock:
            writer = self._writer if self._coordinator and self._coordinator.has_saved(trial) else None
        if writer is not None:
            writer.checkpoints.save(self._key(trial), content)

    def load_checkpoint(self, trial: int) -> bytes | None:
        """Return the state of a trial."""
        return self._writer.checkpoints.load(self._key(trial)) if self._writer else None

    # For whoever started it.

    def lost(self, worker: str, failure: WorkerFailure) -> None:
        """Take back the pack of a worker that is no more."""
        with self._lock:
            if self._coordinator:
                self._coordinator.lost(worker, failure)
        self._wake.set()

    def latest_at(self, place: str) -> Whereabouts | None:
        """Return the last worker that was heard of at a place."""
        with self._lock:
            return self._places.get(place)

    def stop(self) -> None:
        """Hand out no more, and have workers save what is under way."""
        with self._lock:
            self._must_stop = True
            if self._coordinator:
                self._coordinator.stop()
        self._wake.set()

    def give_up_packs(self) -> None:
        """Be over without what workers still have, where the run is to stop; what they have saved stays."""
        with self._lock:
            if self._coordinator:
                self._coordinator.give_up_packs()
        self._wake.set()

    def status(self) -> ServiceStatus:
        """Return how far it is."""
        with self._lock:
            lines = tuple(self._lines)
            self._lines.clear()
            return ServiceStatus(self._coordinator.status() if self._coordinator else None, lines, self._error)

    def missing(self) -> list[str]:
        """Return the keys of the trials that have no result."""
        with self._lock:
            trials = self._coordinator.missing() if self._coordinator else list(range(len(self._growing.trials)))
        return to_texts(self._growing.trials.keys[trials])

    # For whoever submits more.

    def widen(self, sweep: Sweep) -> Answer:
        """Take in the trials of a sweep that declares all trials of this run and more."""
        if (writer := self._writer) is None:
            return Answer(refusal=NOT_YET)
        return self._growing.widen(sweep, writer, self._offer)

    def _offer(self, trials: RunTrials) -> bool:
        """Give the coordinator all trials that there are now, and keep them; return False where it ends."""
        coordinator, writer = self._coordinator, self._writer
        assert coordinator is not None, "the directory was taken over"
        assert writer is not None
        new, attempts, saved = trials.keys[len(self._growing.trials) :], writer.attempts, writer.checkpoints.keys()
        seats = trials.seats  # before the lock: of a million trials they take seconds
        with self._lock:
            is_taken = coordinator.widen(trials, new, writer.keys, attempts, saved, seats)
            return is_taken and self._growing.keep(trials)

    def _with_added(self, pack: Pack) -> Pack:
        """Return a pack with the trials that its worker does not know."""
        first = len(self._job.trials)
        added = {trial: self._growing.trials[trial] for trial in pack.trials if trial >= first}
        return replace(pack, added=added) if added else pack

    def close(self) -> None:
        """Commit what was delivered, where the store can be written within `END_WITHIN_S`, and end the lease."""
        self._end.set()
        self._wake.set()
        self._thread.join(END_WITHIN_S)

    # Its thread.

    def _serve(self) -> None:
        try:
            with self._taken_over() as writer:
                self._commit_until_the_end(writer)
        except (InputError, StoreError) as error:
            self._fail(error)
        except Exception as error:  # a bug must end the run, not leave it waiting for a thread that is gone
            self._fail(StoreError(f"{self._job.store.root}: the coordinator failed ({type(error).__name__}: {error})"))

    def _taken_over(self) -> Writer:
        job = self._job
        try:
            writer = job.store.take_over(job.run, say=self._lines.append, holder=job.holder)
        except InputError as error:
            if self._is_again:  # it is another run's by now
                raise Superseded(str(error)) from error
            raise
        if drop_pruned(writer, job.declared_keys, job.rule):
            writer.snapshot = job.store.snapshot()
        self._growing.take_over(writer, is_again=self._is_again)
        trials = self._growing.trials
        coordinator = Coordinator(
            trials,
            trials.keys,
            writer.keys,
            num_workers=job.num_workers,
            attempts=writer.attempts,
            saved=writer.checkpoints.keys(),
            hand_out_after_s=SAY_WHAT_IS_OUT_S if self._is_again else 0.0,
            own_schemas=writer.own_schemas,
            seats=trials.seats,
            pruning=job.pruning(),
            is_searching=job.searched is not None,
        )
        with self._lock:
            self._coordinator, self._writer = coordinator, writer
            if self._must_stop:
                coordinator.stop()
        return writer

    def _commit_until_the_end(self, writer: Writer) -> None:
        while not self._end.is_set():
            if not self._has_committed(writer) and not self._has_begun_round(writer):
                self._wake.wait(LOOK_EVERY_S)
                self._wake.clear()
        self._has_committed(writer, is_end=True)  # a driver that ended by an error has not waited for it
        self._growing.end(writer)

    def _has_committed(self, writer: Writer, *, is_end: bool = False) -> bool:
        """Commit what is due; return whether anything was."""
        assert self._coordinator is not None, "the directory was taken over"
        with self._lock:
            batch = self._coordinator.next_batch(is_end=is_end)
        if batch is None:
            return False
        if tables := batch.tables():
            writer.commit(tables)
        with self._lock:
            outdated = self._coordinator.committed()
        if outdated:
            writer.checkpoints.drop(map(self._key, outdated))
        return True

    def _has_begun_round(self, writer: Writer) -> bool:
        """Ask the search what follows, where that is due; return whether anything does."""
        assert self._coordinator is not None, "the directory was taken over"
        with self._lock:
            is_due = self._coordinator.waits_for_round
        if not is_due or not self._job.searched:
            return False
        if self._growing.begin_round(writer, self._offer):
            return True
        with self._lock:
            self._coordinator.search_ended()
        return False

    def _fail(self, error: InputError | StoreError) -> None:
        with self._lock:
            self._error = error
            if self._coordinator:
                self._coordinator.abort()

    def _key(self, trial: int) -> str:
        return f"{self._growing.trials.keys[trial]:016x}"
