"""The in-process executor: one worker, no Ray. For debugging, and for machines where Ray does not run."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from time import monotonic, sleep
from typing import Self

import torch

from bnsweep.errors import InputError
from bnsweep.running.executor import Coordination, MustStop, Report
from bnsweep.running.packs import RunContext, Whereabouts
from bnsweep.running.service import Job, Service
from bnsweep.running.worker import Worker
from bnsweep.running.worker_log import WorkerLog
from bnsweep.spec.resources import Resources
from bnsweep.training.device import prepare_device

REPORT_EVERY_S = 0.2


class SerialExecutor:
    """Runs the packs one after another in this process."""

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
        """Run what the coordinator hands out, until it is over."""
        log = WorkerLog.of_this_process().path
        here = Whereabouts(uuid.uuid4().hex, host=socket.gethostname(), log=log)
        worker = Worker(context, prepare_device(resources), coordination, here)
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

    def _report(self, coordination: Coordination, report: Report) -> None:
        status = coordination.status()
        if status.run:
            report(status.run)
        if status.error:
            raise status.error
