"""Layers of K members as one, where PyTorch's own would not keep the members apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from bnsweep.models.resnet import Shortcut
from bnsweep.norm.dyt import DynamicTanh
from bnsweep.norm.rms import RmsNorm
from bnsweep.norm.site import EPS, NormSite, per_channel
from bnsweep.probes.members import by_member

Members = Sequence[nn.Module]


class JoinedLinear(nn.Linear):
    """A fully connected layer of each member: (K, I, B) to (K, O, B)."""

    def __init__(self, members: Members) -> None:
        layer = cast("nn.Linear", members[0])
        super().__init__(layer.in_features, len(members) * layer.out_features, device="meta")
        self.members = len(members)

    def forward(self, x: Tensor) -> Tensor:
        """Return each member's outputs."""
        weight, bias = by_member(self.weight, 0, self.members), by_member(self.bias, 0, self.members).unsqueeze(2)
        return torch.baddbmm(bias, weight, x)


class JoinedFlatten(nn.Module):
    """(B, K C, H, W) to (K, C H W, B)."""

    def __init__(self, members: Members) -> None:
        super().__init__()
        self.members = len(members)

    def forward(self, x: Tensor) -> Tensor:
        """Return each member's features, the samples last."""
        return by_member(x.flatten(1).t().contiguous(), 0, self.members)


class JoinedPool(JoinedFlatten):
    """(B, K C, H, W) to (K, C, B): the mean over positions."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the mean of x over H and W."""
        return super().forward(x.mean((2, 3)))


class JoinedShortcut(Shortcut):
    """Each member's channels with its own zeros behind them."""

    def __init__(self, members: Members) -> None:
        shortcut = cast("Shortcut", members[0])
        super().__init__(shortcut.stride, shortcut.added)
        self.members = len(members)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, K (C + added), H / stride, W / stride) of x (B, K C, H, W)."""
        each = super().forward(by_member(x, 1, self.members).flatten(0, 1))
        return each.view(len(x), -1, *each.shape[2:])


class OverBatch(nn.Module):
    """A mode whose statistics are each channel's over the mini-batch, on (K, F, B): those of maps (1, K F, B)."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalized x, of the same shape."""
        output: Tensor = self.norm(x.reshape(1, -1, x.shape[2]))
        return output.view(x.shape)


class OverFeatures(nn.Module):
    """A mode whose statistics are each sample's over its features, on (K, F, B): those of (B, K F)."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalized x, of the same shape."""
        output: Tensor = self.norm(x.flatten(0, 1).t())
        return by_member(output.t(), 0, len(x))


class JoinedRms(RmsNorm):
    """Division of each member's sample by its root mean square, (B, K C) or (B, K C, H, W)."""

    def __init__(self, site: NormSite, members: int) -> None:
        super().__init__(site)
        self.members = members

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalized x, of the same shape."""
        each = by_member(x, 1, self.members)
        power = each.square().mean(tuple(range(2, each.ndim)), keepdim=True)
        normalized = (each * (power + EPS).rsqrt()).flatten(1, 2)
        return normalized * per_channel(self.weight, x) + per_channel(self.bias, x)


class JoinedTanh(DynamicTanh):
    """Dynamic tanh with an alpha for each member."""

    def __init__(self, site: NormSite, members: int) -> None:
        super().__init__(site)
        self.alpha = nn.Parameter(torch.empty(members))
        self.members = members

    def forward(self, x: Tensor) -> Tensor:
        """Return the squashed x, of the same shape."""
        alpha = self.alpha.repeat_interleave(x.shape[1] // self.members)
        return per_channel(self.weight, x) * torch.tanh(per_channel(alpha, x) * x) + per_channel(self.bias, x)
