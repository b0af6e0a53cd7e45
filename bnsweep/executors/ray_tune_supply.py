"""Ray Tune as what brings up workers: it places each, asks the autoscaler for its machine, and replaces a lost one."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable
from time import monotonic
from typing import Any

import ray
from ray import cloudpickle, tune
from ray.exceptions import RayActorError
from ray.tune.experiment import Trial
from ray.tune.search import Searcher

from bnsweep.errors import InputError, StartError, StoreError
from bnsweep.executors.ray_tune_coordinator import GONE, RemoteService
from bnsweep.executors.ray_tune_data import share_datasets
from bnsweep.executors.ray_tune_failure import in_words, last_line, lost_nodes, read_log
from bnsweep.executors.ray_tune_waiting import Waiting
from bnsweep.executors.ray_tune_worker import RESOURCES, WorkerTrainable
from bnsweep.results.files import store_error
from bnsweep.running.coordinator import RunStatus
from bnsweep.running.executor import MustStop, Report
from bnsweep.running.packs import RunContext, Whereabouts, WorkerFailure
from bnsweep.running.service import ServiceStatus
from bnsweep.spec.resources import Resources

LOOK_EVERY_S = 0.2
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
MAX_FAILED_STARTS = 3
"""Times the workers that there are: where none works and so many in a row die before they ask for a pack, it ends."""


def supply(
    service: RemoteService,
    context: RunContext,
    resources: Resources,
    report: Report,
    must_stop: MustStop,
    max_workers: Callable[[], int],
    say: Callable[[str], None],
) -> None:
    """Keep workers up on the cluster that Ray is connected to until the coordinator is over.

    Args:
        service: the coordinator.
        context: what packs share.
        resources: of a worker.
        report: hears how far the run is.
        must_stop: whether to stop.
        max_workers: how many may be there or wait for a place; nodes may come and go.
        say: hears in a line what is waited for while no worker is up.

    Raises:
        StoreError: results cannot be written, or this node's disk is full. StartError: workers do not come up.
    """
    share_datasets()
    state = tempfile.mkdtemp(prefix="bnsweep-tune-")
    watch = Watch(service, report, must_stop, Waiting(resources, say))
    trainable = tune.with_parameters(WorkerTrainable, context=context, actor=service.actor)
    tuner = tune.Tuner(
        tune.with_resources(trainable, lambda config: _bundle(config[RESOURCES])),
        tune_config=tune.TuneConfig(search_alg=WorkerSearch(watch, resources, max_workers), num_samples=-1),
        run_config=tune.RunConfig(
            name=context.sweep,
            storage_path=state,
            stop=_StopWhenOver(watch),
            failure_config=tune.FailureConfig(max_failures=-1),  # the coordinator decides what is tried again
            checkpoint_config=tune.CheckpointConfig(checkpoint_frequency=0, checkpoint_at_end=False),
            callbacks=[watch],
            verbose=0,
        ),
    )
    try:
        tuner.fit()
    except OSError as error:  # Tune keeps its state on this node's disk, though nothing reads it
        if error.errno not in DISK_FULL:
            raise
        raise store_error(str(error.filename or state), "written", str(error.strerror)) from error
    finally:
        shutil.rmtree(state, ignore_errors=True)
    watch.finish()


class Watch(tune.Callback):
    """Looks how far the coordinator is, and tells it to stop and which workers are no more."""

    def __init__(self, service: RemoteService, report: Report, must_stop: MustStop, waiting: Waiting) -> None:
        self._service, self._report, self._must_stop, self._waiting = service, report, must_stop, waiting
        self._asked: Any = None
        self._looked = 0.0
        self._is_stopping = False
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
        if not self._is_stopping and self._must_stop():
            self._is_stopping = True
            self._service.stop()
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
            if status.run.coordinator != (self.run and self.run.coordinator) and self._is_stopping:
                self._service.stop()  # it has begun anew
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


class WorkerSearch(Searcher):
    """Makes Tune's next trial another worker, as long as there may be one more."""

    def __init__(self, watch: Watch, resources: Resources, max_workers: Callable[[], int]) -> None:
        super().__init__()
        self._watch, self._resources, self._max_workers = watch, resources, max_workers
        self._live: dict[str, Resources] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Leave out everything: Tune saves its search, and these are things of this process."""
        return {}

    def suggest(self, trial_id: str) -> Any:
        """Return what the next worker holds; None where there is to be none now, `FINISHED` where none is needed."""
        self._watch.look()
        if self._watch.is_over:
            return Searcher.FINISHED
        if (resources := self._wanted(self._watch.run)) is None:
            return None
        self._live[trial_id] = resources
        return {RESOURCES: resources.model_dump()}

    def _wanted(self, run: RunStatus | None) -> Resources | None:
        whole = self._resources.with_whole_gpus
        wholes = sum(resources == whole for resources in self._live.values())
        if run is not None and whole != self._resources and wholes < run.num_waiting_whole:
            return whole
        needed = 1 if run is None else run.num_waiting - run.num_waiting_whole + sum(run.working.values())
        return (
            self._resources
            if len(self._live) - (wholes if whole != self._resources else 0) < min(self._max_workers(), needed)
            else None
        )

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Take note that a worker has ended."""
        self._live.pop(trial_id, None)

    def save(self, checkpoint_path: str) -> None:
        """Save nothing: a run continues from the store, never from Tune's state."""

    def restore(self, checkpoint_path: str) -> None:
        """Restore nothing."""


class _StopWhenOver(tune.Stopper):
    """Ends all workers, those that wait for a place among them, once the coordinator is over."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def __getstate__(self) -> dict[str, Any]:
        """Leave out everything, as the callback does."""
        return {}

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        """Return whether to end."""
        return self._watch.is_over


def _bundle(resources: dict[str, float]) -> tune.PlacementGroupFactory:
    """Return what a worker holds, as Ray knows it."""
    return tune.PlacementGroupFactory([{"CPU": resources["cpus"], "GPU": resources["gpus"]}])


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
