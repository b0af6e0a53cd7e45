"""The Ray Tune executor: starts or joins Ray, and has workers brought up there. Loads without torch."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Self

import ray

from bnsweep.errors import InputError
from bnsweep.executors.ray_tune_cluster import Node, count_workers, join_ray, nodes_to_come
from bnsweep.executors.ray_tune_coordinator import RemoteService, coordinator_actor
from bnsweep.executors.ray_tune_start import SERIAL, start_ray
from bnsweep.limits import whole_cpus
from bnsweep.running.executor import Coordination, MustStop, Report
from bnsweep.running.job import Job
from bnsweep.spec.resources import Resources

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from bnsweep.running.packs import RunContext

TUNE_SETTINGS = {
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # our rows go to the store, not to JSON, CSV and TensorBoard
    "RAY_AIR_NEW_OUTPUT": "0",  # the one output that verbose=0 silences
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # Ctrl-C is the run's to handle
    "TUNE_MAX_PENDING_TRIALS_PG": "100000",  # all may wait: the search says how many there are
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
}
COUNT_EVERY_S = 2.0
"""How often it is counted how many workers fit on the nodes."""


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
        self._fits, self._counted = 1, 0.0

    def __enter__(self) -> Self:
        """Start or join Ray.

        Raises:
            InputError: this process has one already, or the machine lacks what Ray needs. StartError: it fails.
        """
        if ray.is_initialized():
            raise InputError(f"Ray is started in this process already; call ray.shutdown() before, {SERIAL}")
        os.environ.update(TUNE_SETTINGS)
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        logging.getLogger("ray.tune").setLevel(logging.CRITICAL)  # the coordinator records what fails
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

    def coordinating(self, job: Job) -> AbstractContextManager[RemoteService]:
        """Have a coordinator, an actor on this node, for the time of the block."""
        return coordinator_actor(job)

    def run(
        self,
        coordination: Coordination,
        context: RunContext,
        resources: Resources,
        report: Report,
        must_stop: MustStop,
    ) -> None:
        """Run what the coordinator hands out on the cluster, until it is over."""
        from bnsweep.executors.ray_tune_supply import supply

        assert isinstance(coordination, RemoteService), "`coordinating` gives one"
        supply(
            coordination,
            context,
            resources,
            report,
            must_stop,
            lambda: self._max_workers_now(resources),
            self._announce,
        )

    def _max_workers_now(self, resources: Resources) -> int:
        """Return how many workers may be there or wait for a place, by the nodes that there are now.

        On a cluster one more waits: that is how its autoscaler sees that there is work, where it is not known here what
        it may bring.
        """
        if monotonic() > self._counted + COUNT_EVERY_S:
            self._counted = monotonic()
            with suppress(InputError):  # a node was lost
                self._fits = self._num_fitting(resources)
        fits = self._fits + (self.address != "local")
        return min(fits, self._max_workers or fits)

    def _to_come(self) -> list[Node]:
        return [] if self.address == "local" else nodes_to_come()
