"""Models that a step changes otherwise than an optimizer does, or whose steps cannot be made again."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from math import prod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Shape = tuple[int, int, int]
WIDTH = 5
CALLS = [0]


class Changing(nn.Module):
    def __init__(self, features: int, num_classes: int, how: str) -> None:
        super().__init__()
        self.hidden, self.out = nn.Linear(features, WIDTH), nn.Linear(WIDTH, num_classes)
        self.gate: nn.Module | None = None
        self.kept, self.how = [self.hidden.weight], how
        self.mean: Tensor | None
        self.register_buffer("mean", None)
        if how == "iterated":
            self.calls = [count(1)]
        if how == "hooked":
            self.hidden.weight.register_post_accumulate_grad_hook(_halve)
        if how == "thawed":
            self.hidden.requires_grad_(False)
        self.num_calls = 0

    def forward(self, x: Tensor) -> Tensor:
        return HOW[self.how](self, x.flatten(1))


def late(model: Any, x: Tensor) -> Tensor:
    x = model.hidden(x)
    if model.gate is None:
        model.gate = nn.Linear(WIDTH, WIDTH)
    return model.out(model.gate(x))


def replaced(model: Any, x: Tensor) -> Tensor:
    model.hidden.weight = nn.Parameter(F.normalize(model.hidden.weight.detach(), dim=1))
    return model.out(model.hidden(x))


def clamped(model: Any, x: Tensor) -> Tensor:
    model.hidden.weight.data.clamp_(-0.01, 0.01)
    return model.out(model.hidden(x))


def moved_in_the_backward(model: Any, x: Tensor) -> Tensor:
    x = model.hidden(x)

    def move(grad: Tensor) -> None:
        model.out.weight.data.sub_(0.1 * grad.mean())

    if x.requires_grad:
        x.register_hook(move)
    return model.out(x)


def counted(model: Any, x: Tensor) -> Tensor:
    CALLS[0] += 1
    return model.out(model.hidden(x)) * (1 + 0.1 * (CALLS[0] % 7))


def by_reference(model: Any, x: Tensor) -> Tensor:
    return model.out(F.linear(x, model.kept[0], model.hidden.bias))


def once(model: Any, x: Tensor) -> Tensor:
    return model.out(model.hidden(x)).detach()


def plain(model: Any, x: Tensor) -> Tensor:
    return model.out(model.hidden(x).tanh())


def fails_in_the_backward(model: Any, x: Tensor) -> Tensor:
    x = model.hidden(x).sigmoid()
    y = model.out(x)
    with torch.no_grad():
        x.mul_(2)
    return y


def _halve(w: Tensor) -> None:
    assert w.grad is not None
    w.grad.mul_(0.5)


def averaged(model: Any, x: Tensor) -> Tensor:
    x = model.hidden(x)
    model.mean = x.detach().mean(0) if model.mean is None else model.mean.lerp(x.detach().mean(0), 0.1)
    return model.out(x - model.mean)


def iterated(model: Any, x: Tensor) -> Tensor:
    return model.out(model.hidden(x)) * (1 + next(model.calls[0]) // 100)


def thawed(model: Any, x: Tensor) -> Tensor:
    """Trains its first layer from the fifth step on."""
    model.num_calls += model.training
    model.hidden.requires_grad_(model.num_calls > 4)
    return plain(model, x)


def hooked(model: Any, x: Tensor) -> Tensor:
    return plain(model, x)


HOW: dict[str, Callable[[Any, Tensor], Tensor]] = {
    function.__name__: function
    for function in (
        *(late, replaced, clamped, moved_in_the_backward, counted, by_reference, once, plain, fails_in_the_backward),
        *(averaged, iterated, hooked, thawed),
    )
}


def net(input_shape: Shape, num_classes: int, norm: Callable[..., nn.Module], how: str = "plain") -> nn.Module:
    return Changing(prod(input_shape), num_classes, how)
