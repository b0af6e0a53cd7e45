"""One net in three packagings: as a flat chain, as a chain of blocks, and as a module that is no chain."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import torch
from torch import Tensor, nn

Site = Callable[[int, tuple[int, int] | None], nn.Module]
Shape = tuple[int, int, int]
WIDTH = 5


def net(input_shape: Shape, num_classes: int, norm: Site, kind: str, packaging: str) -> nn.Module:
    """The net `kind` of KINDS, in `packaging`: "flat", "blocks" or "module"."""
    blocks = KINDS[kind](prod(input_shape), num_classes, norm)
    if packaging == "flat":
        return nn.Sequential(*(piece for block in blocks for piece in block))
    return nn.Sequential(*map(InOrder, blocks)) if packaging == "blocks" else InOrder([p for b in blocks for p in b])


class InOrder(nn.Module):
    """Calls its pieces in turn, and registers them in the opposite order."""

    def __init__(self, pieces: list[nn.Module]) -> None:
        super().__init__()
        for i in reversed(range(len(pieces))):
            self.add_module(f"piece{i}", pieces[i])
        self.length = len(pieces)

    def forward(self, x: Tensor) -> Tensor:
        for i in range(self.length):
            x = self.get_submodule(f"piece{i}")(x)
        return x


class Shift(nn.Module):
    """A parameter of no layer, as a position's embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.shift = nn.Parameter(0.1 * torch.randn(WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.shift


class Residual(nn.Module):
    """x + linear(norm(x)): what comes first in the block is no layer."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.norm, self.linear = norm, nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.linear(self.norm(x)).tanh()


def before(features: int, num_classes: int, norm: Site) -> list[list[nn.Module]]:
    """Normalization before the weights."""
    middle = [[norm(WIDTH, None), nn.Tanh(), nn.Linear(WIDTH, WIDTH)] for _ in range(2)]
    return [[nn.Flatten(), nn.Linear(features, WIDTH)], *middle, [norm(WIDTH, None), nn.Linear(WIDTH, num_classes)]]


def after(features: int, num_classes: int, norm: Site) -> list[list[nn.Module]]:
    """Normalization after the weights."""
    first = [nn.Flatten(), nn.Linear(features, WIDTH), norm(WIDTH, None), nn.Tanh()]
    middle = [[nn.Linear(WIDTH, WIDTH), norm(WIDTH, None), nn.Tanh()] for _ in range(2)]
    return [first, *middle, [nn.Linear(WIDTH, num_classes)]]


def residual(features: int, num_classes: int, norm: Site) -> list[list[nn.Module]]:
    """Blocks that normalize first, between layers."""
    middle = [[Residual(norm(WIDTH, None))] for _ in range(2)]
    return [[nn.Flatten(), nn.Linear(features, WIDTH)], *middle, [norm(WIDTH, None), nn.Linear(WIDTH, num_classes)]]


def shifted(features: int, num_classes: int, norm: Site) -> list[list[nn.Module]]:
    """A parameter of no layer before, between and after layers, at the beginning and at the end of blocks."""
    first = [nn.Flatten(), nn.Linear(features, WIDTH), Shift()]
    return [first, [Shift(), nn.Linear(WIDTH, WIDTH), norm(WIDTH, None)], [Shift(), nn.Linear(WIDTH, num_classes)]]


def tied(features: int, num_classes: int, norm: Site) -> list[list[nn.Module]]:
    """Two layers with one weight and a bias each, and one normalization in two places."""
    site, one, two = norm(WIDTH, None), nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
    two.weight = one.weight
    first = [nn.Flatten(), nn.Linear(features, WIDTH)]
    return [first, [site, one], [nn.Tanh(), nn.Linear(WIDTH, WIDTH)], [site, two], [nn.Linear(WIDTH, num_classes)]]


KINDS = {"before": before, "after": after, "residual": residual, "shifted": shifted, "tied": tied}
