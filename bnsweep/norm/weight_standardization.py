"""`weight_standardization`: weights of mean 0 and variance 1, and group normalization (Qiao et al. 2019)."""

from __future__ import annotations

from math import prod

from torch import Tensor, nn
from torch.nn.utils import parametrize

from bnsweep.errors import InputError
from bnsweep.norm.group import GroupNorm, grouped
from bnsweep.norm.site import WORDS, NormSite
from bnsweep.norm.weight import WeightLayer, units

EPS_OF_WEIGHTS = 1e-10
"""Under the root: the square of the 1e-5 that the authors' code adds beside it, where a constant filter would have no
gradient."""


class WeightStandardization(nn.Module):
    """w = (v - mean(v)) / sqrt(var(v) + eps), mean and variance of the n weights of each output unit (equation 5).

    A parametrization: the layer's parameter is v in the place of its weight. w does not depend on v's length, so
    `init_gain` acts as in mode `weight` with g held: on the learning rate alone. It is sqrt(n) (v - mean(v)) /
    ||v - mean(v)||, `weight` with v centred and g held at sqrt(n).

    Args:
        layer: the layer whose weight is meant.
    """

    def __init__(self, layer: WeightLayer) -> None:
        super().__init__()
        self.shape, self.over = units(layer)

    def forward(self, v: Tensor) -> Tensor:
        """Return w, of v's shape."""
        centred = v.reshape(self.shape)
        centred = centred - centred.mean(self.over, keepdim=True)
        variance = centred.square().mean(self.over, keepdim=True)
        return (centred * (variance + EPS_OF_WEIGHTS).rsqrt()).reshape(v.shape)


def weight_standardization(site: NormSite) -> GroupNorm:
    """Return what follows the layer: group normalization, as in the paper.

    The mode is `group` where each unit's weights have mean 0 and variance 1 already.
    """
    return grouped(site, "weight_standardization")


def standardize_weight(layer: WeightLayer) -> None:
    """Put v in the place of the layer's weight, whose value becomes v.

    Raises:
        InputError: a unit has one weight, of which nothing would be left, or two, of which only signs would.
    """
    shape, over = units(layer)
    if (weights := prod(shape[dim] for dim in over)) in WORDS:
        raise InputError(
            f"norm: weight_standardization needs more than two weights per output unit, but {layer} has "
            f"{WORDS[weights]}; use group"
        )
    parametrize.register_parametrization(layer, "weight", WeightStandardization(layer))
