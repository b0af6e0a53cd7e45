"""Mean and standard deviation of what enters each nonlinearity (Santurkar et al. 2018, figures 2 and 8)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bnsweep.models import Stage, stages
from bnsweep.norm.site import batch_dims, per_channel
from bnsweep.probes.context import StepContext, evaluate
from bnsweep.results.schema import Row


@dataclass(frozen=True)
class UnitMoments:
    """Moments of one site per unit over the mini-batch: mean (C,) and std (C,), float64.

    A unit is a channel, over all samples and positions; std is that of the mini-batch (divided by n, not n - 1).
    """

    mean: Tensor
    std: Tensor


@dataclass
class Moments:
    """Moments at every normalization site, and how far they moved since this trial's last measurement.

    Taken at W^t on the step's mini-batch, batch statistics and noise, of the normalization's output. One forward.

    Args:
        previous: the last measurement, one entry per site, None before the first. The one thing that a probe carries
            from step to step: make a new `Moments` for each trial.
    """

    previous: Sequence[UnitMoments] | None = None

    def __call__(self, ctx: StepContext) -> list[Row]:
        """Return one row per site: step, layer, layer_name, mean, std, mean_shift, std_shift."""
        current = unit_moments(ctx)
        previous: Sequence[UnitMoments | None] = self.previous or [None] * len(current)
        self.previous = current
        rows: list[Row] = []
        for (layer, name, _), now, then in zip(_sites(ctx), current, previous, strict=True):
            rows.append({"step": ctx.step, "layer": layer, "layer_name": name, **_summary(now, then)})
        return rows


def unit_moments(ctx: StepContext) -> list[UnitMoments]:
    """Return the moments of every normalization site, first to last."""
    with torch.no_grad(), _outputs([norm for _, _, norm in _sites(ctx)]) as outputs:
        evaluate(ctx.model, ctx.params_before, ctx.buffers, ctx.x)
    return [_moments(output) for output in outputs]


def _moments(a: Tensor) -> UnitMoments:
    """Return the moments of a, (N, C) or (N, C, H, W).

    In two passes: `torch.std_mean` over these dimensions takes 8 to 13 times as long on a CPU.
    """
    dims = batch_dims(a)
    mean = a.mean(dims)
    variance = (a - per_channel(mean, a)).square().mean(dims)
    return UnitMoments(mean.double(), variance.sqrt().double())


def _summary(now: UnitMoments, then: UnitMoments | None) -> dict[str, float | None]:
    return {
        "mean": now.mean.mean().item(),
        "std": now.std.mean().item(),
        "mean_shift": None if then is None else _rms(now.mean - then.mean),
        "std_shift": None if then is None else _rms(now.std - then.std),
    }


def _rms(change: Tensor) -> float:
    return change.square().mean().sqrt().item()


def _sites(ctx: StepContext) -> list[tuple[int, str, nn.Module]]:
    """Return layer, name and module of every normalization site."""
    found: list[tuple[int, str, Stage]] = [(i, *entry) for i, entry in enumerate(stages(ctx.model))]
    return [(i, name, stage.norm) for i, name, stage in found if stage.norm is not None]


@contextmanager
def _outputs(modules: Sequence[nn.Module]) -> Iterator[list[Tensor]]:
    """Collect what the modules return, in the order in which they run; the hooks are gone afterwards."""
    collected: list[Tensor] = []
    handles = [module.register_forward_hook(lambda *call: collected.append(call[2])) for module in modules]
    try:
        yield collected
    finally:
        for handle in handles:
            handle.remove()
