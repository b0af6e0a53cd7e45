"""Rank correlations, with an interval that takes their units as the only independent things."""

from __future__ import annotations

from math import nan, sqrt

import numpy as np
import pandas as pd

from analysis.statistics.nan_aware import Floats

MIN_TRIALS = 3
MIN_UNITS = 10
"""Below, no interval is given: it would reach over more than one."""


def spearman(x: Floats, y: Floats) -> Floats:
    """Return Spearman's rank correlation along the last axis.

    Args:
        x: shape (..., num_trials), finite; NaN where there is no trial.
        y: the same shape, NaN at the same places.

    Returns:
        Shape (...); NaN where x or y is constant or has fewer than 3 trials.
    """
    known = np.isfinite(x)
    count = known.sum(axis=-1, keepdims=True)
    # Ranked with inf in place of what is missing, the known values keep the ranks 1 to count.
    ranks = (_ranks(np.where(known, values, np.inf)) for values in (x, y))
    rank_x, rank_y = (np.where(known, rank - (count + 1) / 2, 0.0) for rank in ranks)
    scale = np.sqrt((rank_x**2).sum(axis=-1) * (rank_y**2).sum(axis=-1))
    defined = (scale > 0) & (count[..., 0] >= MIN_TRIALS)
    return np.asarray(np.where(defined, (rank_x * rank_y).sum(axis=-1) / np.where(defined, scale, 1.0), np.nan))


def _ranks(values: Floats) -> Floats:
    """Return the ranks along the last axis, equals sharing theirs; `scipy.stats` takes longer to import."""
    flat = pd.DataFrame(values.reshape(-1, values.shape[-1]))
    return flat.rank(axis="columns").to_numpy().reshape(values.shape)


def correlation_interval(correlation: float, units: int, confidence: float) -> tuple[float, float]:
    """Return an interval for Spearman's correlation over so many independent units; NaN below `MIN_UNITS`.

    On Fisher's scale with the variance (1 + r^2 / 2) / (n - 3) (Bonett & Wright 2000) and Student's t in place of the
    normal. Of a mean of correlations over the same units it is the interval of a single one: strata that are alike, as
    neighbouring learning rates are, say nothing new.
    """
    from scipy.special import stdtrit

    if units < MIN_UNITS or not np.isfinite(correlation):
        return nan, nan
    reach = float(stdtrit(units - 2, (1 + confidence) / 2)) * sqrt((1 + correlation**2 / 2) / (units - 3))
    centre = float(np.arctanh(np.clip(correlation, -0.9999, 0.9999)))
    return float(np.tanh(centre - reach)), float(np.tanh(centre + reach))
