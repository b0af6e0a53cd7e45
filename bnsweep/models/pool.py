"""Poolings of the models: quick where no gradient is asked for."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class HalvingMaxPool(nn.Module):
    """2x2 max pooling, (N, C, H, W) to (N, C, H // 2, W // 2): the values and gradients of `nn.MaxPool2d(2)`.

    On the CPU torch's takes as long as a convolution, because it also finds where the maximum was, which only a
    backward needs. Without one, two elementwise maxima take a fifteenth of that: evaluations gain, and the ICS probe's
    prefix. Where both zeros are in a window the sign of the result may differ, which no later number depends on.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return the largest value of each 2x2 window; a last odd row or column is left out."""
        if x.device.type != "cpu" or (torch.is_grad_enabled() and x.requires_grad):
            return F.max_pool2d(x, 2)
        height, width = x.shape[2] // 2 * 2, x.shape[3] // 2 * 2
        rows = torch.maximum(x[:, :, 0:height:2], x[:, :, 1:height:2])
        return torch.maximum(rows[..., 0:width:2], rows[..., 1:width:2])


class GlobalAveragePool(nn.Module):
    """(N, C, H, W) to (N, C): the mean over positions."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the mean of x over H and W."""
        return x.mean((2, 3))
