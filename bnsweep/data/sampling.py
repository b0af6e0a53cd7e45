"""Some of many samples, all classes in their proportions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bnsweep.rng import derive

Rows = NDArray[np.int64]


def sampled(labels: Rows, limit: int | None, seed: int, part: str) -> Rows:
    """Return the rows of a stratified sample, sorted; all rows where no more are there, or `limit` is None.

    Each class is put into a random order, its place r of n is at (r + 1/2) / n, and the `limit` rows that come first
    are taken. So of every class as many are there as Sainte-Lague's method of apportionment gives it: its share of the
    limit, rounded, and no class gets fewer because there are more in all. A larger sample holds every smaller one.

    Args:
        labels: (N,), the class of each row; of real targets (N, K) all rows are taken for one class.
        limit: how many rows.
        seed: of the order within the classes.
        part: which stream of the seed it is drawn from: train or test.
    """
    if limit is None or limit >= len(labels):
        return np.arange(len(labels))
    labels = labels if labels.ndim == 1 else np.zeros(len(labels), np.int64)
    shuffled = np.random.default_rng(derive(seed, f"sample_{part}")).permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    _, firsts, counts = np.unique(labels[by_class], return_index=True, return_counts=True)
    place = np.arange(len(labels)) - np.repeat(firsts, counts)
    along = (place + 0.5) / np.repeat(counts, counts)
    return np.sort(by_class[np.argsort(along, kind="stable")[:limit]])
