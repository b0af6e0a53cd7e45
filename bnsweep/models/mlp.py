"""Fully connected layers with a normalization site before each nonlinearity."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

from torch import nn

from bnsweep.models.sites import Sites
from bnsweep.models.staged import Stage, StagedModel, linear
from bnsweep.spec import MlpSpec

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh}


def mlp(spec: MlpSpec, norm: str, input_shape: tuple[int, int, int], num_classes: int, noise_seed: int) -> StagedModel:
    """Return stages hidden0, hidden1, ... of the given widths and linear, on flattened (C, H, W) images.

    Raises:
        InputError: a mode that cannot work on a fully connected layer of this width.
    """
    return fully_connected(spec.widths, ACTIVATIONS[spec.activation], norm, input_shape, num_classes, noise_seed)


def fully_connected(
    widths: Sequence[int],
    nonlinearity: Callable[[], nn.Module],
    norm: str,
    input_shape: tuple[int, int, int],
    num_classes: int,
    noise_seed: int,
) -> StagedModel:
    """Return stages hidden0, hidden1, ...: a layer, its normalization and the nonlinearity each; and linear."""
    sites, features = Sites(norm, noise_seed), prod(input_shape)
    built: dict[str, Stage] = {}
    for i, width in enumerate(widths):
        before = nn.Flatten() if i == 0 else None
        built[f"hidden{i}"] = Stage(linear(features, width), sites(width, None), before, nonlinearity())
        features = width
    built["linear"] = Stage(linear(features, num_classes))
    return StagedModel(built)
