"""The Ray Tune executor: starts or joins Ray, and has packs run there. Loads without torch, which takes its time."""

from __future__ import annotations

import logging
import os
import signal
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Self

import ray

from bnsweep.errors import InputError
from bnsweep.executors.ray_tune_cluster import (
    Node,
    check_reachable,
    check_shared,
    count_workers,
    nodes_to_come,
)
from bnsweep.executors.ray_tune_local import without_cluster_services
from bnsweep.results import Store
from bnsweep.running.executor import MustStop, Report
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
            os.environ.setdefault("RAY_prestart_worker_first_driver", "0")  # Tune starts its own
            os.environ.pop("RAY_JOB_CONFIG_JSON_ENV_VAR", None)  # of a job that this runs in: another Ray's
        check_reachable(self.address)
        try:
            with without_cluster_services() if local else nullcontext():
                ray.init(address=self.address, log_to_driver=False, logging_level=logging.ERROR, **local)
        except (ConnectionError, ValueError) as error:
            if local:
                raise
            raise InputError(f"--address {self.address}: no Ray cluster is running here; give host:port") from error
        except OSError as error:
            where = "its files go to RAY_TMPDIR, or /tmp, and to HOME: short paths that can be written"
            raise InputError(f"Ray cannot be started here ({error}); {where}") from error
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

    def _workers_now(self, resources: Resources) -> int:
        """Return what `num_workers` does; 0 where not even one fits at the moment."""
        try:
            return self.num_workers(resources)
        except InputError:  # a node was lost
            return 0

    def _to_come(self) -> list[Node]:
        return [] if self.address == "local" else nodes_to_come()

    def run(self, queue: PackQueue, job: RunContext, resources: Resources, report: Report, must_stop: MustStop) -> None:
        """Run packs on the cluster until the queue is finished, or `must_stop()`."""
        from bnsweep.executors.ray_tune_fit import fit

        # Tune starts one worker at a time otherwise, each after the one before has begun to train.
        os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(self.num_workers(resources))
        fit(queue, job, resources, report, must_stop, lambda: self._workers_now(resources))
