"""The in-process executor: one worker, no Ray. For debugging, and for machines where Ray does not run."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from time import monotonic, sleep
from typing import Self

import torch

from bnsweep.errors import DeviceLost, InputError
from bnsweep.running.executor import Coordination, MustStop, Report
from bnsweep.running.job import Job
from bnsweep.running.packs import RunContext, Whereabouts
from bnsweep.running.service import Service
from bnsweep.running.worker import Worker
from bnsweep.running.worker_log import WorkerLog
from bnsweep.spec.resources import Resources
from bnsweep.training.device import prepare_device

REPORT_EVERY_S = 0.2


class SerialExecutor:
    """Runs the packs one after another in this process.

    Args:
        announce: called with a line on which GPU it trains on.
    """

    def __init__(self, announce: Callable[[str], None] = lambda _: None) -> None:
        self._announce = announce

    def __enter__(self) -> Self:
        """Start nothing."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Leave nothing behind."""

    def num_workers(self, resources: Resources) -> int:
        """Return 1: this process.

        Raises:
            InputError: the sweep asks for more GPUs than PyTorch finds.
        """
        found = torch.cuda.device_count() if resources.gpus else 0
        if resources.gpus > found:
            raise InputError(
                f"resources.gpus: {resources.gpus:g} asked for, {found} found here; set gpus: 0 for the CPU"
            )
        return 1

    @contextmanager
    def coordinating(self, job: Job) -> Iterator[Service]:
        """Have a coordinator in this process for the time of the block."""
        with closing(Service(job)) as service:
            yield service

    def run(
        self,
        coordination: Coordination,
        context: RunContext,
        resources: Resources,
        report: Report,
        must_stop: MustStop,
    ) -> None:
        """Run what the coordinator hands out, until it is over.

        Raises:
            DeviceLost: this process can use its GPU no more; what finished is committed.
        """
        log = WorkerLog.of_this_process().path
        here = Whereabouts(uuid.uuid4().hex, host=socket.gethostname(), log=log)
        device = prepare_device(resources.with_whole_gpus)
        if device.type == "cuda":
            self._announce(_which_gpu(torch.cuda.get_device_name(device), torch.cuda.device_count()))
        worker = Worker(context, device, coordination, here)
        try:
            self._work(worker, coordination, report, must_stop)
        except DeviceLost as error:
            coordination.stop()
            while not self._report(coordination, report):
                sleep(REPORT_EVERY_S)
            raise DeviceLost(
                f"{error}, so the run ends here; the same command continues, with that trial last"
            ) from error

    def _work(self, worker: Worker, coordination: Coordination, report: Report, must_stop: MustStop) -> None:
        reported, is_stopping = 0.0, False
        for pause_s in worker.work():
            if pause_s:
                sleep(pause_s)
            if monotonic() > reported + REPORT_EVERY_S:
                self._report(coordination, report)
                reported = monotonic()
            if not is_stopping and must_stop():
                is_stopping = True
                coordination.stop()
        self._report(coordination, report)

    def _report(self, coordination: Coordination, report: Report) -> bool:
        """Report how far the run is; return whether it is over."""
        status = coordination.status()
        if status.run:
            report(status.run)
        if status.error:
            raise status.error
        return status.run is not None and status.run.is_over


def _which_gpu(name: str, found: int) -> str:
    others = f", the first of {found}: CUDA_VISIBLE_DEVICES names another, --executor ray trains on all" * (found > 1)
    return f"training on one GPU, {name}{others}"
