"""A model of the user's own: built by their callable, checked before anything is trained."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from bnsweep.error_texts import own_line
from bnsweep.errors import InputError
from bnsweep.models.layers import weight_layers
from bnsweep.models.network import Network, recorded_calls
from bnsweep.models.sites import Sites
from bnsweep.norm import set_step
from bnsweep.norm.weight import WeightLayer
from bnsweep.plugins import load_callable, require_signature, user_code
from bnsweep.rng import derive, seeded
from bnsweep.spec import CustomSpec

KEY = "model.name"
CPU = torch.device("cpu")
USE_OF_NORM = (
    f"norm is the {Sites.__name__} of the trial: norm(channels, (height, width)) returns a module for a map, "
    "norm(features, None) one for after a fully connected layer"
)
CHECK_SAMPLES = 2
"""Samples of the batch that a model is tried on."""


def custom(
    spec: CustomSpec, norm: str, input_shape: tuple[int, int, int], num_classes: int, noise_seed: int
) -> Network:
    """Return `callable(input_shape=(C, H, W), num_classes=K, norm=site, **options)`, built and tried once.

    `site(channels, spatial)` returns the trial's normalization at the next site; see `bnsweep.models.sites.Sites`. What
    the callable draws from the global streams depends on `noise_seed` alone, and the streams are put back.

    Raises:
        InputError: there is no such callable, it does not take these arguments, or what it returns is no module from
            (N, C, H, W) to (N, K) with weight layers that bnsweep can initialize.
    """
    build = load_model_function(spec)
    site = Sites(norm, noise_seed)
    when = f"when called for norm {norm}"
    with _norm_explained(), seeded(derive(noise_seed, "build"), CPU), user_code(spec.name, KEY, when, Exception):
        model = build(input_shape=input_shape, num_classes=num_classes, norm=site, **spec.options)
    if not isinstance(model, nn.Module) or not _is_set_up(model):
        raise InputError(
            f"{KEY}: {spec.name} returned a {type(model).__name__}; "
            "it should return a torch.nn.Module, set up by super().__init__()"
        )
    _require_plain_weights(spec, model)
    return Network(model, _first_calls(spec, model, input_shape, num_classes))


def load_model_function(spec: CustomSpec) -> Callable[..., Any]:
    """Return the callable.

    Raises:
        InputError: there is none, or it does not take the options.
    """
    build = load_callable(spec.name, KEY)
    require_signature(spec.name, KEY, build, {"input_shape": (), "num_classes": 0, "norm": None, **spec.options})
    return build


@contextmanager
def _norm_explained() -> Iterator[None]:
    """Say of an error about `norm` itself, which is called in another way or taken for a module, how it is used."""
    try:
        yield
    except InputError as error:
        if isinstance(error.__cause__, TypeError | AttributeError) and Sites.__name__ in str(error.__cause__):
            raise InputError(f"{error}; {USE_OF_NORM}") from error.__cause__
        raise


@contextmanager
def _layer_told(model: nn.Module, calls: Mapping[str, int]) -> Iterator[None]:
    """Say of an error that no code of the user's own leads to, as in an `nn.Sequential`, in which layer it is."""
    try:
        yield
    except Exception as error:
        if calls and own_line(error) is None:
            path = max(calls, key=calls.__getitem__)
            error.add_note(f"in its layer {path}, {type(model.get_submodule(path)).__name__}")
        raise


def _is_set_up(model: nn.Module) -> bool:
    """Return whether the model's class calls `super().__init__()`."""
    try:
        return bool(list(model.modules()))
    except AttributeError:
        return False


def _require_plain_weights(spec: CustomSpec, model: nn.Module) -> None:
    """Raise InputError if there is no layer to initialize and measure, or one without a weight of its own."""
    for path, module in model.named_modules():
        if not isinstance(module, WeightLayer):
            continue
        weight = dict(module.named_parameters(recurse=False)).get("weight")
        if weight is None or is_lazy(weight):
            why = "computed from others (a parametrization)" if weight is None else "not there yet (a lazy module)"
            raise InputError(f"{KEY}: {spec.name}: the weight of {path} is {why}; it should be a plain parameter")
    if not weight_layers(Network(model)):
        raise InputError(f"{KEY}: {spec.name} has no weight layer: no trainable linear or convolution module")


def _first_calls(
    spec: CustomSpec, model: nn.Module, input_shape: tuple[int, int, int], num_classes: int
) -> dict[str, int]:
    """Run a copy of the model in train mode and return what it calls in which order; raise if it gives no logits."""
    x = torch.randn((CHECK_SAMPLES, *input_shape), generator=torch.Generator().manual_seed(0))
    with _norm_explained(), user_code(spec.name, KEY, f"on a batch {tuple(x.shape)}", Exception), seeded(0, CPU):
        twin = copy.deepcopy(model).train()
        set_step(twin, 0)
        with recorded_calls(twin) as calls, _layer_told(twin, calls):
            logits = twin(x)
    if not isinstance(logits, Tensor) or logits.shape != (CHECK_SAMPLES, num_classes):
        given = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise InputError(
            f"{KEY}: {spec.name} gives {given} on a batch {(CHECK_SAMPLES, *input_shape)}; "
            f"it should give {(CHECK_SAMPLES, num_classes)}"
        )
    return calls
