"""A model as a chain of stages: the form in which the probes can take it apart."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn

Layer = TypeVar("Layer", nn.Conv2d, nn.Linear)


class Stage(nn.Module):
    """before -> layer -> norm -> after, with one weight layer.

    Args:
        layer: the stage's one weight layer.
        norm: normalization of the layer's output; what it returns enters the nonlinearity. None in a last stage.
        before: what the input needs first: flattening, or a pooling in front of the first convolution.
        after: the nonlinearity and any poolings behind it.
    """

    def __init__(
        self,
        layer: nn.Conv2d | nn.Linear,
        norm: nn.Module | None = None,
        before: nn.Module | None = None,
        after: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.before = before or nn.Identity()
        self.layer = layer
        self.norm = norm
        self.after = after or nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Return the next stage's input."""
        x = self.layer(self.before(x))
        if self.norm is not None:
            x = self.norm(x)
        output: Tensor = self.after(x)
        return output


class StagedModel(nn.Module):
    """Stages run in order: (N, C, H, W) images to (N, num_classes) logits.

    Args:
        stages: the stages by name, first to last, each a function of the output of the one before alone: a `Stage`, or
            a block of several layers.
    """

    def __init__(self, stages: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.stages = nn.Sequential(OrderedDict(stages))

    def forward(self, x: Tensor) -> Tensor:
        """Return the last stage's output."""
        logits: Tensor = self.stages(x)
        return logits


def conv3x3(in_channels: int, out_channels: int, stride: int = 1) -> nn.Conv2d:
    """Return a 3x3 convolution with bias, all zeros until `bnsweep.training.initialization.initialize` fills it.

    It divides H and W by the stride, rounding up.
    """
    return _zeroed(nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, device="meta"))


def convolution(in_channels: int, out_channels: int, size: int) -> nn.Conv2d:
    """Return a convolution of patches of size x size pixels, side by side, all zeros and with bias as the others."""
    return _zeroed(nn.Conv2d(in_channels, out_channels, kernel_size=size, stride=size, device="meta"))


def linear(in_features: int, out_features: int) -> nn.Linear:
    """Return a linear layer with bias, all zeros until `bnsweep.training.initialization.initialize` fills it."""
    return _zeroed(nn.Linear(in_features, out_features, device="meta"))


@torch.no_grad()
def _zeroed(layer: Layer) -> Layer:
    """Give a layer built on the meta device, which drew no random numbers for it, its memory."""
    layer = layer.to_empty(device="cpu")
    for parameter in layer.parameters():
        parameter.zero_()
    return layer
