"""The optimizers, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import nn

from bnsweep.spec import TrialSpec

Parameters = Iterable[nn.Parameter]


def _sgd(parameters: Parameters, spec: TrialSpec) -> torch.optim.Optimizer:
    train = spec.train
    is_fused = train.momentum > 0  # one addition for each tensor is slower in the fused kernel
    return torch.optim.SGD(
        parameters,
        lr=spec.lr,
        momentum=train.momentum,
        weight_decay=train.weight_decay,
        fused=is_fused,
        foreach=not is_fused,
    )


def _adam(parameters: Parameters, spec: TrialSpec) -> torch.optim.Optimizer:
    return torch.optim.Adam(parameters, lr=spec.lr, weight_decay=spec.train.weight_decay, fused=True)


OPTIMIZERS: dict[str, Callable[[Parameters, TrialSpec], torch.optim.Optimizer]] = {"sgd": _sgd, "adam": _adam}
"""Every optimizer of the sweep file by name; weight decay is added to the gradient (l2), as in PyTorch."""
