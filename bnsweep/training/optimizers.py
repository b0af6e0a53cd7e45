"""The optimizers, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from bnsweep.spec import TrialSpec


def make_optimizer(parameters: Iterable[nn.Parameter], spec: TrialSpec) -> torch.optim.Optimizer:
    """Return the trial's optimizer of these parameters, by the fastest of PyTorch's kernels that fits them."""
    return OPTIMIZERS[spec.train.optimizer](list(parameters), spec)


def set_lr(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Give an optimizer another learning rate, a plain number, which no kernel is compiled for or waits for."""
    for group in optimizer.param_groups:
        group["lr"] = lr


def load_optimizers() -> None:
    """Make an optimizer: the first in a process loads parts of PyTorch, for a second that is no trial's."""
    torch.optim.SGD([nn.Parameter(torch.zeros(1))])


def _sgd(parameters: Sequence[nn.Parameter], spec: TrialSpec) -> torch.optim.Optimizer:
    train = spec.train
    is_fused = train.momentum > 0 and _can_be_fused(parameters)
    optimizer = torch.optim.SGD(
        parameters,
        lr=spec.lr,
        momentum=train.momentum,
        nesterov=train.nesterov,
        weight_decay=train.weight_decay,
        fused=is_fused,
        foreach=train.momentum == 0,  # one addition for each tensor: faster than the fused kernel
    )
    if is_fused:
        optimizer.register_step_pre_hook(_begin_velocities)
    return optimizer


def _begin_velocities(optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
    """Give a parameter that gets its first gradient later than others the velocity 0, as if it had had one of 0.

    The fused kernel fails where some have a velocity and others have none.
    """
    del args, kwargs
    moved = [w for group in optimizer.param_groups for w in group["params"] if w.grad is not None]
    first = [w for w in moved if w not in optimizer.state]
    if len(first) < len(moved):
        for w in first:
            optimizer.state[w]["momentum_buffer"] = torch.zeros_like(w, memory_format=torch.preserve_format)


def _adam(parameters: Sequence[nn.Parameter], spec: TrialSpec) -> torch.optim.Optimizer:
    """Adam; weight decay is added to the gradient (l2)."""
    b1, b2 = spec.train.betas
    is_fused = _can_be_fused(parameters)
    return torch.optim.Adam(
        parameters, lr=spec.lr, betas=(b1, b2), weight_decay=spec.train.weight_decay, fused=is_fused
    )


def _adamw(parameters: Sequence[nn.Parameter], spec: TrialSpec) -> torch.optim.Optimizer:
    """AdamW (Loshchilov & Hutter 2019): a step first multiplies the weights by 1 - lr weight_decay."""
    b1, b2 = spec.train.betas
    is_fused = _can_be_fused(parameters)
    return torch.optim.AdamW(
        parameters, lr=spec.lr, betas=(b1, b2), weight_decay=spec.train.weight_decay, fused=is_fused
    )


def _can_be_fused(parameters: Sequence[nn.Parameter]) -> bool:
    """Return whether fused kernels may be used: they go through memory as it lies, and know real numbers only."""
    return all(parameter.is_floating_point() and _is_whole(parameter) for parameter in parameters)


def _is_whole(tensor: Tensor) -> bool:
    """Return whether a tensor lies in memory without gaps, row by row or with its channels last."""
    return tensor.is_contiguous() or (tensor.ndim == 4 and tensor.is_contiguous(memory_format=torch.channels_last))


OPTIMIZERS: dict[str, Callable[[Sequence[nn.Parameter], TrialSpec], torch.optim.Optimizer]] = {
    "sgd": _sgd,
    "adam": _adam,
    "adamw": _adamw,
}
"""Every optimizer of the sweep file by name."""
