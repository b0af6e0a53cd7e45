"""The Ray Tune executor: starts or joins Ray, and has packs run there. Loads without torch, which takes its time."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING, Self

import ray

from bnsweep.errors import InputError
from bnsweep.executors.ray_tune_cluster import Node, check_shared, count_workers, join_ray, nodes_to_come
from bnsweep.executors.ray_tune_start import start_ray
from bnsweep.results import Store
from bnsweep.running.executor import MustStop, Report
from bnsweep.running.limits import whole_cpus
from bnsweep.running.queue import PackQueue
from bnsweep.spec.resources import Resources

if TYPE_CHECKING:
    from bnsweep.running.packs import RunContext

TUNE_SETTINGS = {
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # our rows go to the store, not to JSON, CSV and TensorBoard
    "RAY_AIR_NEW_OUTPUT": "0",  # the one output that verbose=0 silences
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # Ctrl-C is the run's to handle
    "RAY_TRAIN_COUNT_PREEMPTION_AS_FAILURE": "1",  # else Tune starts the pack again, what is committed included
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
}


class RayTuneExecutor:
    """Starts a Ray of its own on this machine, or joins the cluster at `address`.

    Args:
        address: of a cluster.
        cpus: processors that a Ray of its own may use; all that this process may use if not given.
        max_workers: workers at most; as many as fit if not given.
        announce: called with a line on what takes a while.
    """

    def __init__(
        self,
        address: str | None = None,
        cpus: int | None = None,
        max_workers: int | None = None,
        announce: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.address = address or "local"
        self._cpus, self._max_workers, self._announce = cpus, max_workers, announce

    def __enter__(self) -> Self:
        """Start or join Ray."""
        os.environ.update(TUNE_SETTINGS)
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        logging.getLogger("ray.tune").setLevel(logging.CRITICAL)  # the queue reports what fails, in failures/ too
        terminate = signal.getsignal(signal.SIGTERM)
        try:
            if self.address == "local":
                self._announce("starting Ray ...")
                start_ray(self._cpus or whole_cpus(), self._announce)
            else:
                self._announce(f"joining the Ray cluster at {self.address} ...")
                join_ray(self.address)
        except SystemExit as error:  # by the handler of SIGTERM that Ray puts in place while it starts
            raise KeyboardInterrupt from error
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
        fits = self._num_fitting(resources)
        return min(fits, self._max_workers or fits)

    def _num_fitting(self, resources: Resources) -> int:
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

    def _max_packs_out(self, resources: Resources) -> int:
        """Return how many packs may be out: one for each worker, and one for whoever ends first.

        Where more workers fit than are wanted, Tune would start one with that last pack.
        """
        try:
            fits = self._num_fitting(resources)
        except InputError:  # a node was lost
            fits = 0
        return self._max_workers if self._max_workers and self._max_workers < fits else fits + 1

    def _to_come(self) -> list[Node]:
        return [] if self.address == "local" else nodes_to_come()

    def run(self, queue: PackQueue, job: RunContext, resources: Resources, report: Report, must_stop: MustStop) -> None:
        """Run packs on the cluster until the queue is finished, or `must_stop()`."""
        from bnsweep.executors.ray_tune_fit import fit

        # Tune starts one worker at a time otherwise, each after the one before has begun to train.
        os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(self.num_workers(resources))
        fit(queue, job, resources, report, must_stop, lambda: self._max_packs_out(resources))
