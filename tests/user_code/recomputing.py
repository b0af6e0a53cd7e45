"""Models whose backward does more than go back through what the forward kept."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

Site = Callable[[int, tuple[int, int] | None], nn.Module]
Shape = tuple[int, int, int]
WIDTH = 5


class Again(torch.autograd.Function):
    """A checkpoint of one's own: the forward is run again, and its gradients go straight to the parameters."""

    @staticmethod
    def forward(ctx: Any, block: nn.Module, x: Tensor) -> Tensor:
        ctx.block = block
        ctx.save_for_backward(x)
        with torch.no_grad():
            return block(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor | None]:
        x = ctx.saved_tensors[0].detach().requires_grad_()
        with torch.enable_grad():
            output = ctx.block(x)
        torch.autograd.backward(output, grad)
        return None, x.grad


CALLS: dict[str, Callable[[nn.Module, Tensor], Tensor]] = {
    "plain": lambda block, x: block(x),
    "old": lambda block, x: checkpoint(block, x, use_reentrant=True),
    "new": lambda block, x: checkpoint(block, x, use_reentrant=False),
    "own": Again.apply,
}


class Block(nn.Module):
    def __init__(self, norm: Site, how: str, p: float) -> None:
        super().__init__()
        self.how = how
        self.inner = nn.Sequential(nn.Linear(WIDTH, WIDTH), norm(WIDTH, None), nn.Tanh(), nn.Dropout(p))

    def forward(self, x: Tensor) -> Tensor:
        return CALLS[self.how](self.inner, x)


class Branched(nn.Module):
    """No chain of stages."""

    def __init__(self, features: int, num_classes: int, norm: Site, how: str, p: float) -> None:
        super().__init__()
        self.first, self.block = nn.Linear(features, WIDTH), Block(norm, how, p)
        self.out = nn.Linear(WIDTH, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.block(self.first(x.flatten(1))))


def branched(input_shape: Shape, num_classes: int, norm: Site, how: str = "old", p: float = 0.3) -> nn.Module:
    return Branched(prod(input_shape), num_classes, norm, how, p)


def chained(input_shape: Shape, num_classes: int, norm: Site, how: str = "old", p: float = 0.3) -> nn.Module:
    """A chain of stages, two of them checkpointed."""
    return nn.Sequential(
        *(nn.Flatten(), nn.Linear(prod(input_shape), WIDTH), Block(norm, how, p), Block(norm, how, p)),
        nn.Linear(WIDTH, num_classes),
    )


def hooked(input_shape: Shape, num_classes: int, norm: Site, how: str = "old") -> nn.Module:
    """Hooks that change gradients: of a weight, and of what enters a module."""
    model = nn.Sequential(
        *(nn.Flatten(), nn.Linear(prod(input_shape), WIDTH), norm(WIDTH, None), nn.Tanh()),
        *(nn.Linear(WIDTH, WIDTH), nn.Tanh(), nn.Linear(WIDTH, num_classes)),
    )
    model[4].weight.register_hook(lambda grad: 0.5 * grad)
    model[4].register_full_backward_hook(lambda _, given, __: (3 * given[0],))
    return model


class Complex(nn.Module):
    """A filter with complex parameters, and a complex layer."""

    def __init__(self, features: int, num_classes: int, norm: Site) -> None:
        super().__init__()
        self.first, self.site, self.out = nn.Linear(features, 8), norm(8, None), nn.Linear(8, num_classes)
        self.filter = nn.Parameter(torch.randn(5, dtype=torch.cfloat))

    def forward(self, x: Tensor) -> Tensor:
        x = torch.fft.irfft(torch.fft.rfft(self.first(x.flatten(1))) * self.filter, n=8)
        return self.out(self.site(x))


def spectral(input_shape: Shape, num_classes: int, norm: Site) -> nn.Module:
    return Complex(prod(input_shape), num_classes, norm)


class Rising:
    """A factor that grows with its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> float:
        self.calls += 1
        return self.calls / 100


class Slotted:
    __slots__ = ("calls", "last")

    def __init__(self) -> None:
        self.calls = 0

    def moved(self) -> float:
        self.calls += 1
        before = getattr(self, "last", 0.0)
        self.last = 0.01 * self.calls
        return before


class Counting(nn.Module):
    """Keeps how often it was called in plain attributes, in several ways, and its output depends on each."""

    def __init__(self, features: int, num_classes: int, norm: Site) -> None:
        super().__init__()
        self.first, self.site, self.out = nn.Linear(features, WIDTH), norm(WIDTH, None), nn.Linear(WIDTH, num_classes)
        self.calls, self.seen, self.last = 0, {"samples": [0]}, deque([0.0], maxlen=2)
        self.mean, self.array = torch.zeros(WIDTH, dtype=torch.float64), np.zeros(1)
        self.rng, self.generator = np.random.default_rng(3), torch.Generator().manual_seed(3)
        self.rising, self.slotted = Rising(), Slotted()

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x.flatten(1))
        if self.training:
            self.calls += 1
            self.seen["samples"][0] += len(x)
            self.array += 0.5
            self.mean.lerp_(x.detach().double().mean(0), 0.1)
            self.last.append(self.calls + self.rng.random() + torch.rand((), generator=self.generator).item())
            self.last.append(self.rising() + self.slotted.moved())
        scale = 1 + 0.01 * (self.calls + self.seen["samples"][0] + self.array[0] + sum(self.last))
        return self.out(self.site(x * scale - self.mean.to(x.dtype)).tanh())


def counting(input_shape: Shape, num_classes: int, norm: Site) -> nn.Module:
    return Counting(prod(input_shape), num_classes, norm)


class Ticking(nn.Module):
    """Keeps plain values in plain attributes, and moves them in every mode."""

    def __init__(self, features: int, num_classes: int) -> None:
        super().__init__()
        self.first, self.out = nn.Linear(features, WIDTH), nn.Linear(WIDTH, num_classes)
        self.calls, self.seen, self.kept = 0, {"samples": [0]}, torch.zeros(WIDTH)
        self.names = ("a", nn.ReLU)

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.seen["samples"][0] += len(x)
        x = self.first(x.flatten(1)) * (1 + 0.1 / self.calls)
        self.kept = (0.9 * self.kept + x.detach().mean(0)).to(x.dtype)
        return self.out(x.tanh() + 1e-4 * self.seen["samples"][0] - 0.1 * self.kept)


def ticking(input_shape: Shape, num_classes: int, norm: Site) -> nn.Module:
    return Ticking(prod(input_shape), num_classes)
