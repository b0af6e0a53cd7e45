"""Ray Tune as what brings up workers: it places each, asks the autoscaler for its machine, and replaces a lost one."""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Callable
from typing import Any

from ray import tune
from ray.tune.search import Searcher

from bnsweep.executors.ray_tune_coordinator import RemoteService
from bnsweep.executors.ray_tune_data import share_datasets
from bnsweep.executors.ray_tune_stopping import Stopping
from bnsweep.executors.ray_tune_waiting import Waiting
from bnsweep.executors.ray_tune_watch import Watch
from bnsweep.executors.ray_tune_worker import RESOURCES, WorkerTrainable
from bnsweep.results.files import store_error
from bnsweep.running.coordinator import RunStatus
from bnsweep.running.executor import MustStop, Report
from bnsweep.running.packs import RunContext
from bnsweep.spec.resources import Resources

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


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
        say: hears in a line what is waited for: while no worker is up, and where one does not come to stop.

    Raises:
        StoreError: results cannot be written, or this node's disk is full. StartError: workers do not come up.
    """
    share_datasets()
    state = tempfile.mkdtemp(prefix="bnsweep-tune-")
    watch = Watch(service, report, Stopping(service, must_stop, say), Waiting(resources, say))
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
            progress_reporter=_Silent(),
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
        needed = 1 if run is None else run.num_of_use
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


class _Silent(tune.ProgressReporter):
    """Reports nothing: in a notebook Tune's own clears the cell, whatever `verbose` says."""

    def should_report(self, trials: list[Any], done: bool = False) -> bool:
        return False

    def report(self, trials: list[Any], done: bool, *sys_info: str) -> None:
        """Never called."""


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
