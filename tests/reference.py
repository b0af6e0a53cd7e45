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

from bnsweep.norm import Normalization
from bnsweep.rng import RngState, replayed
from bnsweep.spec import TrainSpec

EPS = 1e-5
LossFn = Callable[[Tensor, Tensor], Tensor]
Params = Mapping[str, Tensor]

BATCH_ORDER = {"batch": 2.0, "noisy_batch": 2.0, "l1": 1.0, "l2": 2.0, "linf": math.inf}


def normalize(mode: str, x: Tensor, alpha: float = 0.5) -> Tensor:
    """Return x (N, C) or (N, C, H, W) normalized with gain 1 and shift 0, without the noise of noisy_batch.

    `alpha` is that of dyt.
    """
    if mode in ("none", "weight"):  # which leave what enters a site as it is
        return x.clone()
    if mode == "dyt":
        return torch.tensor([math.tanh(alpha * value) for value in x.flatten().tolist()], dtype=x.dtype).view(x.shape)
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
    groups = {"layer": 1, "rms": 1, "instance": len(channels)}.get(mode, math.gcd(8, len(channels)))
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


def standardized(units: Sequence[Sequence[float]]) -> list[list[float]]:
    """Return the weights of each unit less their mean, over their standard deviation (divided by n)."""
    found = []
    for weights in units:
        mean = math.fsum(weights) / len(weights)
        variance = math.fsum((w - mean) ** 2 for w in weights) / len(weights)
        found.append([(w - mean) / math.sqrt(variance + 1e-10) for w in weights])
    return found


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


