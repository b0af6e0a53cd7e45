"""`dyt`: dynamic tanh in the place of a normalization (Zhu et al. 2025, "Transformers without Normalization")."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bnsweep.norm.site import Normalization, NormSite, per_channel

ALPHA = 0.5
"""Where alpha starts: the authors' value for all but language models."""


class DynamicTanh(Normalization):
    """y = weight * tanh(alpha x) + bias, alpha one trained number for the site, which starts at 0.5.

    No statistics are taken: every entry goes its own way, so it works at any site and any batch size. Where alpha x is
    small it is weight alpha x + bias: mode `none` with a gain and a shift per channel.

    Args:
        site: the place; the input is (N, C) or (N, C, H, W).
    """

    def __init__(self, site: NormSite) -> None:
        super().__init__()
        self.site = site
        self.alpha = nn.Parameter(torch.full((1,), ALPHA))
        self.weight = nn.Parameter(torch.ones(site.channels))
        self.bias = nn.Parameter(torch.zeros(site.channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return the squashed x, of the same shape."""
        return per_channel(self.weight, x) * torch.tanh(self.alpha * x) + per_channel(self.bias, x)

    def extra_repr(self) -> str:
        """Return what `print(model)` shows of this module."""
        return str(self.weight.numel())
