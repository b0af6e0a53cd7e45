"""The edge of stability of each optimizer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from bnsweep.probes.stability import Stability

Trained = Mapping[str, nn.Parameter]


@torch.no_grad()
def edge_of_stability(optimizer: torch.optim.Optimizer, trained: Trained, lr: float) -> Stability:
    """Return the edge of the step that `optimizer` has just made with this learning rate; no limit where none is known.

    Args:
        optimizer: one of `make_optimizer`, of a class in `EDGES` if its edge is known.
        trained: the trained parameters by name.
        lr: the learning rate.
    """
    find = EDGES.get(type(optimizer))
    return find(optimizer, trained, lr) if find else Stability()


def _sgd(optimizer: torch.optim.Optimizer, trained: Trained, lr: float) -> Stability:
    """2 / lr; with momentum m (2 + 2m) / lr, as Nesterov's (2 + 2m) / ((1 + 2m) lr).

    Source: Cohen et al. 2021, "Gradient descent on neural networks typically occurs at the edge of stability".
    """
    del trained
    (group,) = optimizer.param_groups
    momentum = group["momentum"]
    ahead = 1 + 2 * momentum if group["nesterov"] else 1.0
    return Stability((2 + 2 * momentum) / (ahead * lr), group["weight_decay"])


def _adam(optimizer: torch.optim.Optimizer, trained: Trained, lr: float) -> Stability:
    """(2 + 2 b1) / ((1 - b1) lr), with P = (1 - b1^t) (sqrt(v / (1 - b2^t)) + eps) as this step used it.

    Source: Cohen et al. 2022, "Adaptive gradient methods at the edge of stability".
    """
    (group,) = optimizer.param_groups
    b1, b2 = group["betas"]
    preconditioner = {
        name: _preconditioner(optimizer.state.get(w, {}), w, b1, b2, group["eps"]) for name, w in trained.items()
    }
    return Stability((2 + 2 * b1) / ((1 - b1) * lr), group["weight_decay"], preconditioner)


def _preconditioner(state: Mapping[str, Any], w: nn.Parameter, b1: float, b2: float, eps: float) -> torch.Tensor:
    """Return P of one parameter; infinite where it had no gradient yet, so that the optimizer does not move it."""
    if not state:
        return torch.full_like(w, torch.inf)
    count = float(state["step"])
    squares: torch.Tensor = state["exp_avg_sq"]
    squares = torch.view_as_real(squares) if squares.is_complex() else squares  # each part has a rate of its own
    root: torch.Tensor = (squares / (1 - b2**count)).sqrt_().add_(eps)
    return root.mul_(1 - b1**count)


EDGES: dict[type, Callable[[torch.optim.Optimizer, Trained, float], Stability]] = {
    torch.optim.SGD: _sgd,
    torch.optim.Adam: _adam,
}
"""By the optimizer's class."""
