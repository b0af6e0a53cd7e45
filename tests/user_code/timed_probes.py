"""A user's probes that tell what times them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from multiprocessing import current_process
from pathlib import Path
from time import perf_counter

import pyarrow as pa

from bnsweep.probes import StepContext
from bnsweep.results.schema import Row


@dataclass
class Spinning:
    """Takes as long as it is told to, and gives three rows."""

    seconds: float
    table: str = "spinning"
    columns: dict[str, pa.DataType] = field(default_factory=lambda: {"value": pa.float64()})

    def __call__(self, ctx: StepContext) -> list[Row]:
        until = perf_counter() + self.seconds
        while perf_counter() < until:
            pass
        return [{"step": ctx.step, "value": 1.0}] * 3


@dataclass
class Signing:
    """Leaves the number of its process in a folder."""

    folder: str
    table: str = "signing"
    columns: dict[str, pa.DataType] = field(default_factory=lambda: {"value": pa.float64()})

    def __call__(self, ctx: StepContext) -> list[Row]:
        (Path(self.folder) / str(os.getpid())).touch()
        return [{"step": ctx.step, "value": 1.0}]


@dataclass
class Deserting:
    """Ends the process of a neighbour, as the kernel does where memory is short; the one that times waits for it."""

    marker: str
    table: str = "deserting"
    columns: dict[str, pa.DataType] = field(default_factory=lambda: {"value": pa.float64()})

    def __call__(self, ctx: StepContext) -> list[Row]:
        if current_process().daemon:
            Path(self.marker).touch()
            os._exit(1)
        while not os.path.exists(self.marker):
            os.sched_yield()
        return [{"step": ctx.step, "value": 1.0}]
