"""The optimizers of K members at once: the rules of `bnsweep.training.optimizers`, with a column per member.

A parameter is (K n, ...), the members' n rows one behind the other; what differs between members is a column (K,).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from bnsweep.probes.members import by_member
from bnsweep.spec import TrainSpec
from bnsweep.training.stability import preconditioner

Tensors = Sequence[Tensor]
REMEMBERED = {"momentum_buffer", "exp_avg", "exp_avg_sq"}
"""What PyTorch's optimizers remember of each parameter, beside a count of steps."""
EPS = 1e-8
"""As `torch.optim.Adam` has it."""


class Columns:
    """Numbers of each member, shaped so that they multiply its rows of each of some tensors.

    Args:
        tensors: (K n, ...) each.
        members: K.
    """

    def __init__(self, tensors: Tensors, members: int) -> None:
        self.members, (self.dtype, self.device) = members, (tensors[0].dtype, tensors[0].device)
        self._dims = [tensor.ndim for tensor in tensors]

    def split(self, tensors: Tensors) -> list[Tensor]:
        """Return views (K, n, ...) of the tensors."""
        return [by_member(tensor, 0, self.members) for tensor in tensors]

    def __call__(self, numbers: Sequence[float] | Tensor) -> list[Tensor]:
        """Return the numbers (K,) for each tensor, shaped (K, 1, ...) as its view is."""
        column = torch.as_tensor(numbers, dtype=self.dtype, device=self.device)
        shaped = {ndim: column.view(-1, *([1] * ndim)) for ndim in set(self._dims)}
        return [shaped[ndim] for ndim in self._dims]


class JoinedOptimizer:
    """What moves the parameters of K members.

    Args:
        parameters: (K n, ...) each.
        trains: how each member trains; optimizer, betas and nesterov are those of all.
        steps: made before.
    """

    def __init__(self, parameters: Sequence[nn.Parameter], trains: Sequence[TrainSpec], steps: int = 0) -> None:
        self.columns, self.train = Columns(parameters, len(trains)), trains[0]
        self.weights = self.columns.split([w.detach() for w in parameters])
        self.decays = [train.weight_decay for train in trains]
        self.momenta = self.columns([train.momentum for train in trains])
        self.has_momentum = any(train.momentum for train in trains)
        self.decay = self.columns(self.decays) if any(self.decays) else None
        self.steps, self.state = steps, dict[str, list[Tensor]]()

    @torch.no_grad()
    def step(self, gradients: Tensors, lrs: Sequence[float]) -> None:
        """Move the parameters: gradients (K, n, ...) each, learning rates (K,). The gradients stay as they are."""
        self.steps += 1
        RULES[self.train.optimizer](self, list(gradients), lrs)

    def zeros(self, name: str) -> list[Tensor]:
        """Return what the state remembers by this name of each parameter, at first zeros."""
        if name not in self.state:
            self.state[name] = [torch.zeros_like(w) for w in self.weights]
        return self.state[name]

    def continue_from(self, states: Sequence[Sequence[Mapping[str, Any]]]) -> None:
        """Take the states of members' own PyTorch optimizers, of each of their parameters; an empty one is of zeros."""
        for member, of_member in enumerate(states):
            for i, state in enumerate(of_member):
                for name in REMEMBERED & state.keys():
                    if state[name] is not None:
                        self.zeros(name)[i][member] = state[name]

    def state_of(self, member: int) -> list[dict[str, Any]]:
        """Return the state of a member's own PyTorch optimizer, of each of its parameters."""
        count = {"step": torch.tensor(float(self.steps))} if self.train.optimizer != "sgd" else {}
        names = self.state.keys()
        return [
            {**count, **{name: self.state[name][i][member] for name in names}} if names else {}
            for i in range(len(self.weights))
        ]

    def preconditioners(self) -> list[Tensor] | None:
        """Return Adam's P of each parameter, (K n, ...), as `training.stability` has it; None of what has none."""
        if self.train.optimizer == "sgd":
            return None
        (b1, b2), squares = self.train.betas, [each.flatten(0, 1) for each in self.zeros("exp_avg_sq")]
        return [preconditioner({"step": self.steps, "exp_avg_sq": each}, each, b1, b2, EPS) for each in squares]


def _sgd(optimizer: JoinedOptimizer, gradients: list[Tensor], lrs: Sequence[float]) -> None:
    """Subtract lr v, v = m v + g, where g includes the weight decay; Nesterov's is lr (g + m v)."""
    if optimizer.decay is not None:
        gradients = _with_decay(optimizer, gradients)
    if optimizer.has_momentum:
        velocities = optimizer.zeros("momentum_buffer")
        torch._foreach_mul_(velocities, optimizer.momenta)
        torch._foreach_add_(velocities, gradients)
        ahead = torch._foreach_mul(velocities, optimizer.momenta) if optimizer.train.nesterov else velocities
        gradients = list(torch._foreach_add(gradients, ahead)) if optimizer.train.nesterov else velocities
    torch._foreach_sub_(optimizer.weights, torch._foreach_mul(gradients, optimizer.columns(lrs)))


def _adam(optimizer: JoinedOptimizer, gradients: list[Tensor], lrs: Sequence[float]) -> None:
    """Kingma & Ba 2015, algorithm 1; weight decay is added to the gradient."""
    if optimizer.decay is not None:
        gradients = _with_decay(optimizer, gradients)
    _move_by_moments(optimizer, gradients, lrs)


def _adamw(optimizer: JoinedOptimizer, gradients: list[Tensor], lrs: Sequence[float]) -> None:
    """Loshchilov & Hutter 2019: the weights are first multiplied by 1 - lr weight_decay."""
    if optimizer.decay is not None:
        kept = [1 - lr * decay for lr, decay in zip(lrs, optimizer.decays, strict=True)]
        torch._foreach_mul_(optimizer.weights, optimizer.columns(kept))
    _move_by_moments(optimizer, gradients, lrs)


def _move_by_moments(optimizer: JoinedOptimizer, gradients: list[Tensor], lrs: Sequence[float]) -> None:
    (b1, b2), count = optimizer.train.betas, optimizer.steps
    means, squares = optimizer.zeros("exp_avg"), optimizer.zeros("exp_avg_sq")
    torch._foreach_lerp_(means, gradients, 1 - b1)
    torch._foreach_mul_(squares, b2)
    torch._foreach_addcmul_(squares, gradients, gradients, 1 - b2)
    roots = torch._foreach_sqrt(squares)
    torch._foreach_div_(roots, (1 - b2**count) ** 0.5)
    torch._foreach_add_(roots, EPS)
    moves = torch._foreach_mul(means, optimizer.columns([lr / (1 - b1**count) for lr in lrs]))
    torch._foreach_div_(moves, roots)
    torch._foreach_sub_(optimizer.weights, moves)


def _with_decay(optimizer: JoinedOptimizer, gradients: list[Tensor]) -> list[Tensor]:
    assert optimizer.decay is not None
    return list(torch._foreach_add(gradients, torch._foreach_mul(optimizer.weights, optimizer.decay)))


RULES: dict[str, Callable[[JoinedOptimizer, list[Tensor], Sequence[float]], None]] = {
    "sgd": _sgd,
    "adam": _adam,
    "adamw": _adamw,
}
"""Every optimizer of the sweep file by name."""
