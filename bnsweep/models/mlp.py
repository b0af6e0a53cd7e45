"""Fully connected layers with a normalization site before each ReLU."""

from __future__ import annotations

from math import prod

from torch import nn

from bnsweep.models.staged import Stage, StagedModel, linear
from bnsweep.norm import NormSite, build_norm
from bnsweep.spec import MlpSpec


def mlp(spec: MlpSpec, norm: str, input_shape: tuple[int, int, int], num_classes: int, noise_seed: int) -> StagedModel:
    """Return stages hidden0, hidden1, ... of the given widths and linear, on flattened (C, H, W) images.

    Raises:
        InputError: a mode that cannot work on a fully connected layer of this width.
    """
    features = prod(input_shape)
    built: dict[str, Stage] = {}
    for i, width in enumerate(spec.widths):
        site = NormSite(channels=width, spatial=None, index=i, noise_seed=noise_seed)
        before = nn.Flatten() if i == 0 else None
        built[f"hidden{i}"] = Stage(linear(features, width), build_norm(norm, site), before, nn.ReLU())
        features = width
    built["linear"] = Stage(linear(features, num_classes))
    return StagedModel(built)
