"""Mini-batches: which samples each step trains on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    """Yield the samples (B, C, H, W), standardized and augmented, and the labels (B,) of each step from `first` on."""
    return ((x[0], y[0]) for x, y in joined_batches(data, train, [seed], first))


def joined_batches(
    data: Dataset, train: TrainSpec, seeds: Sequence[int], first: int = 0
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the samples (K, B, C, H, W) and the labels (K, B) of K trials, those of each as `batches` of its seed.

    A small training set is standardized once; the bits are the same.
    """
    device, batch_size, steps = data.train_y.device, train.batch_size, range(first, train.steps)
    is_ready = data.train_x.is_floating_point() or 4 * data.train_x.numel() <= MAX_STANDARDIZED_BYTES
    ready = data.standardize(data.train_x) if is_ready else None
    each = list(dict.fromkeys(seeds))
    which = None if each == list(seeds) else torch.tensor([each.index(seed) for seed in seeds], device=device)
    orders = [
        islice(batch_indices(len(data.train_y), batch_size, train.steps, seed, device), first, None) for seed in each
    ]
    shape = torch.Size((batch_size, *data.train_x.shape[1:]))
    draws = [drawn(shape, train.augment, seed, steps, device) for seed in each]
    for indices, of_step in zip(zip(*orders, strict=True), zip(*draws, strict=True), strict=True):
        index = torch.cat(indices)
        samples = data.standardize(data.train_x[index]) if ready is None else ready[index]
        together = [torch.cat(of_each) for of_each in zip(*of_step, strict=True)]
        x, y = augmented(samples, train.augment, together), data.train_y[index]
        x, y = x.view(len(each), batch_size, *x.shape[1:]), y.view(len(each), batch_size, *y.shape[1:])
        yield (x, y) if which is None else (x[which], y[which])


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
