"""Augmentation: mini-batches of images, cropped and flipped at random, all samples of a batch at once on its device.

Each is drawn from a stream of its own, which the trial's seed and the step begin: the same across lr, gain and norm,
and with others or without. Nothing of it is state: a trial that is resumed at a step draws what it would have drawn.

Shapes: B samples, C channels, H rows, W columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from bnsweep.errors import InputError
from bnsweep.rng import derive

AT_ONCE = 64
"""Steps that are drawn for at once."""


def padding(side: int) -> int:
    """Return how many zeros a side of an image gets at each end before it is cropped: an eighth of it, rounded.

    >>> padding(8), padding(28), padding(32), padding(224)
    (1, 4, 4, 28)
    """
    return (side + 4) // 8


def draw_places(shape_BCHW: torch.Size, generator: Generator) -> Tensor:
    """Return the row and column at which each window begins, (B, 2), on the CPU: uniform over all there are."""
    count, _, height, width = shape_BCHW
    sides = [torch.randint(2 * padding(side) + 1, (count,), generator=generator) for side in (height, width)]
    return torch.stack(sides, dim=1)


def crop(x_BCHW: Tensor, places_B2: Tensor) -> Tensor:
    """Return a window of H x W of each image with zeros around it, which begins at its place.

    Images are standardized: zero is the mean of the channel.

    Source: He et al. 2015, "Deep residual learning for image recognition", section 4.2 (4 pixels at 32 x 32).
    """
    count, channels, height, width = x_BCHW.shape
    rows_BH, columns_BW = (
        places_B2[:, [k]] + torch.arange(side, device=x_BCHW.device) for k, side in enumerate((height, width))
    )
    around = F.pad(x_BCHW, (padding(width), padding(width), padding(height), padding(height)))
    sample, channel = (torch.arange(n, device=x_BCHW.device) for n in (count, channels))
    place = sample[:, None, None, None], channel[:, None, None], rows_BH[:, None, :, None], columns_BW[:, None, None, :]
    return around[place]


def draw_flips(shape_BCHW: torch.Size, generator: Generator) -> Tensor:
    """Return which images are flipped, (B,), on the CPU: each with probability 1/2."""
    return torch.rand(shape_BCHW[0], generator=generator) < 0.5


def flip(x_BCHW: Tensor, is_flipped_B: Tensor) -> Tensor:
    """Return each image as it is or with left and right exchanged."""
    return torch.where(is_flipped_B[:, None, None, None], x_BCHW.flip(3), x_BCHW)


DRAWS: dict[str, Callable[[torch.Size, Generator], Tensor]] = {"crop": draw_places, "flip": draw_flips}
"""By the name in the sweep file; each draws for the images of a mini-batch from the stream that it is given."""
AUGMENTATIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"crop": crop, "flip": flip}
"""By the name in the sweep file; each takes images and what was drawn for them, on their device."""
MIN_SIDES = {"crop": (4, 4), "flip": (1, 2)}
"""Height and width from which on each does something."""


def drawn(
    shape_BCHW: torch.Size, names: Sequence[str], seed: int, steps: range, device: torch.device
) -> Iterator[list[Tensor]]:
    """Yield for each step what is drawn for its mini-batch by each of `names`, on the device.

    It is copied for many steps at once: a copy at each step would have the CPU wait for all that is queued there.
    """
    for start in range(0, len(steps), AT_ONCE):
        ahead = steps[start : start + AT_ONCE]
        of_each = [torch.stack([_drawn(shape_BCHW, name, seed, step) for step in ahead]).to(device) for name in names]
        yield from ([of_name[k] for of_name in of_each] for k in range(len(ahead)))


def _drawn(shape_BCHW: torch.Size, name: str, seed: int, step: int) -> Tensor:
    return DRAWS[name](shape_BCHW, Generator().manual_seed(derive(seed, f"augment_{name}", step)))


def augmented(x_BCHW: Tensor, names: Sequence[str], of_step: Sequence[Tensor]) -> Tensor:
    """Return a mini-batch augmented by each of `names`, by what was drawn for its step."""
    for name, what in zip(names, of_step, strict=True):
        x_BCHW = AUGMENTATIONS[name](x_BCHW, what)
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
