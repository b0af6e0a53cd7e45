"""Slow oracles in float64, written from the definitions alone.

Normalization is loops over Python floats. The probes' oracles write parameters into a deep copy of the model and run a
full forward and backward for every number.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor, nn

EPS = 1e-5
LossFn = Callable[[Tensor, Tensor], Tensor]
Params = Mapping[str, Tensor]

BATCH_ORDER = {"batch": 2.0, "noisy_batch": 2.0, "l1": 1.0, "l2": 2.0, "linf": math.inf}


def normalize(mode: str, x: Tensor) -> Tensor:
    """Return x (N, C) or (N, C, H, W) normalized with gain 1 and shift 0, without the noise of noisy_batch."""
    if mode == "none":
        return x.clone()
    y = torch.empty_like(x)
    for index in _shared_statistics(mode, x.shape):
        values = [x[i].item() for i in index]
        for i, value in zip(index, _standardize(mode, values), strict=True):
            y[i] = value
    return y


def _shared_statistics(mode: str, shape: torch.Size) -> Iterator[list[tuple[int, ...]]]:
    """Yield the sets of entries that share one mean and one scale."""
    samples, channels = range(shape[0]), range(shape[1])
    positions = list(product(*(range(n) for n in shape[2:])))
    if mode in BATCH_ORDER:
        for c in channels:
            yield [(n, c, *p) for n in samples for p in positions]
        return
    groups = {"layer": 1, "rms": 1, "group": math.gcd(8, len(channels)), "instance": len(channels)}[mode]
    size = len(channels) // groups
    for n, g in product(samples, range(groups)):
        yield [(n, c, *p) for c in channels[g * size : (g + 1) * size] for p in positions]


def _standardize(mode: str, values: Sequence[float]) -> list[float]:
    mean = 0.0 if mode == "rms" else math.fsum(values) / len(values)
    centred = [value - mean for value in values]
    return [d / lp_scale(centred, BATCH_ORDER.get(mode, 2.0)) for d in centred]


def lp_scale(centred: Sequence[float], p: float) -> float:
    """Return (mean(|d|^p) + eps)^(1/p), or max |d| + eps."""
    if math.isinf(p):
        return max(abs(d) for d in centred) + EPS
    return (math.fsum(abs(d) ** p for d in centred) / len(centred) + EPS) ** (1 / p)


def noisy(a: Tensor, s: Tensor, m: Tensor) -> Tensor:
    """Return Algorithm 1's s a + m, one entry at a time."""
    y = torch.empty_like(a)
    for i in product(*(range(n) for n in a.shape)):
        y[i] = s[i].item() * a[i].item() + m[i].item()
    return y


def channel_moments(a: Tensor) -> list[tuple[float, float]]:
    """Return each channel's mean and standard deviation (divided by n) over samples and positions."""
    moments = []
    for c in range(a.shape[1]):
        values = a[:, c].flatten().tolist()
        mean = math.fsum(values) / len(values)
        moments.append((mean, math.sqrt(math.fsum((v - mean) ** 2 for v in values) / len(values))))
    return moments


def rms_change(now: Sequence[float], then: Sequence[float]) -> float:
    """Return the root mean square of the difference."""
    return math.sqrt(math.fsum((a - b) ** 2 for a, b in zip(now, then, strict=True)) / len(now))


def with_parameters(model: nn.Module, params: Params) -> nn.Module:
    """Return a deep copy of the model that has these parameters, and no gradients."""
    clone = copy.deepcopy(model)
    for name, parameter in clone.named_parameters():
        parameter.data.copy_(params[name])
        parameter.grad = None
    return clone


def full_pass(model: nn.Module, x: Tensor, y: Tensor, loss_fn: LossFn) -> tuple[float, dict[str, Tensor]]:
    """Return the loss and the gradient of every parameter; the model's gradients must be unset."""
    loss = loss_fn(model(x), y)
    loss.backward()
    return loss.item(), {name: parameter.grad for name, parameter in model.named_parameters()}


def flat(tensors: Params) -> list[float]:
    """Return all entries of all tensors in one list."""
    return [value for tensor in tensors.values() for value in tensor.flatten().tolist()]


def length(vector: Sequence[float]) -> float:
    """Return the l2 norm."""
    return math.sqrt(math.fsum(value * value for value in vector))


@dataclass(frozen=True)
class Point:
    """One point of the landscape."""

    loss: float
    grad_diff_l2: float
    grad_norm: float
    beta: float


def landscape(
    model: nn.Module, params: Params, x: Tensor, y: Tensor, loss_fn: LossFn, alphas: Sequence[float]
) -> list[Point]:
    """Walk from `params` along minus its gradient, one straight line."""
    _, gradient = full_pass(with_parameters(model, params), x, y, loss_fn)
    g = flat(gradient)
    points = []
    for alpha in alphas:
        moved = {name: w - alpha * gradient[name] for name, w in params.items()}
        loss, there = full_pass(with_parameters(model, moved), x, y, loss_fn)
        change = length([b - a for a, b in zip(g, flat(there), strict=True)])
        points.append(Point(loss, change, length(g), change / length([alpha * value for value in g])))
    return points


def layer_of(model: nn.Module) -> tuple[list[str], dict[str, int]]:
    """Return the layers' weight tensors, first to last, and the number of the layer that each parameter belongs to.

    A layer is a convolution's or fully connected module's weight and all parameters registered from it to the next.
    """
    modules, weights, numbers = dict(model.named_modules()), list[str](), dict[str, int]()
    for name, _ in model.named_parameters():
        owner, _, kind = name.rpartition(".")
        if kind == "weight" and isinstance(modules[owner], nn.Conv2d | nn.Linear):
            weights.append(name)
        numbers[name] = max(len(weights) - 1, 0)
    return weights, numbers


def shifted_gradients(
    model: nn.Module, before: Params, after: Params, x: Tensor, y: Tensor, loss_fn: LossFn, stream: Tensor | None = None
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield G and G' of Definition 2.1 for each layer's weight tensor, first to last: a full pass for each.

    Every pass begins with the global random stream at `stream`.
    """
    weights, numbers = layer_of(model)
    with torch.random.fork_rng(devices=[]):
        for i, weight in enumerate(weights):
            mixed = {name: after[name] if numbers[name] < i else w for name, w in before.items()}
            gradients = []
            for params in (before, mixed):
                if stream is not None:
                    torch.set_rng_state(stream)
                gradients.append(full_pass(with_parameters(model, params), x, y, loss_fn)[1][weight])
            yield gradients[0], gradients[1]


def ics(G: Tensor, shifted: Tensor) -> tuple[float, float, float]:
    """Return ||G - G'||, cos(G, G') and ||G||."""
    a, b = G.flatten().tolist(), shifted.flatten().tolist()
    dot = math.fsum(u * v for u, v in zip(a, b, strict=True))
    return length([u - v for u, v in zip(a, b, strict=True)]), dot / (length(a) * length(b)), length(a)
