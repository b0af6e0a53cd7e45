"""The optimizers do what PyTorch's plain ones do, a tensor and an operation at a time."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from bnsweep.spec import TrialSpec
from bnsweep.training.clipping import clip_factor, scaled_gradients
from bnsweep.training.optimizers import make_optimizer, set_lr
from bnsweep.training.schedules import lr_at
from tests import reference

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
        {"momentum": 0.9, "nesterov": True},
        {"optimizer": "adam"},
        {"optimizer": "adam", "weight_decay": 0.1, "betas": [0.5, 0.9]},
        {"optimizer": "adamw", "weight_decay": 0.1, "betas": [0.5, 0.9]},
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
            used = some[step < 3 :]  # a model may use one of its parameters later than others
            sum((weight - step).abs().square().sum() for weight in used).backward()
            optimizer.step()
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=0)


def parameters(lie: str) -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    kernel = torch.randn(4, 3, 3, 3, dtype=torch.float64, generator=generator)
    return [nn.Parameter(tensor) for tensor in LIE[lie](kernel)]


def plain(parameters: list[nn.Parameter], trial: TrialSpec) -> torch.optim.Optimizer:
    train, loops = trial.train, {"foreach": False, "fused": False, "weight_decay": trial.train.weight_decay}
    if train.optimizer == "sgd":
        return torch.optim.SGD(parameters, trial.lr, train.momentum, nesterov=train.nesterov, **loops)
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[train.optimizer]
    return kind(parameters, trial.lr, train.betas, **loops)


RULES = [
    {},
    {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
    {"momentum": 0.9, "clip_norm": 0.5, "schedule": "linear"},
    {"optimizer": "adam", "betas": [0.5, 0.9], "weight_decay": 0.1},
    {"optimizer": "adamw", "betas": [0.9, 0.95], "weight_decay": 0.3, "schedule": "cosine", "warmup": 3},
    {"optimizer": "adamw", "betas": [0, 0.5], "clip_norm": 0.5},
]


@pytest.mark.parametrize("train", RULES, ids=str)
def test_steps_follow_the_rules_of_the_papers(spec: Callable[..., TrialSpec], train: dict) -> None:
    """On a quadratic, a step at a time, at the rates of the schedule and with the gradient clipped."""
    trial = spec(train={"steps": 8, **train}, lr=0.3)
    curvatures = torch.tensor([0.1, 1.0, 3.0], dtype=torch.float64)
    w = nn.Parameter(torch.tensor([1.0, -0.5, 0.2], dtype=torch.float64))
    rates = [lr_at(step, trial.lr, trial.train) for step in range(8)]
    expected = reference.trained(w.detach().clone(), lambda at: curvatures * at, rates, trial.train)
    optimizer = make_optimizer([w], trial)
    for rate in rates:
        w.grad = curvatures * w.detach()
        set_lr(optimizer, rate)
        with scaled_gradients([w], clip_factor(w.grad.norm()[None], trial.train.clip_norm or 1e30)):
            optimizer.step()
    torch.testing.assert_close(w.detach(), expected, rtol=1e-12, atol=1e-14)
