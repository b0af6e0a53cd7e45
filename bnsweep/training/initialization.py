"""Initial weights: drawn per layer from the seed, then times the gain.

The draw depends on the seed, the layer's number and its shape alone. So trials that differ in normalization mode, gain
or learning rate start from the same weights, up to the gain.

So do trials that differ in initializer, as far as its draw is the same: `default`, `kaiming_uniform` and
`xavier_uniform` are one draw of uniform numbers times 1, sqrt(6) and sqrt(6 fan_in / (fan_in + fan_out)) over
sqrt(fan_in), `kaiming_normal` and `xavier_normal` one of normal numbers, and `orthogonal` one of its own. They are
paired, and scales of one draw more than initializers: `analysis.measures.scales` counts them as such.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

import torch
from torch import Tensor, nn

from bnsweep.errors import InputError, did_you_mean
from bnsweep.models import Network, WeightLayer, layers
from bnsweep.norm.weight import set_weight
from bnsweep.rng import derive

Draw = Callable[[Tensor, torch.Generator], Tensor]


def _default(weight: Tensor, generator: torch.Generator) -> Tensor:
    return nn.init.kaiming_uniform_(weight, a=sqrt(5), generator=generator)


def _xavier_uniform(weight: Tensor, generator: torch.Generator) -> Tensor:
    return nn.init.xavier_uniform_(weight, generator=generator)


def _xavier_normal(weight: Tensor, generator: torch.Generator) -> Tensor:
    return nn.init.xavier_normal_(weight, generator=generator)


def _kaiming_uniform(weight: Tensor, generator: torch.Generator) -> Tensor:
    return nn.init.kaiming_uniform_(weight, nonlinearity="relu", generator=generator)


def _kaiming_normal(weight: Tensor, generator: torch.Generator) -> Tensor:
    return nn.init.kaiming_normal_(weight, nonlinearity="relu", generator=generator)


def _orthogonal(weight: Tensor, generator: torch.Generator) -> Tensor:
    return nn.init.orthogonal_(weight, generator=generator)


INITS: dict[str, Draw] = {
    "default": _default,
    "xavier_uniform": _xavier_uniform,
    "xavier_normal": _xavier_normal,
    "kaiming_uniform": _kaiming_uniform,
    "kaiming_normal": _kaiming_normal,
    "orthogonal": _orthogonal,
}
"""Every initializer by its name in the sweep file: fills a weight tensor from a generator."""


@torch.no_grad()
def initialize(network: Network, init: str, gain: float, seed: int) -> None:
    """Fill the weights and biases of every weight layer; all other parameters are left as they are.

    `default` is PyTorch's own: U(-1/sqrt(fan_in), 1/sqrt(fan_in)) for weights and biases, of which the gain scales the
    weights. `kaiming_*` are for ReLU, by fan_in. Every initializer but `default` sets biases to zero. Weights are drawn
    on the CPU in float32 whatever the model's device and dtype.

    Args:
        network: the model; its parameters are overwritten in place.
        init: name of the initializer.
        gain: factor on the weights.
        seed: seed of the draw; no global random stream is touched.

    Raises:
        InputError: no such initializer.
    """
    if init not in INITS:
        raise InputError(f"init: given {init!r}; {did_you_mean(init, INITS)}")
    for i, (_, layer) in enumerate(layers(network)):
        generator = torch.Generator().manual_seed(derive(seed, "weights", i))
        set_weight(layer, INITS[init](torch.empty(layer.weight.shape), generator) * gain)
        if layer.bias is not None:
            layer.bias.copy_(_bias(layer, layer.bias, init, generator))


def _bias(layer: WeightLayer, bias: Tensor, init: str, generator: torch.Generator) -> Tensor:
    if init != "default":
        return torch.zeros(bias.shape)
    bound = 1 / sqrt(layer.weight[0].numel())
    return torch.empty(bias.shape).uniform_(-bound, bound, generator=generator)
