"""What Ray Tune's loop looks after: how far the coordinator is, and which workers are no more."""

from __future__ import annotations

import os
from time import monotonic
from typing import Any

import ray
from ray import cloudpickle, tune
from ray.exceptions import RayActorError
from ray.tune.experiment import Trial

from bnsweep.errors import InputError, StartError, StoreError
from bnsweep.executors.ray_tune_coordinator import GONE, RemoteService
from bnsweep.executors.ray_tune_failure import in_words, last_line, lost_nodes, read_log
from bnsweep.executors.ray_tune_stopping import Stopping
from bnsweep.executors.ray_tune_waiting import Waiting
from bnsweep.running.coordinator import RunStatus
from bnsweep.running.executor import Report
from bnsweep.running.job import ServiceStatus
from bnsweep.running.packs import Whereabouts, WorkerFailure

LOOK_EVERY_S = 0.2
MAX_FAILED_STARTS = 3
"""Times the workers that there are: where none works and so many in a row die before they ask for a pack, it ends."""


class Watch(tune.Callback):
    """Looks how far the coordinator is, and tells it to stop and which workers are no more."""

    def __init__(self, service: RemoteService, report: Report, stopping: Stopping, waiting: Waiting) -> None:
        self._service, self._report, self._stopping, self._waiting = service, report, stopping, waiting
        self._asked: Any = None
        self._looked = 0.0
        self._lost_before = lost_nodes()
        self._lost_workers = set[str]()
        self._failed_starts = 0
        self.run: RunStatus | None = None
        self.error: InputError | StoreError | StartError | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Leave out everything: Tune saves its callbacks, and these are things of this process."""
        return {}

    @property
    def is_over(self) -> bool:
        """Whether no worker is needed any more."""
        return self.error is not None or (self.run is not None and self.run.is_over)

    def look(self) -> None:
        """Take the answer to the last question, where it is there, and ask again once in a while."""
        self._stopping.look(self.run)
        if self._asked is not None and ray.wait([self._asked], timeout=0)[0]:
            self._take(self._asked)
            self._asked = None
        if self._asked is None and monotonic() > self._looked + LOOK_EVERY_S:
            self._looked, self._asked = monotonic(), self._service.actor.status.remote()

    def finish(self) -> None:
        """Report how it ended; raise what ended it."""
        if self.error is None:
            self._take(self._service.actor.status.remote())
        if self.error:
            raise self.error

    def on_step_begin(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        """Look."""
        self.look()

    def on_trial_recover(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """Give back the pack of a worker that Tune brings up again."""
        self._lose(trial, len(trials))

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """Give back the pack of a worker that is no more."""
        self._lose(trial, len(trials))

    def _take(self, asked: Any) -> None:
        try:
            status: ServiceStatus = ray.get(asked)
        except RayActorError:
            self.error = StoreError(GONE)
            return
        if status.run:
            if status.run.coordinator != (self.run and self.run.coordinator):
                self._stopping.again()  # it has begun anew, maybe before it was first heard of
            self.run = status.run
            self._report(status.run)
            self._waiting.look(bool(status.run.working) or status.run.is_over)
            if status.run.working:
                self._failed_starts = 0
        self.error = self.error or status.error

    def _lose(self, trial: Trial, num_workers: int) -> None:
        error, worker = _error_of(trial), self._service.latest_at(trial.trial_id)
        if worker is None or worker.name in self._lost_workers:  # it had not asked for a pack
            self._count_failed_start(error, num_workers)
            return
        self._lost_workers.add(worker.name)
        self._service.lost(worker.name, _worker_failure(worker, error, lost_nodes() - self._lost_before))

    def _count_failed_start(self, error: BaseException | None, num_workers: int) -> None:
        reason = in_words(error) or last_line(error)
        self._waiting.failed(reason)
        self._failed_starts += 1
        is_working = self.run is not None and self.run.working
        if self._failed_starts >= MAX_FAILED_STARTS * num_workers and not is_working:
            self.error = StartError(f"workers do not start: {reason}")


def _error_of(trial: Trial) -> BaseException | None:
    """Return why a worker ended; `get_pickled_error` looks where it is copied to later."""
    path = trial.pickled_error_file
    if path is None or not os.path.exists(path):
        return None
    with open(path, "rb") as file:
        error: BaseException = cloudpickle.load(file)
    return error


def _worker_failure(worker: Whereabouts, error: BaseException | None, lost: set[str]) -> WorkerFailure:
    """Return what is known of a worker's end, given the nodes that were lost since the run began."""
    text = str(error or "unknown").strip()
    is_preemption = isinstance(error, RayActorError) and (error.preempted or worker.node in lost)
    tail = read_log(worker.log, worker.address) if worker.log and worker.address else None
    cause = in_words(error) or f"{type(error).__name__}: {text.splitlines()[-1]}"
    return WorkerFailure(cause, text, worker.log, worker.host, tail, is_preemption)
