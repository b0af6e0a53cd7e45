"""`weight`: weight normalization, a layer's weight as length and direction (Salimans & Kingma 2016, equation 2)."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

TransposedConv = nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d
WeightLayer = nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d | TransposedConv


class WeightNorm(nn.Module):
    """w = v g / ||v||, g and ||v|| one number per output unit: a row of a matrix, the filter of a channel.

    A parametrization (`torch.nn.utils.parametrize`): the layer's parameters are g and v in the place of its weight.
    Torch's own `weight_norm` does not give w's bits back where g = ||v||, and takes the wrong units in a transposed
    convolution, whose weight is (in, out / groups, ...).

    Args:
        layer: the layer whose weight is meant.
    """

    def __init__(self, layer: WeightLayer) -> None:
        super().__init__()
        self.shape, self.over = units(layer)

    def forward(self, g: Tensor, v: Tensor) -> Tensor:
        """Return w, of v's shape."""
        return (v.reshape(self.shape) * (g / self.length(v))).reshape(v.shape)

    def right_inverse(self, w: Tensor) -> tuple[Tensor, Tensor]:
        """Return g = ||w|| and v = w, with which a short gradient step moves w as if it were not normalized."""
        return self.length(w), w

    def length(self, v: Tensor) -> Tensor:
        """Return ||v|| of each output unit, shaped so that it broadcasts over the units."""
        length: Tensor = torch.linalg.vector_norm(v.reshape(self.shape), dim=self.over, keepdim=True)
        return length


def units(layer: WeightLayer) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the shape in which the layer's weight is seen unit by unit, and the dimensions that a unit fills."""
    first, *rest = layer.weight.shape
    if isinstance(layer, TransposedConv):
        return (layer.groups, first // layer.groups, *rest), (1, *range(3, 2 + len(rest)))
    return (first, *rest), tuple(range(1, 1 + len(rest)))


def normalize_weight(layer: WeightLayer) -> None:
    """Put g and v in the place of the layer's weight, whose value stays."""
    parametrize.register_parametrization(layer, "weight", WeightNorm(layer))


def weight_parameters(layer: WeightLayer) -> tuple[nn.Parameter, ...]:
    """Return the parameters that the layer's weight is made of: itself, v, or g and v."""
    if not parametrize.is_parametrized(layer, "weight"):
        return (cast("nn.Parameter", layer.weight),)
    return tuple(_parametrization(layer).parameters(recurse=False))


@torch.no_grad()
def set_weight(layer: WeightLayer, weight: Tensor) -> None:
    """Give the layer this weight, in place: v = weight, and g = ||weight|| in mode `weight`."""
    *length, direction = weight_parameters(layer)
    direction.copy_(weight)
    for g in length:
        g.copy_(cast("WeightNorm", _parametrization(layer)[0]).length(direction))


def _parametrization(layer: WeightLayer) -> parametrize.ParametrizationList:
    return cast("parametrize.ParametrizationList", cast("nn.ModuleDict", layer.parametrizations)["weight"])
