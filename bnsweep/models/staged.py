"""A model as a chain of stages with one weight layer each: the form in which the probes can take it apart."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn

WeightLayer = nn.Conv2d | nn.Linear

Layer = TypeVar("Layer", nn.Conv2d, nn.Linear)


class Stage(nn.Module):
    """before -> layer -> norm -> after.

    Args:
        layer: the stage's one weight layer.
        norm: normalization of the layer's output; what it returns enters the nonlinearity. None in a last stage.
        before: what the input needs first: flattening, or a pooling in front of the first convolution.
        after: the nonlinearity and any poolings behind it.
    """

    def __init__(
        self,
        layer: WeightLayer,
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
        stages: the stages by name, first to last; layer i of the tables is the i-th.
    """

    def __init__(self, stages: Mapping[str, Stage]) -> None:
        super().__init__()
        self.stages = nn.Sequential(OrderedDict(stages))

    def forward(self, x: Tensor) -> Tensor:
        """Return the last stage's output."""
        logits: Tensor = self.stages(x)
        return logits


def stages(model: StagedModel) -> list[tuple[str, Stage]]:
    """Return every stage with its name, first to last."""
    return [(name, stage) for name, stage in model.stages.named_children() if isinstance(stage, Stage)]


def layers(model: StagedModel) -> list[tuple[str, WeightLayer]]:
    """Return the weight layer of every stage with the stage's name, first to last."""
    return [(name, stage.layer) for name, stage in stages(model)]


def conv3x3(in_channels: int, out_channels: int) -> nn.Conv2d:
    """Return a 3x3 convolution that keeps H and W, with bias, all zeros until `bnsweep.init.initialize` fills it."""
    return _zeroed(nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1, device="meta"))


def linear(in_features: int, out_features: int) -> nn.Linear:
    """Return a linear layer with bias, all zeros until `bnsweep.init.initialize` fills it."""
    return _zeroed(nn.Linear(in_features, out_features, device="meta"))


@torch.no_grad()
def _zeroed(layer: Layer) -> Layer:
    """Give a layer built on the meta device, which drew no random numbers for it, its memory."""
    layer = layer.to_empty(device="cpu")
    for parameter in layer.parameters():
        parameter.zero_()
    return layer
