"""The in-process executor: one worker, no Ray. For debugging, and for machines where Ray does not run."""

from __future__ import annotations

from typing import Self

import torch

from bnsweep.errors import InputError
from bnsweep.results import Store
from bnsweep.running.executor import MustStop, Report
from bnsweep.running.packs import RunContext, Tally
from bnsweep.running.queue import PackQueue
from bnsweep.running.worker import Worker
from bnsweep.spec.resources import Resources
from bnsweep.training.device import prepare_device


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

    def check_place(self, store: Store) -> None:
        """Accept any place: this process is the only worker."""

    def run(
        self, queue: PackQueue, context: RunContext, resources: Resources, report: Report, must_stop: MustStop
    ) -> None:
        """Run packs until the queue is finished, or `must_stop()`."""
        worker = Worker(context, prepare_device(resources))
        while taken := queue.take():
            number, pack = taken
            reported, is_stopping = None, False
            for tally in worker.run(pack):
                if tally != reported:
                    report(number, tally)
                    reported = tally
                if not is_stopping and must_stop():
                    is_stopping = True
                    queue.close()
                    context.store.request_stop(context.token)
            queue.ended(number, reported or Tally())
