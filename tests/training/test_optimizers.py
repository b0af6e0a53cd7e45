"""The optimizers do what PyTorch's plain ones do, a tensor and an operation at a time."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from bnsweep.spec import TrialSpec
from bnsweep.training.optimizers import make_optimizer

LIE = {
    "whole": lambda kernel: [kernel, kernel.to(memory_format=torch.channels_last), kernel[0, 0, 0].clone()],
    "in parts": lambda kernel: [kernel, kernel.clone()[:, 1:], kernel[0, 0].clone().t()],
    "complex": lambda kernel: [torch.complex(kernel, 2 * kernel), kernel],
}
"""How users' models have their parameters in memory."""


@pytest.mark.parametrize("lie", LIE)
@pytest.mark.parametrize(
    "train",
    [
        {},
        {"weight_decay": 0.1},
        {"momentum": 0.9},
        {"momentum": 0.9, "weight_decay": 0.1},
        {"optimizer": "adam"},
        {"optimizer": "adam", "weight_decay": 0.1},
    ],
    ids=str,
)
def test_kernels_for_all_tensors_at_once_do_what_plain_loops_do(
    spec: Callable[..., TrialSpec], train: dict, lie: str
) -> None:
    trial = spec(train=train, lr=0.05)
    ours, theirs = parameters(lie), parameters(lie)
    optimizers = make_optimizer(ours, trial), plain(theirs, trial)
    for step in range(20):
        for some, optimizer in zip((ours, theirs), optimizers, strict=True):
            optimizer.zero_grad()
            sum((weight - step).abs().square().sum() for weight in some).backward()
            optimizer.step()
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=0)


def parameters(lie: str) -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    kernel = torch.randn(4, 3, 3, 3, dtype=torch.float64, generator=generator)
    return [nn.Parameter(tensor) for tensor in LIE[lie](kernel)]


def plain(parameters: list[nn.Parameter], trial: TrialSpec) -> torch.optim.Optimizer:
    decay = trial.train.weight_decay
    if trial.train.optimizer == "adam":
        return torch.optim.Adam(parameters, lr=trial.lr, weight_decay=decay, foreach=False, fused=False)
    momentum = trial.train.momentum
    return torch.optim.SGD(parameters, trial.lr, momentum, weight_decay=decay, foreach=False, fused=False)
