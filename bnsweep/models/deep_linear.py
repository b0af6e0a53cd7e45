"""Deep linear networks (Santurkar et al. 2018, section 3.1): layers without a nonlinearity between them."""

from __future__ import annotations

from torch import nn

from bnsweep.models.mlp import fully_connected
from bnsweep.models.staged import StagedModel
from bnsweep.spec import DeepLinearSpec


def deep_linear(
    spec: DeepLinearSpec, norm: str, input_shape: tuple[int, int, int], num_classes: int, noise_seed: int
) -> StagedModel:
    """Return stages hidden0, hidden1, ... of the given widths and linear, on flattened (C, H, W) samples.

    Each hidden layer has a normalization site behind it and nothing else; without normalization the whole is one linear
    map. With the default widths, on 10 features and 10 classes, it is the paper's: 25 square 10x10 layers. (The paper's
    have no bias; here every layer of every model has one.)

    Raises:
        InputError: a mode that cannot work on a fully connected layer of this width.
    """
    return fully_connected(spec.widths, nn.Identity, norm, input_shape, num_classes, noise_seed)
