"""The Ray Tune executor: a Tune trial is a pack, run by persistent workers (`reuse_actors`)."""

from __future__ import annotations

import logging
import math
import os
import shutil
import signal
import tempfile
from dataclasses import dataclass
from time import monotonic
from typing import Any, Self

import ray
from ray import cloudpickle, tune
from ray.exceptions import RayActorError
from ray.tune.experiment import Trial
from ray.tune.result import DONE
from ray.tune.search import Searcher

from bnsweep.device import prepare_device
from bnsweep.errors import InputError, StoreError
from bnsweep.executors.base import MustStop, Report
from bnsweep.executors.pack import Job, Pack, Tally
from bnsweep.executors.queue import Death, PackQueue
from bnsweep.executors.ray_tune_cluster import (
    Node,
    check_reachable,
    check_shared,
    count_workers,
    nodes_to_come,
    share_datasets,
)
from bnsweep.executors.worker import Worker, log_path
from bnsweep.results import Store
from bnsweep.sweep import Resources

REPORT_EVERY_S = 2.0
"""A worker reports to Tune no more often: each report costs the driver milliseconds."""
PACK, TALLY, LOG = "pack", "tally", "log"
NODE_LOST = "its node has died"
"""In what Ray says of an actor whose whole machine went away."""
TUNE_SETTINGS = {
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # our rows go to the store, not to JSON, CSV and TensorBoard
    "RAY_AIR_NEW_OUTPUT": "0",  # the one output that verbose=0 silences
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # Ctrl-C is the run's to handle
    "RAY_TRAIN_COUNT_PREEMPTION_AS_FAILURE": "1",  # else Tune starts the pack again, what is committed included
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
}


class PackTrainable(tune.Trainable):
    """One Tune trial: a pack. The actor and its data stay from pack to pack."""

    def setup(self, config: dict[str, Any], job: Any = None, resources: Any = None) -> None:
        """Build the worker, once for the actor's life."""
        self._worker = Worker(job, prepare_device(resources))
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Turn to another pack, keeping the worker."""
        self._tallies = self._worker.run(new_config[PACK].pack)
        self._tally = Tally()
        return True

    def step(self) -> dict[str, Any]:
        """Train for a while and report the tally; the pack's end ends the step."""
        until = monotonic() + REPORT_EVERY_S
        for tally in self._tallies:
            self._tally = tally
            if monotonic() > until:
                return {TALLY: tally, LOG: log_path(), DONE: False}
        return {TALLY: self._tally, LOG: log_path(), DONE: True}


@dataclass(frozen=True)
class _Numbered:
    """A pack as Tune's configuration holds it: opaque, so that Tune neither copies nor prints its trials."""

    number: int
    pack: Pack

    def __deepcopy__(self, memo: dict[int, Any]) -> _Numbered:
        return self

    def __str__(self) -> str:
        return str(self.number)

    __repr__ = __str__


class _QueueSearch(Searcher):
    """Makes Tune's next trial the queue's next pack."""

    def __init__(self, queue: PackQueue) -> None:
        super().__init__()
        self._queue = queue

    def suggest(self, trial_id: str) -> Any:
        """Return the next configuration; None where there is none yet, `FINISHED` where there will be none."""
        if taken := self._queue.take():
            return {PACK: _Numbered(*taken)}
        return Searcher.FINISHED if self._queue.is_finished else None

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Do nothing: the callback below hears of it with all its details."""

    def save(self, checkpoint_path: str) -> None:
        """Save nothing: a run continues from the store, never from Tune's state."""

    def restore(self, checkpoint_path: str) -> None:
        """Restore nothing."""


