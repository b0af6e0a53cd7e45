"""Probes that a user might name in a sweep file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from bnsweep.probes import StepContext
from bnsweep.results.schema import Row


@dataclass(frozen=True)
class WeightNorms:
    """The l2 norm of every parameter to some power."""

    power: float
    table: str = "weight_norms"
    columns: Mapping[str, pa.DataType] = field(
        default_factory=lambda: {"parameter": pa.string(), "norm_power": pa.float64()}
    )

    def __call__(self, ctx: StepContext) -> list[Row]:
        return [
            {"step": ctx.step, "parameter": name, "norm_power": w.norm().item() ** self.power}
            for name, w in ctx.params_before.items()
        ]


def weight_norms(power: float = 1.0) -> WeightNorms:
    return WeightNorms(power)


def with_table(table: str) -> WeightNorms:
    return WeightNorms(1.0, table=table)


def with_columns() -> WeightNorms:
    return WeightNorms(1.0, columns={"lr": pa.float64()})


def untyped() -> WeightNorms:
    return WeightNorms(1.0, columns={"parameter": "string"})


def nothing() -> None:
    return None


NO_CALLABLE = 3
