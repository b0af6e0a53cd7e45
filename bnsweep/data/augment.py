"""Augmentation: mini-batches of images, cropped and flipped at random, all samples of a batch at once on its device.

Each is drawn from a stream of its own, which the trial's seed and the step begin: the same across lr, gain and norm,
and with others or without. Nothing of it is state: a trial that is resumed at a step draws what it would have drawn.

Shapes: B samples, C channels, H rows, W columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from bnsweep.errors import InputError
from bnsweep.rng import derive


def padding(side: int) -> int:
    """Return how many zeros a side of an image gets at each end before it is cropped: an eighth of it, rounded.

    >>> padding(8), padding(28), padding(32), padding(224)
    (1, 4, 4, 28)
    """
    return (side + 4) // 8


def crop(x_BCHW: Tensor, generator: Generator) -> Tensor:
    """Return a window of H x W of each image with zeros around it, at a place that is uniform over all there are.

    Images are standardized: zero is the mean of the channel.

    Source: He et al. 2015, "Deep residual learning for image recognition", section 4.2 (4 pixels at 32 x 32).
    """
    count, channels, height, width = x_BCHW.shape
    top, left = (torch.randint(2 * padding(side) + 1, (count, 1), generator=generator) for side in (height, width))
    rows_BH, columns_BW = (
        (start + torch.arange(side)).to(x_BCHW.device) for start, side in ((top, height), (left, width))
    )
    around = F.pad(x_BCHW, (padding(width), padding(width), padding(height), padding(height)))
    sample, channel = (torch.arange(n, device=x_BCHW.device) for n in (count, channels))
    place = sample[:, None, None, None], channel[:, None, None], rows_BH[:, None, :, None], columns_BW[:, None, None, :]
    return around[place]


def flip(x_BCHW: Tensor, generator: Generator) -> Tensor:
    """Return each image as it is or, with probability 1/2, with left and right exchanged."""
    is_flipped = torch.rand(len(x_BCHW), generator=generator) < 0.5
    return torch.where(is_flipped.to(x_BCHW.device)[:, None, None, None], x_BCHW.flip(3), x_BCHW)


AUGMENTATIONS: dict[str, Callable[[Tensor, Generator], Tensor]] = {"crop": crop, "flip": flip}
"""By the name in the sweep file; each takes images and the stream that it draws from."""
MIN_SIDES = {"crop": (4, 4), "flip": (1, 2)}
"""Height and width from which on each does something."""


def augmented(x_BCHW: Tensor, names: Iterable[str], seed: int, step: int) -> Tensor:
    """Return the mini-batch of a step, augmented by each of `names`."""
    for name in names:
        generator = Generator().manual_seed(derive(seed, f"augment_{name}", step))
        x_BCHW = AUGMENTATIONS[name](x_BCHW, generator)
    return x_BCHW


def check_augmentable(names: Iterable[str], input_shape: tuple[int, int, int]) -> None:
    """Raise `InputError` where an augmentation does nothing to samples (C, H, W)."""
    _, height, width = input_shape
    for name in names:
        least = MIN_SIDES[name]
        if height < least[0] or width < least[1]:
            raise InputError(
                f"train.augment: {name} needs images of at least {least[0]} x {least[1]} pixels; "
                f"the samples of this dataset are {height} x {width}; leave it out"
            )