class _Feedback(tune.Callback):
    """Tells the queue and the progress what became of the packs, and the workers when to stop."""

    def __init__(self, queue: PackQueue, job: Job, report: Report, must_stop: MustStop) -> None:
        self._queue, self._job, self._report, self._must_stop = queue, job, report, must_stop
        self._is_stopping = False
        self.error: StoreError | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Leave out everything: Tune saves its callbacks, and these are things of this process."""
        return {}

    def on_step_begin(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        """Pass on that the run is to stop."""
        if self._is_stopping or self.error:
            return
        try:
            if self._must_stop():
                self._is_stopping = True
                self._queue.close()
                self._job.store.request_stop(self._job.token)
        except StoreError as error:
            self._fail(error)

    def on_trial_result(
        self, iteration: int, trials: list[Trial], trial: Trial, result: dict[str, Any], **info: Any
    ) -> None:
        """Pass on a tally."""
        number = trial.config[PACK].number
        self._report(number, result[TALLY])
        if result[DONE]:
            self._queue.ended(number, result[TALLY])

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """Give the pack back, unless the store is what failed."""
        error = _error_of(trial)
        cause = getattr(error, "cause", None)
        if isinstance(cause, StoreError):
            self._fail(cause)
            return
        number = trial.config[PACK].number
        try:
            self._report(number, self._queue.lost(number, _death(trial, error)))
        except StoreError as store_error:
            self._fail(store_error)

    def _fail(self, error: StoreError) -> None:
        self.error = self.error or error
        self._queue.close()


class RayTuneExecutor:
    """Starts a Ray of its own on this machine, or joins the cluster at `address`."""

    def __init__(self, address: str | None = None) -> None:
        self.address = address or "local"

    def __enter__(self) -> Self:
        """Start or join Ray."""
        os.environ.update(TUNE_SETTINGS)
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        logging.getLogger("ray.tune").setLevel(logging.CRITICAL)  # what fails is told by the queue and in failures/
        terminate = signal.getsignal(signal.SIGTERM)
        local: dict[str, Any] = {"include_dashboard": False} if self.address == "local" else {}
        if local:
            os.environ.setdefault("RAY_gcs_rpc_server_reconnect_timeout_s", "20")  # dead, on this machine
        check_reachable(self.address)
        try:
            ray.init(address=self.address, log_to_driver=False, logging_level=logging.ERROR, **local)
        except (ConnectionError, ValueError) as error:
            if local:
                raise
            raise InputError(f"--address {self.address}: no Ray cluster is running here; give host:port") from error
        except OSError as error:
            where = "its files go to RAY_TMPDIR, or /tmp, and to HOME: short paths that can be written"
            raise InputError(f"Ray cannot be started here ({error}); {where}") from error
        share_datasets()
        signal.signal(signal.SIGTERM, terminate)  # Ray has put its own in place, which ends the process at once
        return self

    def __exit__(self, *exception: object) -> None:
        """Shut down the Ray that was started, or leave the cluster."""
        ray.shutdown()

    def num_workers(self, resources: Resources) -> int:
        """Return how many workers fit into the cluster as it is now, or as its autoscaler may make it.

        Raises:
            InputError: not even one fits.
        """
        here = [node["Resources"] for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]  # ray's
        where = "this machine has" if self.address == "local" else "no node of the cluster has more than"
        return count_workers(resources, here, self._to_come(), where)

    def check_place(self, store: Store) -> None:
        """Check that workers on every node of the cluster write to the same place.

        Raises:
            InputError: the results are on a disk that not all nodes share.
        """
        if self.address != "local":
            check_shared(store, self._to_come())

    def _to_come(self) -> list[Node]:
        return [] if self.address == "local" else nodes_to_come()

    def run(self, queue: PackQueue, job: Job, resources: Resources, report: Report, must_stop: MustStop) -> None:
        """Run packs on the cluster until the queue is finished, or `must_stop()`."""
        if self._to_come():  # Tune asks for one worker at a time otherwise, and machines would come one by one
            os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(self.num_workers(resources))
        state = tempfile.mkdtemp(prefix="bnsweep-tune-")
        feedback = _Feedback(queue, job, report, must_stop)
        trainable = tune.with_parameters(PackTrainable, job=job, resources=resources)
        tuner = tune.Tuner(
            tune.with_resources(trainable, lambda config: _bundle(resources, config[PACK].pack)),
            tune_config=tune.TuneConfig(search_alg=_QueueSearch(queue), num_samples=-1, reuse_actors=True),
            run_config=tune.RunConfig(
                name=job.sweep,
                storage_path=state,
                stop=_StopOnError(feedback),
                failure_config=tune.FailureConfig(max_failures=0),  # the queue decides what is tried again
                checkpoint_config=tune.CheckpointConfig(checkpoint_frequency=0, checkpoint_at_end=False),
                callbacks=[feedback],
                verbose=0,
            ),
        )
        try:
            tuner.fit()
        finally:
            shutil.rmtree(state, ignore_errors=True)
        if feedback.error:
            raise feedback.error


class _StopOnError(tune.Stopper):
    """Ends everything once results can no longer be written."""

    def __init__(self, feedback: _Feedback) -> None:
        self._feedback = feedback

    def __getstate__(self) -> dict[str, Any]:
        """Leave out everything, as the callback does."""
        return {}

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        """Return whether to end."""
        return self._feedback.error is not None


def _bundle(resources: Resources, pack: Pack) -> tune.PlacementGroupFactory:
    """Return what a pack's worker holds."""
    gpus = math.ceil(resources.gpus) if pack.has_whole_gpus else resources.gpus
    return tune.PlacementGroupFactory([{"CPU": resources.cpus, "GPU": gpus}])


def _error_of(trial: Trial) -> BaseException | None:
    """Return why a trial ended; `get_pickled_error` looks where it is copied to later."""
    path = trial.pickled_error_file
    if path is None or not os.path.exists(path):
        return None
    with open(path, "rb") as file:
        error: BaseException = cloudpickle.load(file)
    return error


def _death(trial: Trial, error: BaseException | None) -> Death:
    """Return what is known of a worker's end."""
    text = str(error or "unknown").strip()
    seen = trial.last_result or {}
    is_preemption = isinstance(error, RayActorError) and (error.preempted or NODE_LOST in text)
    return Death(
        f"{type(error).__name__}: {text.splitlines()[-1]}", text, seen.get(LOG), seen.get("hostname"), is_preemption
    )
