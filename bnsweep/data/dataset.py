"""What every loader returns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class Dataset:
    """Images of shape (N, C, H, W), as stored (bytes), and int64 labels of shape (N,), to train and to test on.

    `mean` and `std` are those of each channel over the training images, of shape (C,), in the unit of the images.
    """

    train_x: Tensor
    train_y: Tensor
    test_x: Tensor
    test_y: Tensor
    mean: Tensor
    std: Tensor
    num_classes: int

    @classmethod
    def from_arrays(
        cls,
        train: tuple[NDArray[np.uint8], NDArray[np.int64]],
        test: tuple[NDArray[np.uint8], NDArray[np.int64]],
    ) -> Self:
        """Build a dataset from (images, labels) to train and to test on; classes are 0 to the largest label."""
        (train_x, train_y), (test_x, test_y) = train, test
        mean = train_x.mean(axis=(0, 2, 3), dtype=np.float64)
        std = train_x.std(axis=(0, 2, 3), dtype=np.float64)
        return cls(
            train_x=torch.from_numpy(train_x),
            train_y=torch.from_numpy(train_y),
            test_x=torch.from_numpy(test_x),
            test_y=torch.from_numpy(test_y),
            mean=torch.from_numpy(mean).float(),
            std=torch.from_numpy(std).float().clamp_min(1e-6),
            num_classes=int(max(train_y.max(), test_y.max())) + 1,
        )

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of an image."""
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
        """Return stored images as float32 with mean 0 and standard deviation 1 in each channel."""
        return (x_BCHW.float() - self.mean[:, None, None]) / self.std[:, None, None]
