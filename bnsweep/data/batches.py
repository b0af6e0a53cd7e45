"""Mini-batches: which samples each step trains on."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import torch
from torch import Tensor

from bnsweep.data.augment import augmented, drawn
from bnsweep.data.dataset import Dataset
from bnsweep.rng import derive
from bnsweep.spec import TrainSpec

CPU = torch.device("cpu")
MAX_STANDARDIZED_BYTES = 2**26
"""What a trial may hold of standardized samples beside those as stored."""


def batches(data: Dataset, train: TrainSpec, seed: int, first: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the samples (B, C, H, W), standardized and augmented, and the labels (B,) of each step from `first` on.

    A small training set is standardized once; the bits are the same.
    """
    order = batch_indices(len(data.train_y), train.batch_size, train.steps, seed, data.train_y.device)
    is_ready = data.train_x.is_floating_point() or 4 * data.train_x.numel() <= MAX_STANDARDIZED_BYTES
    ready = data.standardize(data.train_x) if is_ready else None
    shape, steps = torch.Size((train.batch_size, *data.train_x.shape[1:])), range(first, train.steps)
    draws = drawn(shape, train.augment, seed, steps, data.train_y.device)
    for index, of_step in zip(islice(order, first, None), draws, strict=True):
        samples = data.standardize(data.train_x[index]) if ready is None else ready[index]
        yield augmented(samples, train.augment, of_step), data.train_y[index]


def batch_indices(
    num_samples: int, batch_size: int, steps: int, seed: int, device: torch.device = CPU
) -> Iterator[Tensor]:
    """Yield the samples of each step, of shape (batch_size,), on `device`.

    Every epoch is a fresh permutation, without the samples left over when it is cut into batches. It is drawn
    on the CPU, and copied to the device once: a copy at each step would have the CPU wait for all that is queued there.
    """
    generator = torch.Generator().manual_seed(derive(seed, "data_order"))
    per_epoch = num_samples // batch_size
    for step in range(steps):
        if step % per_epoch == 0:
            order = torch.randperm(num_samples, generator=generator).to(device)
        start = step % per_epoch * batch_size
        yield order[start : start + batch_size]
