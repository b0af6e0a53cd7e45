"""A user's probes that tell what times them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
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
