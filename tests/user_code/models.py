"""Models that a user might name in a sweep file, good and bad."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

Site = Callable[[int, tuple[int, int] | None], nn.Module]
Shape = tuple[int, int, int]


def chain(input_shape: Shape, num_classes: int, norm: Site, width: int = 4, p: float = 0.3) -> nn.Sequential:
    """An `nn.Sequential` with dropout in it, an own parameter in front, and a nested one."""
    channels, height, width_px = input_shape
    return nn.Sequential(
        Scale(channels),
        nn.Sequential(nn.Conv2d(channels, width, 3, padding=1), norm(width, (height, width_px)), nn.ReLU()),
        nn.Dropout(p),
        nn.Conv2d(width, 2 * width, 3, padding=1, bias=False),
        norm(2 * width, (height, width_px)),
        nn.ReLU(),
        nn.Dropout2d(p),
        nn.Flatten(),
        nn.Linear(2 * width * height * width_px, num_classes),
    )


def branches(input_shape: Shape, num_classes: int, norm: Site, width: int = 4, p: float = 0.3) -> nn.Module:
    """Two branches with dropout, joined: no chain of stages."""
    return Branches(input_shape, num_classes, norm, width, p)


class Scale(nn.Module):
    """Times a parameter per channel that is drawn when it is built."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(1 + 0.1 * torch.randn(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale


class Branches(nn.Module):
    def __init__(self, input_shape: Shape, num_classes: int, norm: Site, width: int, p: float) -> None:
        super().__init__()
        channels, *size = input_shape
        self.narrow = nn.Sequential(
            nn.Conv2d(channels, width, (1, 3), padding=(0, 1)), norm(width, tuple(size)), nn.ReLU()
        )
        self.wide = nn.Sequential(nn.Conv2d(channels, width, 3, padding=1), norm(width, tuple(size)), nn.Tanh())
        self.dropout = nn.Dropout(p)
        self.head = nn.Linear(2 * width * size[0] * size[1], num_classes)

    def forward(self, x: Tensor) -> Tensor:
        both = torch.cat([self.dropout(self.narrow(x)), self.dropout(self.wide(x))], dim=1)
        return self.head(both.flatten(1))


def tied(input_shape: Shape, num_classes: int, norm: Site) -> nn.Sequential:
    """Two stages with one weight between them and a layer in the middle."""
    channels, height, width = input_shape
    first, last = nn.Linear(5, 5), nn.Linear(5, 5)
    last.weight = first.weight
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(channels * height * width, 5),
        first,
        norm(5, None),
        nn.ReLU(),
        nn.Linear(5, 5),
        nn.ReLU(),
        last,
        nn.Linear(5, num_classes),
    )


class WithStages(nn.Module):
    """A module whose `stages` are all it does."""

    def __init__(self, features: int, num_classes: int) -> None:
        super().__init__()
        self.stages = nn.Sequential(nn.Flatten(), nn.Linear(features, 5), nn.ReLU(), nn.Linear(5, num_classes))

    def forward(self, x: Tensor) -> Tensor:
        return self.stages(x)


def with_stages(input_shape: Shape, num_classes: int, norm: Site) -> nn.Module:
    return WithStages(input_shape[0] * input_shape[1] * input_shape[2], num_classes)


def headless(input_shape: Shape, num_classes: int, norm: Site) -> nn.Module:
    return nn.Sequential(nn.Conv2d(input_shape[0], num_classes, 1))


def misfit(input_shape: Shape, num_classes: int, norm: Site) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(1, num_classes))


def refusing(input_shape: Shape, num_classes: int, norm: Site, depth: int) -> nn.Module:
    raise ValueError(f"depth {depth} is odd")


def no_module(input_shape: Shape, num_classes: int, norm: Site) -> int:
    return 3


def no_layer(input_shape: Shape, num_classes: int, norm: Site) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Softmax(1))


def parametrized(input_shape: Shape, num_classes: int, norm: Site) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.utils.parametrizations.weight_norm(nn.Linear(64, num_classes)))


def lazy(input_shape: Shape, num_classes: int, norm: Site) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(num_classes))


def bad_site(input_shape: Shape, num_classes: int, norm: Site) -> nn.Module:
    return norm(16, 8)  # type: ignore[arg-type]


NO_CALLABLE = 3
