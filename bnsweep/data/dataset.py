"""What every loader returns: samples and targets, held whole as tensors.

What is no byte is standardized once, in float64: numbers far from zero, such as 1e9 with a standard deviation of 1,
would be constant if they were cast to float32 before. Bytes stay bytes, and are standardized as they are used.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bnsweep.errors import InputError

MAX_CLASSES = 100_000
"""Labels beyond are taken for a mistake: a number that is no label."""
Samples = NDArray[Any]
"""(N, C, H, W), numbers of any type."""
Targets = NDArray[Any]
"""Labels (N,), int64; or real targets (N, K), float32."""
Labelled = tuple[Samples, Targets]
"""Samples and their targets."""
ROWS_AT_A_TIME_BYTES = 2**25
"""What a piece of the samples takes in float64, in which means are taken."""


@dataclass(frozen=True)
class Dataset:
    """Samples of shape (N, C, H, W) and int64 labels of shape (N,), or real targets (N, K), to train and to test on.

    Samples are bytes as stored, or float32, standardized already. A vector of D features is an image of D channels and
    one pixel, (D, 1, 1). `mean` and `std` are those of each channel over the training samples as they were given, of
    shape (C,); `std` is 1 for a channel that is constant. Real targets are as given. `num_classes` is how many numbers
    a model gives: with real targets K, although these are no classes. `sha256` is that of what they were read from;
    None where the spec says all of it.
    """

    train_x: Tensor
    train_y: Tensor
    test_x: Tensor
    test_y: Tensor
    mean: Tensor
    std: Tensor
    num_classes: int
    sha256: str | None = None

    @classmethod
    def from_arrays(
        cls, train: Labelled, test: Labelled, num_classes: int | None = None, sha256: str | None = None
    ) -> Self:
        """Build a dataset from (samples, targets) to train and to test on, the samples of both of one type.

        Classes are 0 to `num_classes` - 1, by default to the largest label.

        Raises:
            InputError: samples are so far from those to train on that float32 does not hold them, standardized.
        """
        (train_x, train_y), (test_x, test_y) = train, test
        mean, std = mean_and_std(train_x)
        if train_x.dtype != np.uint8:
            train_x, test_x = (_standardized(x, mean, std) for x in (train_x, test_x))
        return cls(
            train_x=torch.from_numpy(train_x),
            train_y=torch.from_numpy(train_y),
            test_x=torch.from_numpy(test_x),
            test_y=torch.from_numpy(test_y),
            mean=torch.from_numpy(mean).float(),
            std=torch.from_numpy(std).float(),
            num_classes=num_classes or num_outputs(train_y, test_y),
            sha256=sha256,
        )

    @property
    def has_real_targets(self) -> bool:
        """Whether targets are real numbers, not classes."""
        return self.train_y.is_floating_point()

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of a sample."""
        channels, height, width = self.train_x.shape[1:]
        return channels, height, width

    def to(self, device: torch.device) -> Self:
        """Return the dataset on `device`."""
        held: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        moved = {name: part.to(device) for name, part in held.items() if isinstance(part, Tensor)}
        return type(self)(**{**held, **moved})

    def standardize(self, x_BCHW: Tensor) -> Tensor:
        """Return samples of the dataset with mean 0 and standard deviation 1 in each channel, as `mean` is held."""
        if x_BCHW.dtype != torch.uint8:
            return x_BCHW
        return (x_BCHW.to(self.mean.dtype) - self.mean[:, None, None]) / self.std[:, None, None]


def num_outputs(train_y: Targets, test_y: Targets) -> int:
    """Return how many numbers a model gives: one for each class up to the largest label, or each real target."""
    return train_y.shape[1] if train_y.ndim == 2 else int(max(train_y.max(), test_y.max())) + 1


def mean_and_std(x: Samples) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and standard deviation of each channel (C,), the latter 1 for one that is constant.

    The mean is taken twice, the second time of what is left beside the first: many large numbers lose digits in a sum.
    """
    axes, per_channel = (0, 2, 3), x.size / x.shape[1]
    mean = sum(piece.sum(axes) for piece in _pieces(x)) / per_channel
    beside, squares = np.zeros_like(mean), np.zeros_like(mean)
    for piece in _pieces(x):
        left = piece - mean[:, None, None]
        beside += left.sum(axes)
        squares += (left * left).sum(axes)
    beside /= per_channel
    std = np.sqrt(np.maximum(squares / per_channel - beside**2, 0))
    resolution = np.finfo(x.dtype if x.dtype.kind == "f" else np.float32).eps
    std[std <= resolution * np.abs(mean)] = 1.0  # constant, as far as numbers of this type can tell
    return mean + beside, std


def _standardized(x: Samples, mean: NDArray[np.float64], std: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return samples as float32 with the mean 0 and the standard deviation 1."""
    done, start = np.empty(x.shape, np.float32), 0
    for piece in _pieces(x):
        with np.errstate(over="ignore"):
            done[start : start + len(piece)] = (piece - mean[:, None, None]) / std[:, None, None]
        start += len(piece)
    if not np.isfinite(done).all():
        raise InputError(
            "dataset: some samples are 1e38 standard deviations from the mean of those to train on; leave them out"
        )
    return done


def _pieces(x: Samples) -> Iterator[NDArray[np.float64]]:
    """Yield the samples in float64, some at a time."""
    rows = max(1, ROWS_AT_A_TIME_BYTES // (8 * x[0].size))
    for start in range(0, len(x), rows):
        yield x[start : start + rows].astype(np.float64)
