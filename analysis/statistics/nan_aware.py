"""Reductions that skip NaN, and are NaN where nothing is left; without numpy's warnings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Axes = int | tuple[int, ...]


def nan_mean(values: Floats, axis: Axes) -> Floats:
    """Return the mean over `axis` of what is not NaN."""
    known = ~np.isnan(values)
    count = known.sum(axis=axis)
    total = np.where(known, values, 0.0).sum(axis=axis)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def nan_max(values: Floats, axis: Axes) -> Floats:
    """Return the largest over `axis` of what is not NaN."""
    return np.asarray(np.fmax.reduce(values, axis=axis))


def nan_min(values: Floats, axis: Axes) -> Floats:
    """Return the smallest over `axis` of what is not NaN."""
    return np.asarray(np.fmin.reduce(values, axis=axis))
