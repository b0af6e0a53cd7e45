"""Models: chains of stages, built without weights (`bnsweep.init.initialize` draws those)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bnsweep.errors import InputError, did_you_mean
from bnsweep.models.mlp import mlp
from bnsweep.models.staged import Stage, StagedModel, layers, stages
from bnsweep.models.vgg import vgg
from bnsweep.spec import ModelSpec

__all__ = ["MODELS", "Stage", "StagedModel", "build_model", "layers", "stages"]

MODELS: dict[str, Callable[[Any, str, tuple[int, int, int], int, int], StagedModel]] = {"vgg": vgg, "mlp": mlp}
"""Every model by its name in the sweep file."""


def build_model(
    model: ModelSpec, norm: str, input_shape: tuple[int, int, int], num_classes: int, noise_seed: int
) -> StagedModel:
    """Return the model with its weights at zero and every random stream untouched.

    Every layer has a bias in every mode, so that two modes have the same layers with the same shapes.

    Args:
        model: which model, and its widths.
        norm: the normalization mode.
        input_shape: (C, H, W) of an image.
        num_classes: length of the logits.
        noise_seed: seed of the noise of `noisy_batch`.

    Raises:
        InputError: no such model or mode, or sizes that do not fit together.
    """
    if model.name not in MODELS:
        raise InputError(f"model.name: given {model.name!r}; {did_you_mean(model.name, MODELS)}")
    return MODELS[model.name](model, norm, input_shape, num_classes, noise_seed)