class AveragedNorm(nn.Module):
    """A batch normalization of columns, by each mini-batch's own statistics, and later by the mean of all of these."""

    def __init__(self, mode: str, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.p, self.is_unbiased, self.weight, self.bias = BATCH_ORDER[mode], "batch" in mode, weight, bias
        self.taken: list[tuple[Tensor, Tensor]] = []
        self.is_taking = True

    def forward(self, x: Tensor) -> Tensor:
        columns = x.transpose(0, 1).flatten(1)
        if self.is_taking:
            mean = columns.sum(1) / columns.shape[1]
            distances = (columns - mean[:, None]).abs()
            power = distances.amax(1) if self.p == math.inf else (distances**self.p).sum(1) / columns.shape[1]
            bessel = columns.shape[1] / (columns.shape[1] - 1) if self.is_unbiased else 1.0
            self.taken.append((mean, bessel * power))
        else:
            means, powers = zip(*self.taken, strict=True)
            mean, power = sum(means) / len(means), sum(powers) / len(powers)
        scale = power + EPS if self.p == math.inf else (power + EPS) ** (1 / self.p)
        y = (columns - mean[:, None]) / scale[:, None] * self.weight[:, None] + self.bias[:, None]
        return y.unflatten(1, (x.shape[0], *x.shape[2:])).transpose(0, 1)


def with_averaged_statistics(model: nn.Module, mode: str, batches: Sequence[Tensor]) -> nn.Module:
    """Return a copy in eval mode that normalizes by the mean of the statistics of these mini-batches.

    Every batch normalization in it is of `mode`; noise there is none.
    """
    clone = copy.deepcopy(model).double().eval()
    norms = {
        path: AveragedNorm(mode, *(module.batch if mode == "noisy_batch" else module).parameters())
        for path, module in clone.named_modules()
        if path and isinstance(module, Normalization | nn.BatchNorm1d) and not path.endswith(".batch")
    }
    for path, norm in norms.items():
        clone.set_submodule(path, norm)
    with torch.no_grad():
        for x in batches:
            clone(x)
    for norm in norms.values():
        norm.is_taking = False
    return clone


def full_pass(
    model: nn.Module, x: Tensor, y: Tensor, loss_fn: LossFn, stream: RngState | None = None
) -> tuple[float, dict[str, Tensor]]:
    """Return the loss and the gradient of every trained parameter; the model's gradients must be unset.

    The global random streams begin at `stream`.
    """
    with replayed(stream, x.device):
        loss = loss_fn(model(x.clone()), y)
    loss.backward()
    trained = {name: w for name, w in model.named_parameters() if w.requires_grad}
    return loss.item(), {name: torch.zeros_like(w) if w.grad is None else w.grad for name, w in trained.items()}


def flat(tensors: Params) -> list[float]:
    """Return all entries of all tensors in one list."""
    return [value for tensor in tensors.values() for value in tensor.flatten().tolist()]


def length(vector: Sequence[float]) -> float:
    """Return the l2 norm."""
    return math.sqrt(math.fsum(value * value for value in vector))


def rates(before: Params, after: Params, gradient: Params, weight: str, lr: float, momentum: float) -> dict[str, float]:
    """Return the norms of a weight, of its gradient and of its update under SGD, and the rates that follow."""
    w, g = flat({weight: before[weight]}), flat({weight: gradient[weight]})
    update = length([b - a for a, b in zip(w, flat({weight: after[weight]}), strict=True)])
    return {
        "weight_norm": length(w),
        "grad_norm": length(g),
        "update_norm": update,
        "relative_update": update / length(w),
        "effective_lr": lr / (1 - momentum) / math.fsum(value * value for value in w),
    }


def rate(step: int, lr: float, train: TrainSpec, warmup: int) -> float:
    """Return the learning rate of a step: after `warmup` steps a factor that is 1 there and 0 after the last."""
    if step < warmup:
        return lr * (step + 1) / (warmup + 1)
    done = (step - warmup) / (train.steps - warmup)
    drops = sum(step >= round(share * train.steps) for share in train.step_at)
    factors = {
        "constant": 1.0,
        "cosine": (1 + math.cos(math.pi * done)) / 2,
        "linear": 1 - done,
        "step": train.step_factor**drops,
    }
    return lr * factors[train.schedule]


def trained(w: Tensor, gradient: Callable[[Tensor], Tensor], rates: Sequence[float], train: TrainSpec) -> Tensor:
    """Return w (P,) after a step at each of the rates, by the rules of SGD, Adam and AdamW as the papers have them."""
    velocity, mean, square = (torch.zeros_like(w) for _ in range(3))
    b1, b2 = train.betas
    for count, lr in enumerate(rates, 1):
        g = gradient(w)
        if train.clip_norm is not None:
            g = g * min(1.0, train.clip_norm / (length(g.tolist()) + 1e-6))
        if train.optimizer == "adamw":
            w = w - lr * train.weight_decay * w
        else:
            g = g + train.weight_decay * w
        if train.optimizer == "sgd":
            velocity = train.momentum * velocity + g
            w = w - lr * (g + train.momentum * velocity if train.nesterov else velocity)
            continue
        mean, square = b1 * mean + (1 - b1) * g, b2 * square + (1 - b2) * g * g
        w = w - lr * (mean / (1 - b1**count)) / ((square / (1 - b2**count)).sqrt() + 1e-8)
    return w


@dataclass(frozen=True)
class Point:
    """One point of the landscape."""

    loss: float
    grad_diff_l2: float
    grad_norm: float
    beta: float


def landscape(
    model: nn.Module,
    params: Params,
    x: Tensor,
    y: Tensor,
    loss_fn: LossFn,
    alphas: Sequence[float],
    stream: RngState | None = None,
) -> list[Point]:
    """Walk from `params` along minus its gradient, one straight line; each pass begins with the streams at `stream`."""
    _, gradient = full_pass(with_parameters(model, params), x, y, loss_fn, stream)
    g = flat(gradient)
    points = []
    for alpha in alphas:
        moved = {name: w - alpha * gradient[name] if name in gradient else w for name, w in params.items()}
        loss, there = full_pass(with_parameters(model, moved), x, y, loss_fn, stream)
        change = length([b - a for a, b in zip(g, flat(there), strict=True)])
        points.append(Point(loss, change, length(g), change / length([alpha * value for value in g])))
    return points


def cross_entropy(logits: Tensor, y: Tensor, smoothing: float) -> tuple[float, Tensor]:
    """Return the mean of -sum_k q_k log p_k over samples, and its gradient by the logits, (p - q) / N."""
    gradient, terms, (count, classes) = torch.zeros_like(logits), [], logits.shape
    for n in range(count):
        row = logits[n].tolist()
        shift = max(row) + math.log(math.fsum(math.exp(value - max(row)) for value in row))
        for k, value in enumerate(row):
            q = (1 - smoothing) * (k == y[n].item()) + smoothing / classes
            terms.append(-q * (value - shift))
            gradient[n, k] = (math.exp(value - shift) - q) / count
    return math.fsum(terms) / count, gradient


def squared_error(outputs: Tensor, targets: Tensor) -> tuple[float, Tensor]:
    """Return the sum of squares over samples and outputs, and its gradient by the outputs."""
    pairs = list(zip(outputs.flatten().tolist(), targets.flatten().tolist(), strict=True))
    gradient = torch.tensor([2 * (a - b) for a, b in pairs], dtype=outputs.dtype).view(outputs.shape)
    return math.fsum((a - b) ** 2 for a, b in pairs), gradient


def deep_linear_gradients(weights: Sequence[Tensor], biases: Sequence[Tensor], x: Tensor, y: Tensor) -> list[Tensor]:
    """Return the gradient of ||W_k (... (W_1 x + b_1) ...) + b_k - y||^2, summed over samples, by each W_i.

    In closed form: 2 (W_k ... W_{i+1})^T (output - y) (what enters W_i)^T. x is (N, D), y is (N, K).
    """
    entering = [x.T]
    for weight, bias in zip(weights, biases, strict=True):
        entering.append(weight @ entering[-1] + bias[:, None])
    found, error = [], 2 * (entering[-1] - y.T)
    for weight, before in zip(reversed(weights), reversed(entering[:-1]), strict=True):
        found.insert(0, error @ before.T)
        error = weight.T @ error
    return found


def hessian(
    model: nn.Module, params: Params, x: Tensor, y: Tensor, loss_fn: LossFn, stream: RngState | None = None
) -> Tensor:
    """Return the whole Hessian over the trained parameters, (P, P) in float64, all of its rows in one backward."""
    clone = with_parameters(model, params)
    trained = [w for w in clone.parameters() if w.requires_grad]
    with replayed(stream, x.device):
        loss = loss_fn(clone(x.clone()), y)
    first = torch.autograd.grad(loss, trained, create_graph=True, materialize_grads=True)
    gradient = torch.cat([part.flatten() for part in first])
    units = torch.eye(len(gradient), dtype=gradient.dtype)
    rows = torch.autograd.grad(gradient, trained, units, is_grads_batched=True, materialize_grads=True)
    whole = [part.expand(len(units), *w.shape).flatten(1) for part, w in zip(rows, trained, strict=True)]  # or of zeros
    return torch.cat(whole, 1).double()


def sharpness(
    model: nn.Module, params: Params, x: Tensor, y: Tensor, loss_fn: LossFn, stream: RngState | None = None
) -> float:
    """Return the largest eigenvalue of the whole Hessian."""
    return torch.linalg.eigvalsh(hessian(model, params, x, y, loss_fn, stream))[-1].item()


def around_sites(
    model: nn.Module, params: Params, x: Tensor, stream: RngState | None = None
) -> list[tuple[Tensor, Tensor]]:
    """Return what enters and what leaves each normalization site, in the order in which they are called."""
    clone, seen = with_parameters(model, params), list[tuple[Tensor, Tensor]]()
    for module in clone.modules():
        if isinstance(module, Normalization):
            module.register_forward_hook(lambda _, inputs, output: seen.append((inputs[0].clone(), output.clone())))
    with torch.no_grad(), replayed(stream, x.device):
        clone(x.clone())
    return seen


def layer_of(model: nn.Module) -> tuple[list[list[str]], dict[str, int]]:
    """Return what each layer's weight is made of, first to last, and the number of each parameter's layer.

    A layer is a convolution or fully connected module and all parameters registered from it to the next; its weight is
    a parameter of its own or the tensors of its parametrization.
    """
    names = [name for name, w in model.named_parameters() if w.requires_grad]
    weights, numbers = list[list[str]](), dict[str, int]()
    for path, module in model.named_modules():
        prefix = path and f"{path}."
        parts = f"{prefix}weight", f"{prefix}parametrizations.weight."
        if isinstance(module, nn.Conv2d | nn.Linear) and (
            made_of := [name for name in names if name.startswith(parts)]
        ):
            weights.append(made_of)
        numbers |= {f"{prefix}{name}": max(len(weights) - 1, 0) for name, _ in module.named_parameters(recurse=False)}
    return weights, numbers


def shifted_gradients(
    model: nn.Module,
    before: Params,
    after: Params,
    x: Tensor,
    y: Tensor,
    loss_fn: LossFn,
    stream: RngState | None = None,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield G and G' of Definition 2.1 for each layer's weight, first to last: a full pass for each G'.

    They are flat where the weight is made of several tensors. Every pass begins with the streams at `stream`.
    """
    weights, numbers = layer_of(model)
    own = full_pass(with_parameters(model, before), x, y, loss_fn, stream)[1]
    for i, weight in enumerate(weights):
        mixed = {name: after[name] if numbers[name] < i else w for name, w in before.items()}
        shifted = full_pass(with_parameters(model, mixed), x, y, loss_fn, stream)[1]
        G, G_shifted = ([found[name] for name in weight] for found in (own, shifted))
        yield (G[0], G_shifted[0]) if len(weight) == 1 else (flattened(G), flattened(G_shifted))


def flattened(parts: Sequence[Tensor]) -> Tensor:
    return torch.cat([part.flatten() for part in parts])


def ics(G: Tensor, shifted: Tensor) -> tuple[float, float, float]:
    """Return ||G - G'||, cos(G, G') and ||G||."""
    a, b = G.flatten().tolist(), shifted.flatten().tolist()
    dot = math.fsum(u * v for u, v in zip(a, b, strict=True))
    return length([u - v for u, v in zip(a, b, strict=True)]), dot / (length(a) * length(b)), length(a)
