"""The Ray side of a worker: one Tune trial, from when its place is free to when there is nothing more to do."""

from __future__ import annotations

import socket
import uuid
from time import sleep
from typing import Any

import ray
from ray import tune
from ray.tune.result import DONE

from bnsweep.executors.ray_tune_coordinator import RemoteService
from bnsweep.running.gc_tuning import freeze_gc, raise_gc_thresholds, restore_gc_thresholds
from bnsweep.running.packs import Whereabouts
from bnsweep.running.worker_log import WorkerLog
from bnsweep.spec.resources import Resources

RESOURCES = "resources"
"""In the configuration of a Tune trial: what its worker holds."""


class WorkerTrainable(tune.Trainable):
    """A worker; its one step is all that it does."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Prepare for the imports that `setup` and what it is given bring."""
        raise_gc_thresholds()
        super().__init__(*arguments, **options)

    def setup(self, config: dict[str, Any], context: Any = None, actor: Any = None) -> None:
        """Build the worker."""
        from bnsweep.running.worker import Worker
        from bnsweep.training.device import prepare_device

        resources = Resources.model_validate(config[RESOURCES])
        device, here = prepare_device(resources), whereabouts(self.trial_id, resources)
        self._worker = Worker(context, device, RemoteService(actor), here)
        freeze_gc()
        restore_gc_thresholds()

    def step(self) -> dict[str, Any]:
        """Work until there is nothing more to do."""
        for pause_s in self._worker.work():
            if pause_s:
                sleep(pause_s)
        return {DONE: True}


def whereabouts(place: str, resources: Resources) -> Whereabouts:
    """Return what tells this worker from others, and where it is."""
    return Whereabouts(
        name=uuid.uuid4().hex,
        place=place,
        host=socket.gethostname(),
        node=ray.get_runtime_context().get_node_id(),
        address=ray.util.get_node_ip_address(),  # type: ignore[no-untyped-call]  # ray's
        log=WorkerLog.of_this_process().path,
        has_whole_gpus=resources.gpus == int(resources.gpus),
    )
