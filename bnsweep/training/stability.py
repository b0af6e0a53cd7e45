"""The edge of stability of each optimizer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from bnsweep.probes.stability import Stability

Trained = Mapping[str, nn.Parameter]


@torch.no_grad()
def edge_of_stability(
    optimizer: torch.optim.Optimizer, trained: Trained, lr: float, clip_factor: float = 1.0
) -> Stability:
    """Return the edge of the step that `optimizer` has just made with this learning rate; no limit where none is known.

    None is where the gradient was clipped: such a step's length does not grow with the curvature.

    Args:
        optimizer: one of `make_optimizer`, of a class in `EDGES` if its edge is known.
        trained: the trained parameters by name.
        lr: the learning rate of the step. The theory has it constant; a schedule moves it slowly beside the dynamics.
        clip_factor: what clipping multiplied the gradient by.
    """
    edge = limit_of(optimizer, lr, clip_factor)
    if edge.limit is None or not isinstance(optimizer, torch.optim.Adam):
        return edge
    return replace(edge, preconditioner=_preconditioners(optimizer, trained))


def limit_of(optimizer: torch.optim.Optimizer, lr: float, clip_factor: float = 1.0) -> Stability:
    """Return the same without what preconditions: of Adam's P see `preconditioner`."""
    find = EDGES.get(type(optimizer))
    is_known = find is not None and clip_factor == 1 and not any(group["maximize"] for group in optimizer.param_groups)
    return find(optimizer, lr) if find and is_known else Stability()


def _sgd(optimizer: torch.optim.Optimizer, lr: float) -> Stability:
    """2 / lr; with momentum m (2 + 2m) / lr, as Nesterov's (2 + 2m) / ((1 + 2m) lr).

    With dampening d, which a loop of the user's own may have, a velocity takes (1 - d) of each gradient.

    Source: Cohen et al. 2021, "Gradient descent on neural networks typically occurs at the edge of stability".
    """
    (group,) = optimizer.param_groups
    momentum = group["momentum"]
    ahead = 1 + 2 * momentum if group["nesterov"] else 1 - group["dampening"] * bool(momentum)
    return Stability((2 + 2 * momentum) / (ahead * lr), group["weight_decay"])


def _adam(optimizer: torch.optim.Optimizer, lr: float) -> Stability:
    """(2 + 2 b1) / ((1 - b1) lr), with P = (1 - b1^t) (sqrt(v / (1 - b2^t)) + eps) as this step used it.

    Source: Cohen et al. 2022, "Adaptive gradient methods at the edge of stability".
    """
    (group,) = optimizer.param_groups
    if group["decoupled_weight_decay"]:
        return _adamw(optimizer, lr)
    b1, _ = group["betas"]
    return Stability((2 + 2 * b1) / ((1 - b1) * lr), group["weight_decay"])


def _adamw(optimizer: torch.optim.Optimizer, lr: float) -> Stability:
    """(2 - lr decay) (1 + b1) / ((1 - b1) lr), with Adam's P: the decay is no part of what is preconditioned.

    Along an eigenvector of P^-1 H to the eigenvalue a a step multiplies by c = 1 - lr decay and then goes along the
    mean of gradients: w' = (c + b1 - lr (1 - b1) a) w - b1 c w_before, which grows as soon as a root of it is below -1.
    There is no limit where lr decay >= 2, with which the decay alone makes weights grow.
    """
    (group,) = optimizer.param_groups
    (b1, _), decay = group["betas"], group["weight_decay"]
    if lr * decay >= 2:
        return Stability()
    return Stability((2 - lr * decay) * (1 + b1) / ((1 - b1) * lr))


def _preconditioners(optimizer: torch.optim.Optimizer, trained: Trained) -> dict[str, torch.Tensor]:
    """Return Adam's P by the name of the parameter."""
    (group,) = optimizer.param_groups
    b1, b2 = group["betas"]
    return {name: preconditioner(optimizer.state.get(w, {}), w, b1, b2, group["eps"]) for name, w in trained.items()}


def preconditioner(state: Mapping[str, Any], w: torch.Tensor, b1: float, b2: float, eps: float) -> torch.Tensor:
    """Return P of one parameter; infinite where it had no gradient yet, so that the optimizer does not move it."""
    if not state:
        return torch.full_like(w, torch.inf)
    count = float(state["step"])
    squares: torch.Tensor = state.get("max_exp_avg_sq", state["exp_avg_sq"])  # the first of AMSGrad
    squares = torch.view_as_real(squares) if squares.is_complex() else squares  # each part has a rate of its own
    root: torch.Tensor = (squares / (1 - b2**count)).sqrt_().add_(eps)
    return root.mul_(1 - b1**count)


EDGES: dict[type, Callable[[torch.optim.Optimizer, float], Stability]] = {
    torch.optim.SGD: _sgd,
    torch.optim.Adam: _adam,
    torch.optim.AdamW: _adamw,
}
"""By the optimizer's class."""
