"""A model of the user's own: built by their callable, checked before anything is trained."""

from __future__ import annotations

import copy
import inspect
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from bnsweep.errors import InputError
from bnsweep.models.chain import PROVEN
from bnsweep.models.layers import WeightLayer, weight_layers
from bnsweep.models.sites import Sites
from bnsweep.norm import set_step
from bnsweep.plugins import load_callable
from bnsweep.seeding import derive
from bnsweep.spec import CustomSpec

KEY = "model.name"
TRIED = 2
"""Samples of the batch that a model is tried on."""


def custom(
    spec: CustomSpec, norm: str, input_shape: tuple[int, int, int], num_classes: int, noise_seed: int
) -> nn.Module:
    """Return `callable(input_shape=(C, H, W), num_classes=K, norm=site, **options)`, built and tried once.

    `site(channels, spatial)` returns the trial's normalization at the next site; see `bnsweep.models.sites.Sites`. What
    the callable draws from torch's global stream depends on `noise_seed` alone, and the stream is put back.

    Raises:
        InputError: there is no such callable, it does not take these arguments, or what it returns is no module from
            (N, C, H, W) to (N, K) with weight layers that bnsweep can initialize.
    """
    build = load_callable(spec.name, KEY)
    site = Sites(norm, noise_seed)
    arguments = {"input_shape": input_shape, "num_classes": num_classes, "norm": site, **spec.options}
    _require_signature(spec, build, arguments)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(derive(noise_seed, "build"))
        with _blamed(spec, "when called", TypeError, ValueError):
            model = build(**arguments)
    if not isinstance(model, nn.Module):
        raise InputError(f"{KEY}: {spec.name} returned a {type(model).__name__}; it should return a torch.nn.Module")
    _require_plain_weights(spec, model)
    _try(spec, model, input_shape, num_classes)
    return model


def _require_signature(spec: CustomSpec, build: Callable[..., Any], arguments: dict[str, Any]) -> None:
    """Raise InputError if the callable does not take the arguments."""
    try:
        inspect.signature(build).bind(**arguments)
    except TypeError as error:
        raise InputError(f"{KEY}: {spec.name} cannot be called with {', '.join(arguments)}: {error}") from error
    except ValueError:  # a callable written in C may have no signature; the call itself will tell
        return


def _require_plain_weights(spec: CustomSpec, model: nn.Module) -> None:
    """Raise InputError if there is no layer to initialize and measure, or one without a weight of its own."""
    for path, module in model.named_modules():
        if not isinstance(module, WeightLayer):
            continue
        weight = module._parameters.get("weight")
        if weight is None or is_lazy(weight):
            why = "computed from others (a parametrization)" if weight is None else "not there yet (a lazy module)"
            raise InputError(f"{KEY}: {spec.name}: the weight of {path} is {why}; it should be a plain parameter")
    if not weight_layers(model):
        raise InputError(f"{KEY}: {spec.name} has no weight layer: no trainable linear or convolution module")


def _try(spec: CustomSpec, model: nn.Module, input_shape: tuple[int, int, int], num_classes: int) -> None:
    """Run copies of the model in train mode; raise InputError if it gives no logits; note if it is its `stages`."""
    x = torch.randn((TRIED, *input_shape), generator=torch.Generator().manual_seed(0))
    with _blamed(spec, f"on a batch {tuple(x.shape)}", Exception):
        logits = _forward(copy.deepcopy(model), x)
    if not isinstance(logits, Tensor) or logits.shape != (TRIED, num_classes):
        given = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise InputError(
            f"{KEY}: {spec.name} gives {given} on a batch {tuple(x.shape)}; it should give {(TRIED, num_classes)}"
        )
    if isinstance(getattr(model, "stages", None), nn.Sequential):
        model.__dict__[PROVEN] = _is_its_stages(model, x)


@torch.no_grad()
def _is_its_stages(model: nn.Module, x: Tensor) -> bool:
    """Return whether the model gives the bits that its `stages` give, with no parameter zero."""
    twins = [copy.deepcopy(model) for _ in range(2)]
    for twin in twins:
        generator = torch.Generator().manual_seed(0)
        for parameter in twin.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    try:
        outputs = _forward(twins[0], x), _forward(twins[1].get_submodule("stages"), x)
    except Exception:
        return False  # without what the model does around them its stages do not run
    return all(isinstance(output, Tensor) for output in outputs) and torch.equal(*outputs)


@torch.no_grad()
def _forward(module: nn.Module, x: Tensor) -> Any:
    """Return the module's output in train mode at step 0, with the same dropout masks at every call."""
    set_step(module.train(), 0)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return module(x)


@contextmanager
def _blamed(spec: CustomSpec, when: str, *kinds: type[Exception]) -> Iterator[None]:
    """Turn the user's code's own exceptions into an InputError that says where they come from."""
    try:
        yield
    except InputError:
        raise
    except kinds as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        raise InputError(
            f"{KEY}: {spec.name} fails {when}: {type(error).__name__}: {error} ({frame.filename}:{frame.lineno})"
        ) from error
