"""torchvision's classification models, with the trial's mode in the place of their normalizations."""

from __future__ import annotations

import copy
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from bnsweep.errors import InputError
from bnsweep.models.network import Network, recorded_calls
from bnsweep.models.sites import Sites
from bnsweep.rng import derive, seeded
from bnsweep.spec import TorchvisionModelSpec
from bnsweep.spec.section import TORCHVISION_PREFIX

KEY = "model.name"
CPU = torch.device("cpu")
NORMS = nn.BatchNorm2d, nn.LayerNorm
"""What torchvision's models normalize by; a `LayerNorm2d` is one of the second kind."""


@dataclass
class Survey:
    """What a forward of a model tells of it.

    Args:
        calls: the number of each module's first call, by its path.
        shapes: the shape of what enters each of its normalizations, by path, in the order of the calls.
    """

    calls: dict[str, int] = field(default_factory=dict)
    shapes: dict[str, torch.Size] = field(default_factory=dict)


def torchvision_model(
    spec: TorchvisionModelSpec, norm: str, input_shape: tuple[int, int, int], num_classes: int, noise_seed: int
) -> Network:
    """Return torchvision's model for C channels and so many classes, untrained, its normalizations replaced.

    What its layers are not made of (tokens, positions, attention's input projection) is as torchvision draws it, from a
    stream of the trial's seed. Auxiliary heads are left out. The first convolution takes as many channels as the data
    have; a vision transformer is built for images of this size.

    Raises:
        InputError: it cannot work with images of this size, has no normalization to replace, or a mode cannot work at
            the size of a site.
    """
    with seeded(derive(noise_seed, "build"), CPU):
        model = _built(spec, input_shape, num_classes)
        survey = surveyed(model, spec, input_shape)
    if not survey.shapes and norm != "none":
        raise InputError(f"{KEY}: {spec.name} has no normalization that {norm} could take the place of; give norm none")
    replace_norms(model, survey, Sites(norm, noise_seed))
    return Network(model, survey.calls)


def _built(spec: TorchvisionModelSpec, input_shape: tuple[int, int, int], num_classes: int) -> nn.Module:
    """Return the model as torchvision builds it, but for the channels that it takes.

    Raises:
        InputError: torchvision does not build it for images of this size.
    """
    from torchvision import models  # slow to load

    channels, *size = input_shape
    build = getattr(models, spec.name.removeprefix(TORCHVISION_PREFIX))
    options = _options(spec, size)
    try:
        model: nn.Module = build(weights=None, num_classes=num_classes, **options)
    except ValueError as error:
        raise _unfit(spec, size, error) from error
    path, first = next((path, layer) for path, layer in model.named_modules() if isinstance(layer, nn.Conv2d))
    if first.in_channels != channels:
        shape: dict[str, Any] = {name: getattr(first, name) for name in ("kernel_size", "stride", "padding")}
        model.set_submodule(path, nn.Conv2d(channels, first.out_channels, **shape, bias=first.bias is not None))
    return model


def _options(spec: TorchvisionModelSpec, size: list[int]) -> dict[str, Any]:
    """Return what builds the model without auxiliary heads and for images of this size (H, W)."""
    name = spec.name.removeprefix(TORCHVISION_PREFIX)
    if name in ("googlenet", "inception_v3"):
        return {"aux_logits": False, "init_weights": False}
    if name == "maxvit_t":
        return {"input_size": tuple(size)}
    if not name.startswith("vit_"):
        return {}
    patch = int(name.rpartition("_")[2])
    if size[0] != size[1] or size[0] % patch:
        reason = f"it takes squares whose side is a multiple of {patch} pixels"
        raise _unfit(spec, size, reason)
    return {"image_size": size[0]}


def _unfit(spec: TorchvisionModelSpec, size: list[int], reason: object) -> InputError:
    said = " ".join(str(reason).split())
    return InputError(f"{KEY}: {spec.name} cannot work on images of {size[0]}x{size[1]} pixels: {said}")


def surveyed(model: nn.Module, spec: TorchvisionModelSpec, input_shape: tuple[int, int, int]) -> Survey:
    """Return what the model calls in train mode on two samples, without computing anything.

    Raises:
        InputError: it fails.
    """
    survey, twin = Survey(), _without_memory(model).train()
    with ExitStack() as hooks:
        survey.calls = hooks.enter_context(recorded_calls(twin))
        for path, module in twin.named_modules():
            if isinstance(module, NORMS):
                hooks.callback(module.register_forward_pre_hook(partial(_note, survey.shapes, path)).remove)
        try:
            twin(torch.empty((2, *input_shape), device="meta"))
        except (RuntimeError, ValueError) as error:
            raise _unfit(spec, list(input_shape[1:]), error) from error
    return survey


def _without_memory(model: nn.Module) -> nn.Module:
    """Return a copy of the model on the meta device."""
    buffers = {id(buffer): torch.empty_like(buffer, device="meta") for buffer in model.buffers()}
    parameters = {id(w): nn.Parameter(torch.empty_like(w, device="meta")) for w in model.parameters()}
    return copy.deepcopy(model, {**buffers, **parameters})


def _note(shapes: dict[str, torch.Size], path: str, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    del module
    shapes.setdefault(path, inputs[0].shape)


def replace_norms(model: nn.Module, survey: Survey, sites: Sites) -> None:
    """Put the trial's mode in the place of each normalization, in the order of the forward.

    A batch normalization of maps becomes a site of maps; a layer normalization, which is over the features of each
    position, a site of tokens.
    """
    from torchvision.models.convnext import LayerNorm2d

    for path, shape in survey.shapes.items():
        replaced = model.get_submodule(path)
        if isinstance(replaced, nn.BatchNorm2d):
            site = sites(shape[1], (shape[2], shape[3]))
        elif isinstance(replaced, LayerNorm2d):
            site = sites.of_tokens(shape[1], prod(shape[2:]), dim=1)
        else:
            site = sites.of_tokens(shape[-1], prod(shape[1:-1]))
        model.set_submodule(path, site)
