"""`rms`: division by the root mean square of a sample, without taking its mean away (Zhang & Sennrich 2019)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bnsweep.norm.site import EPS, Normalization, NormSite, per_channel, with_digits


class RmsNorm(Normalization):
    """y = weight * x / sqrt(mean(x^2) + eps) + bias, the mean over (C, H, W) of each sample.

    `torch.nn.RMSNorm` has a gain per element and no shift; here both are per channel, as in the other modes, so that
    modes differ in what they normalize and in nothing else.

    Args:
        site: the place; the input is (N, C) or (N, C, H, W).
    """

    def __init__(self, site: NormSite) -> None:
        super().__init__()
        self.site = site
        self.weight = nn.Parameter(torch.ones(site.channels))
        self.bias = nn.Parameter(torch.zeros(site.channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalized x, of the same shape."""
        x = with_digits(x)
        power = x.square().mean(tuple(range(1, x.ndim)), keepdim=True)
        return x * (power + EPS).rsqrt() * per_channel(self.weight, x) + per_channel(self.bias, x)

    def extra_repr(self) -> str:
        """Return what `print(model)` shows of this module."""
        return str(self.weight.numel())


def rms_norm(site: NormSite) -> RmsNorm:
    """Return division of each sample by its root mean square over (C, H, W)."""
    site.require_many("rms", site.channels * site.positions, "value per sample", use="batch", least=2)
    return RmsNorm(site)
