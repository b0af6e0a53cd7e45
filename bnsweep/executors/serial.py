"""The in-process executor: one worker, no Ray. For debugging, and for machines where Ray does not run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import torch

from bnsweep.device import prepare_device
from bnsweep.errors import InputError
from bnsweep.executors.base import Lost, Report
from bnsweep.executors.pack import Job, Pack, Worker
from bnsweep.sweep import Resources


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

    def run(self, packs: Sequence[Pack], job: Job, resources: Resources, report: Report) -> list[Lost]:
        """Run every pack; none is ever given up."""
        worker = Worker(job, prepare_device(resources))
        for number, pack in enumerate(packs):
            for tally in worker.run(pack):
                report(number, tally)
        return []
