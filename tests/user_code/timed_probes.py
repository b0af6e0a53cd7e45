"""A user's probes that show how they are timed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import ClassVar

import pyarrow as pa

from bnsweep.probes import StepContext
from bnsweep.results.schema import Row
from tests.waiting import wait_until

COLUMNS: dict[str, pa.DataType] = {"value": pa.float64()}


@dataclass
class Spinning:
    """Takes as long as it is asked to, and gives three rows."""

    seconds: float
    table: ClassVar[str] = "spinning"
    columns: ClassVar[dict[str, pa.DataType]] = COLUMNS

    def __call__(self, ctx: StepContext) -> list[Row]:
        until = perf_counter() + self.seconds
        while perf_counter() < until:
            pass
        return [{"step": ctx.step, "value": 1.0}] * 3


@dataclass
class Signing:
    """Leaves the number of its process in a folder."""

    folder: str
    table: ClassVar[str] = "signing"
    columns: ClassVar[dict[str, pa.DataType]] = COLUMNS

    def __call__(self, ctx: StepContext) -> list[Row]:
        (Path(self.folder) / str(os.getpid())).touch()
        return [{"step": ctx.step, "value": 1.0}]


@dataclass
class Meeting(Spinning):
    """Takes as long as it is asked to, and before that until so many processes have signed in a folder."""

    folder: str
    processes: int

    def __call__(self, ctx: StepContext) -> list[Row]:
        meet(self.folder, self.processes)
        return super().__call__(ctx)


def meet(folder: str, processes: int) -> None:
    (Path(folder) / str(os.getpid())).touch()
    wait_until(lambda: len(os.listdir(folder)) >= processes, f"{processes} processes in {folder}")


@dataclass
class Seeing:
    """Says which GPUs its process may see, by what Ray has put into its environment, once so many processes do.

    They sign in a folder.
    """

    folder: str
    processes: int
    table: ClassVar[str] = "seeing"
    columns: ClassVar[dict[str, pa.DataType]] = {"gpus": pa.string(), "pid": pa.int64()}

    def __call__(self, ctx: StepContext) -> list[Row]:
        meet(self.folder, self.processes)
        return [{"step": ctx.step, "gpus": os.environ.get("CUDA_VISIBLE_DEVICES"), "pid": os.getpid()}]
