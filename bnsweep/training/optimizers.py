"""The optimizers, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor, nn

from bnsweep.spec import TrialSpec


def make_optimizer(parameters: Iterable[nn.Parameter], spec: TrialSpec) -> torch.optim.Optimizer:
    """Return the trial's optimizer of these parameters, by the fastest of PyTorch's kernels that fits them."""
    return OPTIMIZERS[spec.train.optimizer](list(parameters), spec)


def load_optimizers() -> None:
    """Make an optimizer: the first in a process loads parts of PyTorch, for a second that is no trial's."""
    torch.optim.SGD([nn.Parameter(torch.zeros(1))])


def _sgd(parameters: Sequence[nn.Parameter], spec: TrialSpec) -> torch.optim.Optimizer:
    train = spec.train
    is_fused = train.momentum > 0 and _can_be_fused(parameters)
    return torch.optim.SGD(
        parameters,
        lr=spec.lr,
        momentum=train.momentum,
        weight_decay=train.weight_decay,
        fused=is_fused,
        foreach=train.momentum == 0,  # one addition for each tensor: faster than the fused kernel
    )


def _adam(parameters: Sequence[nn.Parameter], spec: TrialSpec) -> torch.optim.Optimizer:
    is_fused = _can_be_fused(parameters)
    return torch.optim.Adam(parameters, lr=spec.lr, weight_decay=spec.train.weight_decay, fused=is_fused)


def _can_be_fused(parameters: Sequence[nn.Parameter]) -> bool:
    """Return whether fused kernels may be used: they go through memory as it lies, and know real numbers only."""
    return all(parameter.is_floating_point() and _is_whole(parameter) for parameter in parameters)


def _is_whole(tensor: Tensor) -> bool:
    """Return whether a tensor lies in memory without gaps, row by row or with its channels last."""
    return tensor.is_contiguous() or (tensor.ndim == 4 and tensor.is_contiguous(memory_format=torch.channels_last))


OPTIMIZERS: dict[str, Callable[[Sequence[nn.Parameter], TrialSpec], torch.optim.Optimizer]] = {
    "sgd": _sgd,
    "adam": _adam,
}
"""Every optimizer of the sweep file by name; weight decay is added to the gradient (l2), as in PyTorch."""
