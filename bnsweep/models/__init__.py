"""Models: chains of stages built without weights (initialization draws those), and the user's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bnsweep.errors import InputError, did_you_mean
from bnsweep.models.chain import LayerView, Split, StageView, split
from bnsweep.models.custom import custom
from bnsweep.models.deep_linear import deep_linear
from bnsweep.models.describe import describe_split
from bnsweep.models.layers import layers, norm_sites
from bnsweep.models.mlp import mlp
from bnsweep.models.network import Network
from bnsweep.models.resnet import resnet
from bnsweep.models.staged import Stage, StagedModel
from bnsweep.models.torchvision import torchvision_model
from bnsweep.models.transformer import transformer
from bnsweep.models.vgg import vgg
from bnsweep.models.weight_norm import normalize_weights
from bnsweep.norm import WEIGHTS
from bnsweep.norm.weight import WeightLayer
from bnsweep.spec import CUSTOM, CustomSpec, ModelSpec, TorchvisionModelSpec
from bnsweep.spec.section import TORCHVISION

__all__ = [
    "MODELS",
    "LayerView",
    "Network",
    "Split",
    "Stage",
    "StageView",
    "StagedModel",
    "WeightLayer",
    "build_model",
    "describe_split",
    "layers",
    "norm_sites",
    "split",
]

MODELS: dict[str, Callable[[Any, str, tuple[int, int, int], int, int], StagedModel]] = {
    "vgg": vgg,
    "mlp": mlp,
    "deep_linear": deep_linear,
    "resnet": resnet,
    "transformer": transformer,
}
"""Every model by its name in the sweep file."""


def build_model(
    model: ModelSpec, norm: str, input_shape: tuple[int, int, int], num_classes: int, noise_seed: int
) -> Network:
    """Return the model, on the CPU, with every global random stream untouched.

    Ours have their weights at zero, and a bias in every layer in every mode, so that two modes have the same layers
    with the same shapes; a user's is as its callable built it, and torchvision's as torchvision does. In modes `weight`
    and `weight_standardization` layers with a site have g and v, or v, in the place of their weight.

    Args:
        model: which model, and its widths or options.
        norm: the normalization mode.
        input_shape: (C, H, W) of a sample.
        num_classes: length of the logits.
        noise_seed: seed of the noise of `noisy_batch`, and of what a user's model draws while it is built.

    Raises:
        InputError: no such model or mode, sizes that do not fit together, or a user's model that cannot be used.
    """
    if isinstance(model, CustomSpec):
        network = custom(model, norm, input_shape, num_classes, noise_seed)
    elif isinstance(model, TorchvisionModelSpec):
        network = torchvision_model(model, norm, input_shape, num_classes, noise_seed)
    elif model.name in MODELS:
        network = Network(MODELS[model.name](model, norm, input_shape, num_classes, noise_seed))
    else:
        names = [*MODELS, CUSTOM, TORCHVISION]
        raise InputError(f"model.name: given {model.name!r}; {did_you_mean(model.name, names)}")
    if norm in WEIGHTS:
        normalize_weights(network, norm)
    return network
