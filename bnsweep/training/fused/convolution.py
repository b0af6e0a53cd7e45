"""Convolutions of K members as one grouped one.

Shapes: B samples of a mini-batch, C inputs and O outputs of a member, P positions of the outputs, R x S of the kernel.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.grad import conv2d_input

from bnsweep.probes.members import by_member

MAX_POSITIONS = 4
"""Positions of the outputs up to which the gradient of the weight is a product of matrices."""
Pair = tuple[int, int]


class JoinedConvolution(nn.Conv2d):
    """A convolution of each member: (B, K C, H, W) to (B, K O, H', W').

    On a CPU oneDNN takes long for the gradient of the weight where maps are small, longer yet with channels last: of 16
    members with 32 to 64 channels and 2 x 2 positions 1.2 ms each, and 0.3 by a product of matrices, with the copy of
    the windows that it takes. From 4 x 4 positions on the copy takes as long as is gained.
    """

    def __init__(self, members: Sequence[nn.Module]) -> None:
        layer, count = cast("nn.Conv2d", members[0]), len(members)
        kernel, stride, padding = (cast("Pair", pair) for pair in (layer.kernel_size, layer.stride, layer.padding))
        super().__init__(
            count * layer.in_channels, count * layer.out_channels, kernel, stride, padding, groups=count, device="meta"
        )
        self._pads, self._strides = padding, stride

    def forward(self, x: Tensor) -> Tensor:
        """Return each member's outputs."""
        sizes = zip(x.shape[2:], self._pads, self.kernel_size, self._strides, strict=True)
        height, width = ((size + 2 * pad - kernel) // stride + 1 for size, pad, kernel, stride in sizes)
        if x.device.type != "cpu" or height * width > MAX_POSITIONS:
            return super().forward(x)
        output: Tensor = OfSmallMaps.apply(x, self.weight, self.bias, self._strides, self._pads, self.groups)
        return output


class OfSmallMaps(torch.autograd.Function):
    """A grouped convolution with a bias, the gradient of whose weight is a product of matrices for each group."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, stride: Pair, padding: Pair, groups: int) -> Tensor:
        """Return the outputs, (B, K O, H', W')."""
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.padding, ctx.groups = stride, padding, groups
        return F.conv2d(x, weight, bias, stride, padding, groups=groups)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of x, weight and bias, in the precision of that of the outputs."""
        (gradient,) = gradients
        x, weight = (saved.to(gradient.dtype) for saved in ctx.saved_tensors)
        of_x = conv2d_input(x.shape, weight, gradient, ctx.stride, ctx.padding, groups=ctx.groups)  # type: ignore[no-untyped-call]  # torch's own
        by_position = gradient.permute(0, 2, 3, 1).flatten(0, 2)  # (B P, K O)
        of_outputs = by_member(by_position, 1, ctx.groups).permute(1, 2, 0)  # (K, O, B P)
        windows = _windows(x, weight.shape, ctx.stride, ctx.padding, ctx.groups)
        of_weight = torch.bmm(of_outputs, windows).view(len(weight), *weight.shape[2:], -1).permute(0, 3, 1, 2)
        return of_x, of_weight, by_position.sum(0), None, None, None


def _windows(x: Tensor, weight: torch.Size, stride: Pair, padding: Pair, groups: int) -> Tensor:
    """Return what each position of the outputs sees of its group's inputs, (K, B P, R S C)."""
    _, channels, height, width = weight
    top, left = padding
    padded = F.pad(x.permute(0, 2, 3, 1), (0, 0, left, left, top, top))
    each = padded.unfold(1, height, stride[0]).unfold(2, width, stride[1])  # (B, H', W', K C, R, S)
    by_group = by_member(each, 3, groups).permute(3, 0, 1, 2, 5, 6, 4)
    return by_group.reshape(groups, -1, height * width * channels)
