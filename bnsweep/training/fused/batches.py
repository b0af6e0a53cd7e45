"""The mini-batches of K trials that train on the same data, each in the order of its own seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from bnsweep.data import Dataset
from bnsweep.data.batches import batches
from bnsweep.spec import TrialSpec


def joined_batches(data: Dataset, specs: Sequence[TrialSpec]) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the samples (K, B, C, H, W) and targets (K, B) of each step."""
    of_each = [batches(data, spec.train, spec.seed) for spec in specs]
    for of_step in zip(*of_each, strict=True):
        x, y = zip(*of_step, strict=True)
        yield torch.stack(x), torch.stack(y)
