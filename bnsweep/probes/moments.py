"""Mean and standard deviation around each normalization (Santurkar et al. 2018, figures 2 and 8)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bnsweep.models import norm_sites
from bnsweep.norm.site import batch_dims, per_channel
from bnsweep.probes.context import StepContext
from bnsweep.results.schema import Row


@dataclass(frozen=True)
class UnitMoments:
    """Moments of one site per unit over the mini-batch: mean (C,) and std (C,), float64.

    A unit is a channel, over all samples and positions; std is that of the mini-batch (divided by n, not n - 1).
    """

    mean: Tensor
    std: Tensor


@dataclass(frozen=True)
class SiteMoments:
    """Moments of one normalization site: of what enters it, and of what leaves it for the nonlinearity."""

    before: UnitMoments
    after: UnitMoments


@dataclass
class Moments:
    """Moments at every normalization site, and how far they moved since this trial's last measurement.

    Taken at W^t on the step's mini-batch, batch statistics and noise, before and after the normalization. One forward.

    Args:
        previous: the last measurement, one entry per site, None before the first. The one thing that a probe carries
            from step to step: make a new `Moments` for each trial.
    """

    previous: Sequence[SiteMoments] | None = None

    def __call__(self, ctx: StepContext) -> list[Row]:
        """Return one row per site: step, layer, layer_name, mean, std, their shifts, and the same with `pre_`."""
        current = site_moments(ctx)
        previous: Sequence[SiteMoments | None] = self.previous or [None] * len(current)
        self.previous = current
        return [
            {"step": ctx.step, "layer": layer, "layer_name": name, **_row(now, then)}
            for (layer, name, _), now, then in zip(norm_sites(ctx.model), current, previous, strict=True)
        ]


def site_moments(ctx: StepContext) -> list[SiteMoments]:
    """Return the moments of every normalization site, first to last."""
    sites = [norm for _, _, norm in norm_sites(ctx.model)]
    with torch.no_grad(), _calls(sites) as calls:
        ctx.forward(ctx.params_before)
    return [_site_moments(*calls[site]) for site in sites]


def _site_moments(entering: Tensor, leaving: Tensor) -> SiteMoments:
    before = _moments(entering)
    return SiteMoments(before, before if leaving is entering else _moments(leaving))


def _moments(a: Tensor) -> UnitMoments:
    """Return the moments of a, (N, C) or (N, C, H, W).

    In two passes: `torch.std_mean` over these dimensions takes 8 to 13 times as long on a CPU.
    """
    dims = batch_dims(a)
    mean = a.mean(dims)
    variance = (a - per_channel(mean, a)).square().mean(dims)
    return UnitMoments(mean.double(), variance.sqrt().double())


def _row(now: SiteMoments, then: SiteMoments | None) -> Row:
    after = _summary(now.after, None if then is None else then.after)
    before = _summary(now.before, None if then is None else then.before)
    return {**after, **{f"pre_{name}": value for name, value in before.items()}}


def _summary(now: UnitMoments, then: UnitMoments | None) -> dict[str, float | None]:
    return {
        "mean": now.mean.mean().item(),
        "std": now.std.mean().item(),
        "mean_shift": None if then is None else _rms(now.mean - then.mean),
        "std_shift": None if then is None else _rms(now.std - then.std),
    }


def _rms(change: Tensor) -> float:
    return change.square().mean().sqrt().item()


@contextmanager
def _calls(modules: Sequence[nn.Module]) -> Iterator[dict[nn.Module, tuple[Tensor, Tensor]]]:
    """Collect what each module was called with and returned last; the hooks are gone afterwards."""
    collected: dict[nn.Module, tuple[Tensor, Tensor]] = {}

    def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        collected[module] = inputs[0], output

    handles = [module.register_forward_hook(hook) for module in modules]
    try:
        yield collected
    finally:
        for handle in handles:
            handle.remove()
