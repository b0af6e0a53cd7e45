"""`l1`, `l2`, `linf`: batch normalization by the average lp norm (Santurkar et al. 2018, section 4 and appendix)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bnsweep.norm.site import EPS, MOMENTUM, Normalization, NormSite, batch_dims, per_channel, with_digits


class LpBatchNorm(Normalization):
    """Subtract the batch mean of each channel and divide by the average lp norm of what is left.

    The paper does not give its formula; ours, per channel, over the samples and positions of the mini-batch:

        d = x - mean(x),    y = weight * d / (mean(|d|^p) + eps)^(1/p) + bias    for p = 1, 2
                            y = weight * d / (max |d| + eps) + bias              for p = inf

    so that p = 2 is `batch` in training. Evaluation puts running averages (momentum 0.1, from 0 and 1) in the place of
    mean(x) and of mean(|d|^p) or max |d|; unlike `batch`, p = 2 averages the biased variance.

    Args:
        site: the place; the input is (N, C) or (N, C, H, W).
        p: order of the norm: 1, 2 or inf.
    """

    running_mean: Tensor
    running_power: Tensor

    def __init__(self, site: NormSite, p: float) -> None:
        super().__init__()
        self.site, self.p, channels = site, p, site.channels
        self.momentum = MOMENTUM
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_power", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalized x, of the same shape; in training, move the running averages."""
        x = with_digits(x)
        if self.training:
            mean = x.mean(batch_dims(x))
            centred = x - per_channel(mean, x)
            power = self._power(centred)
            self._track(mean, power)
        else:
            centred = x - per_channel(self.running_mean, x)
            power = self.running_power
        return centred * per_channel(self.weight / self._root(power + EPS), x) + per_channel(self.bias, x)

    def _power(self, centred: Tensor) -> Tensor:
        """Return mean(|d|^p) per channel, or max |d|: shape (C,)."""
        dims = batch_dims(centred)
        if self.p == 1:
            return centred.abs().mean(dims)
        if self.p == 2:
            return centred.square().mean(dims)
        return centred.abs().amax(dims)

    def _root(self, power: Tensor) -> Tensor:
        return power.sqrt() if self.p == 2 else power

    @torch.no_grad()
    def _track(self, mean: Tensor, power: Tensor) -> None:
        self.running_mean.lerp_(mean, self.momentum)
        self.running_power.lerp_(power, self.momentum)

    def extra_repr(self) -> str:
        """Return what `print(model)` shows of this module."""
        return f"{self.weight.numel()}, p={self.p}"


def l1_norm(site: NormSite) -> LpBatchNorm:
    """Return division by the mean absolute deviation from the batch mean."""
    return LpBatchNorm(site, 1.0)


def l2_norm(site: NormSite) -> LpBatchNorm:
    """Return division by the root mean square deviation: batch normalization, written as an lp norm."""
    return LpBatchNorm(site, 2.0)


def linf_norm(site: NormSite) -> LpBatchNorm:
    """Return division by the largest deviation from the batch mean."""
    return LpBatchNorm(site, float("inf"))
