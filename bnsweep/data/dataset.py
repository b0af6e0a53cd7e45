"""What every loader returns: samples and labels, held whole as tensors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

MAX_CLASSES = 100_000
"""Labels beyond are taken for a mistake: a number that is no label."""
Samples = NDArray[np.uint8] | NDArray[np.float32]
Labelled = tuple[Samples, NDArray[np.int64]]
"""Samples (N, C, H, W) and their labels (N,)."""


@dataclass(frozen=True)
class Dataset:
    """Samples of shape (N, C, H, W) and int64 labels of shape (N,), to train and to test on.

    Samples are as stored: images as bytes, other data as float32. A vector of D features is an image of D channels and
    one pixel, (D, 1, 1). `mean` and `std` are those of each channel over the training samples, of shape (C,), in the
    unit of the samples; `std` is 1 for a channel that is constant.
    """

    train_x: Tensor
    train_y: Tensor
    test_x: Tensor
    test_y: Tensor
    mean: Tensor
    std: Tensor
    num_classes: int

    @classmethod
    def from_arrays(cls, train: Labelled, test: Labelled, num_classes: int | None = None) -> Self:
        """Build a dataset from (samples, labels) to train and to test on.

        Classes are 0 to `num_classes` - 1, by default to the largest label.
        """
        (train_x, train_y), (test_x, test_y) = train, test
        mean = train_x.mean(axis=(0, 2, 3), dtype=np.float64)
        std = train_x.std(axis=(0, 2, 3), dtype=np.float64)
        std[std <= np.finfo(np.float32).eps * np.abs(mean)] = 1.0  # constant, as far as float32 can tell
        return cls(
            train_x=torch.from_numpy(train_x),
            train_y=torch.from_numpy(train_y),
            test_x=torch.from_numpy(test_x),
            test_y=torch.from_numpy(test_y),
            mean=torch.from_numpy(mean).float(),
            std=torch.from_numpy(std).float(),
            num_classes=num_classes or int(max(train_y.max(), test_y.max())) + 1,
        )

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of a sample."""
        channels, height, width = self.train_x.shape[1:]
        return channels, height, width

    def to(self, device: torch.device) -> Self:
        """Return the dataset on `device`."""
        return replace(
            self,
            train_x=self.train_x.to(device),
            train_y=self.train_y.to(device),
            test_x=self.test_x.to(device),
            test_y=self.test_y.to(device),
            mean=self.mean.to(device),
            std=self.std.to(device),
        )

    def standardize(self, x_BCHW: Tensor) -> Tensor:
        """Return stored samples as float32 with mean 0 and standard deviation 1 in each channel."""
        return (x_BCHW.float() - self.mean[:, None, None]) / self.std[:, None, None]
