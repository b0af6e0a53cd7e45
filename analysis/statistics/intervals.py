"""Intervals over seeds.

From `scipy.special`: to import `scipy.stats` takes longer than to load a sweep of a thousand trials.

A measure is one number per seed (`analysis.measures`), so its value is a mean of independent replicates and its
interval is Student's t. The bootstrap, percentile or BCa, was tried first and left: resampling three to five seeds
covers the truth 70 to 88 times in a hundred where it claims 95, and 91 times with twenty seeds; t covers 93 to 97
times from three seeds on. `tests/analysis/statistics/test_interval_coverage.py` simulates all of it. Several modes
compared with one baseline get Bonferroni's correction rather than a max-t bootstrap, which has the same few seeds to
resample.

What no interval over a few seeds can know of: an event rarer than one seed in as many as there are. And where seeds
move the edges of a curve by 0.4 decades, half the width of its plateau, that of the best accuracy
covers 85 to 93 times.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.statistics.nan_aware import Floats, nan_mean

CONFIDENCE = 0.95
MIN_SEEDS = 3
"""Below, no interval is given: that over two seeds is 13 times as wide as their spread, which is but one number."""


def t_interval(
    value: Floats, error: Floats, num_replicates: Floats, confidence: float = CONFIDENCE
) -> tuple[Floats, Floats]:
    """Return Student's t interval (low, high) from a standard error; NaN where that is."""
    from scipy.special import stdtrit

    reach = stdtrit(np.maximum(num_replicates - 1, 1), (1 + confidence) / 2) * error
    return np.asarray(value - reach), np.asarray(value + reach)


def seed_interval(values: Floats, confidence: float = CONFIDENCE) -> tuple[Floats, Floats]:
    """Return Student's t interval (low, high) for the mean over seeds, the last axis; seeds that are NaN are left out.

    NaN where there is no `seed_error`.
    """
    return t_interval(nan_mean(values, -1), seed_error(values), np.isfinite(values).sum(axis=-1), confidence)


def seed_error(values: Floats) -> Floats:
    """Return the standard error of the mean over seeds, the last axis.

    NaN with fewer than `MIN_SEEDS` seeds, and where no two seeds differ: that says nothing about other seeds.
    """
    count, sd = np.isfinite(values).sum(axis=-1), seed_sd(values)
    return np.where((count >= MIN_SEEDS) & (sd > 1e-12), sd / np.sqrt(np.maximum(count, 1)), np.nan)


def seed_sd(values: Floats) -> Floats:
    """Return the standard deviation over seeds, the last axis; NaN with fewer than two."""
    count = np.isfinite(values).sum(axis=-1)
    squares = nan_mean((values - nan_mean(values, -1)[..., None]) ** 2, -1)
    return np.where(count > 1, np.sqrt(squares * count / np.maximum(count - 1, 1)), np.nan)


def share_interval(
    counts: NDArray[np.int64], totals: NDArray[np.int64], by_seed: Floats, confidence: float = CONFIDENCE
) -> tuple[Floats, Floats]:
    """Return an interval for a share of runs: Wilson's, or that over seeds where it reaches further.

    Wilson's takes runs as independent, and holds where no two seeds differ; runs of one seed that go the same way are
    not, and then the seeds' own spread is the wider. NaN with fewer than `MIN_SEEDS` seeds.

    Args:
        counts: how many runs, shape (...).
        totals: of how many.
        by_seed: the share of each seed, shape (..., S).
        confidence: the level of the interval.
    """
    enough = np.isfinite(by_seed).sum(axis=-1) >= MIN_SEEDS
    ends = zip(seed_interval(by_seed, confidence), _wilson(counts, totals, confidence), strict=True)
    (low, other_low), (high, other_high) = ends
    low, high = np.maximum(np.fmin(low, other_low), 0), np.minimum(np.fmax(high, other_high), 1)
    return np.where(enough, low, np.nan), np.where(enough, high, np.nan)


def _wilson(counts: NDArray[np.int64], totals: NDArray[np.int64], confidence: float) -> tuple[Floats, Floats]:
    """Return Wilson's score interval: `scipy.stats.binomtest` has it for one count at a time."""
    from scipy.special import ndtri

    z, total = ndtri((1 + confidence) / 2), np.maximum(totals, 1)
    middle = (counts + z**2 / 2) / (total + z**2)
    reach = z / (total + z**2) * np.sqrt(counts * (total - counts) / total + z**2 / 4)
    return middle - reach, middle + reach


def trust(num_seeds: int) -> str:
    """Return a sentence on what the intervals over this many seeds are worth."""
    if num_seeds < MIN_SEEDS:
        seeds = "one seed" if num_seeds == 1 else f"{num_seeds} seeds"
        return f"Only {seeds}: too few for an interval, which takes {MIN_SEEDS} at least."
    few = " With so few it is wide, and cannot know of what goes wrong in fewer than one seed in "
    return f"95 % intervals: Student's t over {num_seeds} seeds.{few}{num_seeds}."
