"""Probes that a user might name in a sweep file."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from bnsweep.norm import set_step
from bnsweep.probes import StepContext
from bnsweep.results.schema import Row


@dataclass(frozen=True)
class WeightNorms:
    """The l2 norm of every parameter to some power."""

    power: float
    table: str = "weight_norms"
    columns: Mapping[str, pa.DataType | pa.Field] = field(
        default_factory=lambda: {
            "parameter": pa.string(),
            "norm_power": pa.field("", pa.float64(), nullable=False, metadata={"meaning": "the norm to some power"}),
        }
    )

    def __call__(self, ctx: StepContext) -> list[Row]:
        return [
            {"step": ctx.step, "parameter": name, "norm_power": w.double().norm().item() ** self.power}
            for name, w in ctx.params_before.items()
        ]


def weight_norms(power: float = 1.0) -> WeightNorms:
    return WeightNorms(power)


def with_table(table: str) -> WeightNorms:
    return WeightNorms(1.0, table=table)


def with_columns() -> WeightNorms:
    return WeightNorms(1.0, columns={"lr": pa.float64()})


def of_type(kind: str) -> WeightNorms:
    """A probe with a column of an unusual type."""
    return WeightNorms(1.0, columns={"parameter": UNUSUAL[kind]})


UNUSUAL = {
    "interval": pa.month_day_nano_interval(),
    "union": pa.dense_union([pa.field("a", pa.int32())]),
    "view": pa.string_view(),
    "no fields": pa.struct([]),
}


def untyped() -> WeightNorms:
    return WeightNorms(1.0, columns={"parameter": "string"})  # type: ignore[dict-item]  # that it is refused is tested


@dataclass(frozen=True)
class Acting:
    """Does something to the step that it is given and returns rows of one column."""

    act: Callable[[StepContext], Any]
    table: str = "acted"
    columns: Mapping[str, pa.DataType] = field(default_factory=lambda: {"v": pa.float64()})

    def __call__(self, ctx: StepContext) -> Any:
        return self.act(ctx)


def returning(what: str) -> Acting:
    """A probe that returns one of UNFIT or FITS."""
    return Acting(lambda ctx: {**UNFIT, **FITS}[what](ctx.step))


UNFIT: dict[str, Callable[[int], Any]] = {
    "nothing": lambda _: None,
    "numbers": lambda _: [3],
    "no step": lambda _: [{"v": 1.0}],
    "another step": lambda step: [{"step": step + 1, "v": 1.0}],
    "a column too many": lambda step: [{"step": step, "v": 1.0, "lr": 9.0}],
    "a column too few": lambda step: [{"step": step}],
    "a text": lambda step: [{"step": step, "v": "a text"}],
    "a tensor": lambda step: [{"step": step, "v": torch.ones(2)}],
    "an error": lambda _: 1 / 0,
}
FITS: dict[str, Callable[[int], Any]] = {
    "no rows": lambda _: [],
    "null": lambda step: ({"step": step, "v": None},),
    "not finite": lambda step: [{"step": step, "v": float("nan")}, {"step": step, "v": float("inf")}],
    "of numpy": lambda step: [{"step": np.int64(step), "v": np.float32(0.5)}],
}


def step_loss() -> Acting:
    return Acting(lambda ctx: [{"step": ctx.step, "v": ctx.loss}])


def failing_above(lr: float) -> Acting:
    """A probe that raises in trials with a larger learning rate."""

    def act(ctx: StepContext) -> list[Row]:
        if ctx.lr > lr:
            raise ValueError(f"lr {ctx.lr:g} is above {lr:g}")
        return []

    return Acting(act)


def meddling(how: str) -> Acting:
    """A probe that writes to what it is given, or moves what others depend on."""

    def act(ctx: StepContext) -> list[Row]:
        MEDDLING[how](ctx)
        return [{"step": ctx.step, "v": 0.0}]

    return Acting(act)


@torch.no_grad()
def _write(tensors: Iterable[Tensor]) -> None:
    for tensor in tensors:
        tensor.copy_(torch.full_like(tensor, 3))


def _through_data(ctx: StepContext) -> None:
    for parameter in ctx.model.parameters():
        parameter.data.add_(0.1)
        parameter.data.sub_(0.1)


def _backward(ctx: StepContext) -> None:
    ctx.loss_fn(ctx.model(ctx.x), ctx.y).backward()


def _draw(ctx: StepContext) -> None:
    torch.rand(3)
    np.random.rand(3)  # noqa: NPY002  as users do
    random.random()


MEDDLING: dict[str, Callable[[StepContext], Any]] = {
    "parameters": lambda ctx: _write(ctx.params_after.values()),
    "parameters before": lambda ctx: _write(ctx.params_before.values()),
    "through data": _through_data,
    "gradients": lambda ctx: _write(ctx.grads.values()),
    "buffers": lambda ctx: _write([*ctx.model.buffers(), *ctx.buffers.values()]),
    "mini-batch": lambda ctx: _write([ctx.x, ctx.y]),
    "a backward": _backward,
    "eval mode": lambda ctx: ctx.model.eval(),
    "frozen": lambda ctx: ctx.model.requires_grad_(False),
    "gradients unset": lambda ctx: ctx.model.zero_grad(),
    "no gradients": lambda _: torch.set_grad_enabled(False),
    "random streams": _draw,
    "another step": lambda ctx: set_step(ctx.model, 99),
}


class HoldingAFile(WeightNorms):
    """Remembers what is no plain value."""

    def __init__(self) -> None:
        super().__init__(1.0)
        object.__setattr__(self, "file", object())


def holding_a_file() -> HoldingAFile:
    return HoldingAFile()


class Counting:
    """Remembers in plain attributes how often it was asked."""

    table, columns = "counts", {"count": pa.int64(), "seen": pa.float64()}

    def __init__(self) -> None:
        self.count, self.seen = 0, list[float]()

    def __call__(self, ctx: StepContext) -> list[Row]:
        self.count += 1
        self.seen.append(ctx.loss)
        return [{"step": ctx.step, "count": self.count, "seen": sum(self.seen)}]


class Averaging:
    """Remembers a tensor, in a way of its own."""

    table, columns = "averages", {"mean": pa.float64()}
    __slots__ = ("mean",)

    def __init__(self) -> None:
        self.mean = torch.zeros(())

    def __call__(self, ctx: StepContext) -> list[Row]:
        self.mean = 0.5 * self.mean + 0.5 * ctx.loss
        return [{"step": ctx.step, "mean": self.mean.item()}]

    def state_dict(self) -> dict[str, Any]:
        return {"mean": self.mean}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.mean = state["mean"]


def counting() -> Counting:
    return Counting()


def averaging() -> Averaging:
    return Averaging()


def closed_over() -> Callable[[StepContext], list[Row]]:
    """A probe that remembers in a variable that cannot be seen from outside."""
    seen = list[int]()

    def measure(ctx: StepContext) -> list[Row]:
        seen.append(ctx.step)
        return [{"step": ctx.step, "count": len(seen), "seen": 0.0}]

    measure.table, measure.columns = "closed", Counting.columns  # type: ignore[attr-defined]
    return measure


def odd_power() -> WeightNorms:
    raise ValueError("power must be even")


def nothing() -> None:
    return None


NO_CALLABLE = 3
