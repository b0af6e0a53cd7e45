"""Mean and standard deviation around each normalization (Santurkar et al. 2018, figures 2 and 8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from bnsweep.models import norm_sites
from bnsweep.norm.site import batch_dims, per_channel
from bnsweep.probes.context import StepContext
from bnsweep.probes.joint import JointProbe, JointStep
from bnsweep.probes.members import of_each
from bnsweep.results.schema import Row

BLOCK = 1 << 18
"""Entries of an activation that are taken to float64 at a time on the CPU: 2 MiB, which stays in the cache."""


@dataclass(frozen=True)
class UnitMoments:
    """Moments of one site per unit over the mini-batch: mean (C,) and std (C,), float64; of K members C = K c.

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
class Moments(JointProbe):
    """Moments at every normalization site, and how far they moved since this trial's last measurement.

    Taken at W^t on the step's mini-batch, batch statistics and noise, before and after the normalization. One forward.
    A site that the forward does not call has no row; of one that it calls several times the last call counts.

    Args:
        previous: the last measurement of each site by its number, counted from 0 as `norm_sites` lists them. The one
            thing that a probe carries from step to step: make a new `Moments` for each trial.
    """

    previous: Mapping[int, SiteMoments] = field(default_factory=dict)

    def state_dict(self) -> dict[str, Any]:
        """Return the last measurement."""
        return {"previous": {site: _tensors(moments) for site, moments in self.previous.items()}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Put the last measurement where `state_dict` found another."""
        self.previous = {
            site: SiteMoments(UnitMoments(*tensors[:2]), UnitMoments(*tensors[2:]))
            for site, tensors in state["previous"].items()
        }

    def of_each(self, step: JointStep) -> list[list[Row]]:
        """Return one row per site: step, layer, layer_name, mean, std, their shifts, and the same with `pre_`."""
        ctx = step.whole
        sites, current = norm_sites(ctx.network), site_moments(ctx)
        previous, self.previous = self.previous, {**self.previous, **current}
        called = [(site, layer, name) for site, (layer, name, _) in enumerate(sites) if site in current]
        columns = [_columns(current[site], previous.get(site), step.members) for site, _, _ in called]
        return [
            [
                {"step": ctx.step, "layer": layer, "layer_name": name, **row}
                for (_, layer, name), row in zip(called, rows, strict=True)
            ]
            for rows in _read(columns, step.members)
        ]


def _tensors(moments: SiteMoments) -> list[Tensor]:
    return [tensor for unit in (moments.before, moments.after) for tensor in (unit.mean, unit.std)]


def site_moments(ctx: StepContext) -> dict[int, SiteMoments]:
    """Return the moments of every normalization site that is called, by its number."""
    measured: dict[int, SiteMoments] = {}
    with ExitStack() as hooks, torch.no_grad():
        for site, (_, _, module) in enumerate(norm_sites(ctx.network)):
            handle = module.register_forward_hook(partial(_measure, measured, site))
            hooks.callback(handle.remove)
        ctx.forward(ctx.params_before)
    return measured


def _measure(
    measured: dict[int, SiteMoments], site: int, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor
) -> None:
    """Measure a site's call while it is under way: what comes after may write over its output."""
    del module
    before = unit_moments(inputs[0])
    measured[site] = SiteMoments(before, before if output is inputs[0] else unit_moments(output))


def unit_moments(a: Tensor) -> UnitMoments:
    """Return the moments of a: (N, C), (N, C, H, W), or (K, F, N) as fully connected layers of members are joined.

    In float64, where no square overflows, and in two passes over parts that fit in the cache, which on a CPU takes less
    time than one pass over all of it in float32; `torch.std_mean` over these dimensions takes about ten times as long.
    """
    a = a.flatten(0, 1).t() if a.ndim == 3 else a
    num_values = a.numel() // a.shape[1]
    samples = max(1, BLOCK * len(a) // a.numel()) if a.device.type == "cpu" else len(a)
    dims, parts = batch_dims(a), torch.split(a, samples)
    mean = sum((part.double().sum(dims) for part in parts), start=_zeros(a)) / num_values
    squares = ((part.double() - per_channel(mean, part)).square_().sum(dims) for part in parts)
    return UnitMoments(mean, (sum(squares, start=_zeros(a)) / num_values).sqrt())


def _zeros(a: Tensor) -> Tensor:
    """Return a sum of nothing for each unit, (C,)."""
    return torch.zeros(a.shape[1], dtype=torch.float64, device=a.device)


Columns = dict[str, Tensor | None]
"""(K,) each."""


def _columns(now: SiteMoments, then: SiteMoments | None, members: int) -> Columns:
    after = _summary(now.after, None if then is None else then.after, members)
    before = _summary(now.before, None if then is None else then.before, members)
    return {**after, **{f"pre_{name}": value for name, value in before.items()}}


def _summary(now: UnitMoments, then: UnitMoments | None, members: int) -> Columns:
    return {
        "mean": of_each(now.mean, members).mean(1),
        "std": of_each(now.std, members).mean(1),
        "mean_shift": None if then is None else _rms(now.mean - then.mean, members),
        "std_shift": None if then is None else _rms(now.std - then.std, members),
    }


def _rms(change: Tensor, members: int) -> Tensor:
    return of_each(change.square(), members).mean(1).sqrt()


def _read(rows: Sequence[Columns], members: int) -> list[list[dict[str, float | None]]]:
    """Read the numbers of all rows of each member, at once, since reading waits for the device."""
    there = [value for row in rows for value in row.values() if value is not None]
    read = [iter(numbers) for numbers in torch.stack(there, 1).tolist()] if there else [iter(())] * members
    return [
        [{name: None if value is None else next(numbers) for name, value in row.items()} for row in rows]
        for numbers in read
    ]
