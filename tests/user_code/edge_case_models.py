"""Models that a user might name, each of which breaks something that a probe could take for granted."""

from __future__ import annotations

import random
from collections.abc import Callable
from math import prod

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

Site = Callable[[int, tuple[int, int] | None], nn.Module]
Shape = tuple[int, int, int]
WIDTH = 5


def dropped(input_shape: Shape, num_classes: int, norm: Site) -> nn.Sequential:
    """Dropout before a normalization and before the last layer."""
    return nn.Sequential(
        nn.Flatten(),
        *(nn.Linear(prod(input_shape), WIDTH), norm(WIDTH, None), nn.ReLU(), nn.Dropout(0.3)),
        *(nn.Linear(WIDTH, WIDTH), norm(WIDTH, None), nn.Tanh(), nn.Dropout(0.3)),
        nn.Linear(WIDTH, num_classes),
    )


def frozen(input_shape: Shape, num_classes: int, norm: Site) -> nn.Sequential:
    """A layer that is not trained, and a parameter that cannot be."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(prod(input_shape), WIDTH).requires_grad_(False),
        *(norm(WIDTH, None), nn.Tanh(), Permuted(), nn.Linear(WIDTH, WIDTH), nn.Tanh()),
        nn.Linear(WIDTH, num_classes),
    )


class Permuted(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.order = nn.Parameter(torch.randperm(WIDTH), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        return x[:, self.order]


def summed(input_shape: Shape, num_classes: int, norm: Site) -> nn.Module:
    """Two parameters with one gradient between them, and one whose gradient is the same number everywhere."""
    return Summed(prod(input_shape), num_classes, norm)


class Summed(nn.Module):
    def __init__(self, features: int, num_classes: int, norm: Site) -> None:
        super().__init__()
        self.first, self.site, self.last = nn.Linear(features, WIDTH), norm(WIDTH, None), nn.Linear(WIDTH, num_classes)
        self.base, self.delta = (nn.Parameter(scale * torch.randn(WIDTH, WIDTH)) for scale in (0.3, 0.1))
        self.shift = nn.Parameter(torch.randn(3))

    def forward(self, x: Tensor) -> Tensor:
        x = self.site(self.first(x.flatten(1)) + self.shift.sum()).tanh()
        return self.last(F.linear(x, self.base + self.delta).tanh())


def in_place(input_shape: Shape, num_classes: int, norm: Site, inplace: bool = True) -> nn.Sequential:
    """What comes first writes to the mini-batch, activations to what leaves a site, a block to its input."""
    return nn.Sequential(
        *(nn.Flatten(), nn.Dropout(0.2, inplace=inplace), nn.Linear(prod(input_shape), WIDTH), norm(WIDTH, None)),
        *(nn.ReLU(inplace=inplace), nn.Linear(WIDTH, WIDTH), Halved(inplace), nn.Linear(WIDTH, num_classes)),
    )


class Halved(nn.Module):
    """Two layers on half of the input."""

    def __init__(self, inplace: bool) -> None:
        super().__init__()
        self.inplace, self.a, self.b = inplace, nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        x = x.mul_(0.5) if self.inplace else x * 0.5
        return self.b(self.a(x).tanh())


def reordered(input_shape: Shape, num_classes: int, norm: Site, registered: str = "backwards") -> nn.Module:
    """Layers and sites that are registered in another order than they are called."""
    return Reordered(prod(input_shape), num_classes, norm, registered == "backwards")


class Reordered(nn.Module):
    def __init__(self, features: int, num_classes: int, norm: Site, backwards: bool) -> None:
        super().__init__()
        modules = {
            "a": nn.Linear(features, WIDTH),
            "norm_a": norm(WIDTH, None),
            "b": nn.Linear(WIDTH, WIDTH),
            "norm_b": norm(WIDTH, None),
            "head": nn.Linear(WIDTH, num_classes),
        }
        for name in ("head", "b", "a", "norm_b", "norm_a") if backwards else modules:
            self.add_module(name, modules[name])

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm_a(self.a(x.flatten(1))).tanh()
        return self.head(self.norm_b(self.b(x)).tanh())


def pairs(input_shape: Shape, num_classes: int, norm: Site) -> nn.Sequential:
    """A chain whose first stage returns two tensors in a tuple."""
    features = prod(input_shape)
    return nn.Sequential(
        nn.Flatten(), Fork(features), Join(features), norm(WIDTH, None), nn.Tanh(), nn.Linear(WIDTH, num_classes)
    )


class Fork(nn.Module):
    def __init__(self, features: int) -> None:
        super().__init__()
        self.layer = nn.Linear(features, WIDTH)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x, self.layer(x)


class Join(nn.Module):
    def __init__(self, features: int) -> None:
        super().__init__()
        self.narrow, self.wide = nn.Linear(WIDTH, WIDTH), nn.Linear(features, WIDTH)

    def forward(self, both: tuple[Tensor, Tensor]) -> Tensor:
        return self.narrow(both[1].tanh()) + self.wide(both[0])


def gated(input_shape: Shape, num_classes: int, norm: Site) -> nn.Module:
    """An `nn.Sequential` called `stages` that is all the model does in the first forward alone."""
    return Gated(prod(input_shape), num_classes, norm)


class Gated(nn.Module):
    def __init__(self, features: int, num_classes: int, norm: Site) -> None:
        super().__init__()
        site = norm(WIDTH, None)
        self.stages = nn.Sequential(
            nn.Flatten(), nn.Linear(features, WIDTH), site, nn.Tanh(), nn.Linear(WIDTH, num_classes)
        )
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.seen += 1
        return self.stages(x * torch.where(self.seen > 1, 3.0, 1.0))


def flipped(input_shape: Shape, num_classes: int, norm: Site) -> nn.Sequential:
    """Draws from Python's and numpy's global streams in every forward."""
    return nn.Sequential(
        *(nn.Flatten(), nn.Linear(prod(input_shape), WIDTH), norm(WIDTH, None), nn.Tanh()),
        *(Flipped(), nn.Linear(WIDTH, WIDTH), Flipped(), nn.Linear(WIDTH, num_classes)),
    )


class Flipped(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * (1 + random.random() + np.random.rand()) if self.training else x  # noqa: NPY002  as users do


def unused(input_shape: Shape, num_classes: int, norm: Site) -> nn.Module:
    """A site and a layer that the forward never calls."""
    return Unused(prod(input_shape), num_classes, norm)


class Unused(nn.Module):
    def __init__(self, features: int, num_classes: int, norm: Site) -> None:
        super().__init__()
        self.a, self.norm_a, self.norm_b = nn.Linear(features, WIDTH), norm(WIDTH, None), norm(WIDTH, None)
        self.head, self.spare = nn.Linear(WIDTH, num_classes), nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.norm_a(self.a(x.flatten(1))).tanh())


def attending(input_shape: Shape, num_classes: int, norm: Site, fused: bool = False) -> nn.Module:
    """Attention over the rows of an image: parameters that are no layer, and a layer that is not called itself."""
    return Attending(input_shape, num_classes, norm, fused)


class Attending(nn.Module):
    def __init__(self, input_shape: Shape, num_classes: int, norm: Site, fused: bool) -> None:
        super().__init__()
        self.fused = fused
        self.head = nn.Linear(6, num_classes)
        self.embed, self.site = nn.Linear(input_shape[2], 6), norm(6, None)
        self.attention = nn.MultiheadAttention(6, 2, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x[:, 0])
        x, _ = self.attention(x, x, x, need_weights=not self.fused)
        return self.head(self.site(x.mean(1)).tanh())


def refusing(input_shape: Shape, num_classes: int, norm: Site) -> nn.Module:
    raise KeyError("depth")
