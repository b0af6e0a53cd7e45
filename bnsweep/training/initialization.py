"""Initial weights: drawn per layer from the seed, then times the gain.

The draw depends on the seed, the layer's number and its shape alone. So trials that differ in normalization mode, gain
or learning rate start from the same weights, up to the gain.

So do trials that differ in initializer, as far as its draw is the same: `default`, `kaiming_uniform` and
`xavier_uniform` are one draw of uniform numbers times 1, sqrt(6) and sqrt(6 fan_in / (fan_in + fan_out)) over
sqrt(fan_in), `kaiming_normal` and `xavier_normal` one of normal numbers, and `orthogonal` one of its own. They are
paired, and scales of one draw more than initializers: `analysis.measures.scales` counts them as such.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt

import torch
from torch import Tensor, nn

from bnsweep.errors import InputError, did_you_mean
from bnsweep.models import Network, WeightLayer, layers
from bnsweep.norm.weight import set_weight
from bnsweep.rng import derive

Draw = Callable[[Tensor, torch.Generator], Tensor]
LayerDraw = Callable[[str, int, int, torch.Size, int], tuple[Tensor, Tensor]]


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
    fill([layer for _, layer in layers(network)], init, gain, seed)


@torch.no_grad()
def fill(
    weight_layers: Sequence[WeightLayer], init: str, gain: float, seed: int, draw: LayerDraw | None = None
) -> None:
    """Fill the weights and biases of all weight layers of a network, as `initialize` does.

    `draw` may remember what `draw_layer` gave.
    """
    for i, layer in enumerate(weight_layers):
        num_biases = 0 if layer.bias is None else len(layer.bias)
        weight, bias = (draw or draw_layer)(init, seed, i, layer.weight.shape, num_biases)
        set_weight(layer, weight * gain)
        if layer.bias is not None:
            layer.bias.copy_(bias)


def draw_layer(init: str, seed: int, number: int, shape: torch.Size, num_biases: int) -> tuple[Tensor, Tensor]:
    """Return the weight, before the gain, and the biases of the weight layer of this number and shape."""
    generator = torch.Generator().manual_seed(derive(seed, "weights", number))
    weight, bias = INITS[init](torch.empty(shape), generator), torch.zeros(num_biases)
    if init == "default":
        bound = 1 / sqrt(shape[1:].numel())
        bias.uniform_(-bound, bound, generator=generator)
    return weight, bias
