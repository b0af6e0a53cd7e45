"""Where a normalization sits in a model, and what every mode needs to know of it."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor, nn

from bnsweep.errors import InputError

EPS = 1e-5
"""Added to every mode's denominator or to what is under its root, as in `torch.nn.BatchNorm2d`."""

MOMENTUM = 0.1
"""Weight of the newest mini-batch in running statistics, as in `torch.nn.BatchNorm2d`."""

WORDS = {1: "one", 2: "two"}


@dataclass(frozen=True)
class NormSite:
    """One place between a layer's weights and its nonlinearity.

    Args:
        channels: channels C of a map, or features of a fully connected layer.
        spatial: height and width (H, W) of the map, None after a fully connected layer.
        index: number of the site in its model, from 0 at the input.
        noise_seed: seed of the noise of `noisy_batch`; the other modes ignore it.
    """

    channels: int
    spatial: tuple[int, int] | None
    index: int
    noise_seed: int

    @property
    def positions(self) -> int:
        """Return H x W, or 1 after a fully connected layer."""
        return 1 if self.spatial is None else prod(self.spatial)

    def require_many(self, mode: str, values: int, what: str, use: str, *, least: int = 3) -> None:
        """Raise InputError if a statistic of `mode` is taken over so few values of a sample that they say nothing.

        One value less its mean is always zero. Two less their mean, over their standard deviation, are +1 and -1
        whatever they are: the function has steps, and its gradients are rounding.

        Args:
            mode: the mode's name.
            values: how many values of one sample share a statistic at this site.
            what: what they are, in the singular: "position per channel".
            use: what to use instead.
            least: as few as the mode can work on.
        """
        if values < least:
            plural = what if least == 2 else what.replace(" per ", "s per ")
            number = f"has {WORDS[values]}" + (", which become +1 and -1 whatever they are" if values == 2 else "")
            raise InputError(
                f"norm: {mode} normalization needs more than {WORDS[least - 1]} {plural}, "
                f"but site {self.index} ({self}) {number}; use {use}"
            )

    def __str__(self) -> str:
        size = "fully connected" if self.spatial is None else f"{self.spatial[0]}x{self.spatial[1]}"
        return f"{self.channels} channels, {size}"


class Normalization(nn.Module):
    """What a normalization mode puts at a site: models and probes know it by this class.

    Args:
        site: the place that it is built for.
    """

    site: NormSite


def batch_dims(x: Tensor) -> tuple[int, ...]:
    """Return the dimensions of x, (N, C) or (N, C, H, W), that batch statistics of a channel are taken over."""
    return (0, *range(2, x.ndim))


def with_digits(x: Tensor) -> Tensor:
    """Return x in float32 where it has less, as under autocast: statistics take that, as PyTorch's own do."""
    return x.float() if x.dtype.itemsize < torch.float32.itemsize else x


def per_channel(values: Tensor, x: Tensor) -> Tensor:
    """Return `values` (C,) shaped so that it broadcasts over x, (N, C) or (N, C, H, W)."""
    return values.view(1, -1, *(1 for _ in range(2, x.ndim)))
