"""Ray Tune as the scheduler of packs: what it asks for the next one, and whom it tells what became of it."""

from __future__ import annotations

import math
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ray import cloudpickle, tune
from ray.exceptions import RayActorError
from ray.tune.experiment import Trial
from ray.tune.result import DONE
from ray.tune.search import Searcher

from bnsweep.errors import StoreError
from bnsweep.executors.ray_tune_data import share_datasets
from bnsweep.executors.ray_tune_failure import in_words, lost_nodes, read_log
from bnsweep.executors.ray_tune_worker import LOG, NODE, PACK, TALLY, PackTrainable
from bnsweep.running.executor import MustStop, Report
from bnsweep.running.packs import Pack, RunContext
from bnsweep.running.queue import PackQueue, WorkerFailure
from bnsweep.spec.resources import Resources


def fit(
    queue: PackQueue,
    context: RunContext,
    resources: Resources,
    report: Report,
    must_stop: MustStop,
    max_packs_out: Callable[[], int],
) -> None:
    """Run packs on the cluster that Ray is connected to until the queue is finished, or `must_stop()`.

    Args:
        queue: the packs.
        context: what they share.
        resources: of a worker.
        report: hears how far they are.
        must_stop: whether to stop.
        max_packs_out: how many packs may be out at once; nodes may come and go.

    Raises:
        StoreError: a worker could not write its results, or `must_stop` raised it.
    """
    share_datasets()
    state = tempfile.mkdtemp(prefix="bnsweep-tune-")
    feedback = _Feedback(queue, context, report, must_stop)
    trainable = tune.with_parameters(PackTrainable, context=context, resources=resources)
    tuner = tune.Tuner(
        tune.with_resources(trainable, lambda config: _bundle(resources, config[PACK].pack)),
        tune_config=tune.TuneConfig(search_alg=QueueSearch(queue, max_packs_out), num_samples=-1, reuse_actors=True),
        run_config=tune.RunConfig(
            name=context.sweep,
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


class QueueSearch(Searcher):
    """Makes Tune's next trial the queue's next pack."""

    def __init__(self, queue: PackQueue, max_packs_out: Callable[[], int]) -> None:
        super().__init__()
        self._queue, self._max_packs_out = queue, max_packs_out

    def __getstate__(self) -> dict[str, Any]:
        """Leave out everything: Tune saves its search, and these are things of this process."""
        return {}

    def suggest(self, trial_id: str) -> Any:
        """Return the next configuration; None where there is none yet, `FINISHED` where there will be none."""
        if self._queue.num_out >= self._max_packs_out():  # no more is cut yet: trials turn out longer or shorter
            return None
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

    def __init__(self, queue: PackQueue, context: RunContext, report: Report, must_stop: MustStop) -> None:
        self._queue, self._context, self._report, self._must_stop = queue, context, report, must_stop
        self._is_stopping = False
        self._lost_before = lost_nodes()
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
                self._context.store.request_stop(self._context.token)
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
            failure = _worker_failure(trial, error, lost_nodes() - self._lost_before)
            self._report(number, self._queue.worker_failed(number, failure))
        except StoreError as store_error:
            self._fail(store_error)

    def _fail(self, error: StoreError) -> None:
        self.error = self.error or error
        self._queue.close()


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


def _worker_failure(trial: Trial, error: BaseException | None, lost: set[str]) -> WorkerFailure:
    """Return what is known of a worker's end, given the nodes that were lost since the run began."""
    text = str(error or "unknown").strip()
    seen = trial.last_result or {}
    has_lost_its_node = seen[NODE] in lost if NODE in seen else bool(lost)  # it may not have reported yet
    is_preemption = isinstance(error, RayActorError) and (error.preempted or has_lost_its_node)
    tail = read_log(seen[LOG], seen["node_ip"]) if seen.get(LOG) else None
    cause = in_words(error) or f"{type(error).__name__}: {text.splitlines()[-1]}"
    return WorkerFailure(cause, text, seen.get(LOG), seen.get("hostname"), tail, is_preemption)
