"""Intervals for a mean over seeds, from what each seed gave and what it leaves open.

A measure is one number per seed (`analysis.measures`), so its value is a mean of independent replicates. Two intervals,
and the data say which:

- Student's t, where seeds differ. The bootstrap was tried first and left: resampling three to five seeds covers the
  truth 70 to 88 times in a hundred where it claims 95.
- Where more than half of the seeds give the very same number there is no spread to go by, and five equal seeds are not
  certainty: of n seeds all lie at or above the lowest, so that in truth a share of at least (alpha/2)^(1/n) of all
  seeds does, whatever their distribution (the tolerance limit of Wilks 1941, which is Clopper and Pearson's for a
  share), and the others lie at worst at the least that is possible. Only for what is bounded.

Each at the level that is spent at this number of seeds (`analysis.statistics.spending`) but for the second, which adds
hardly any error from look to look: n equal seeds are also n - 1.

What the tested learning rates leave open comes on top: it is the same for every seed, so more seeds do not narrow it.
Its standard deviation is known (`analysis.measures.curves`), and it adds to the other part as independent errors do:
`reach = sqrt(reach_of_seeds^2 + (z grid_sd)^2)`.

What no interval over a few seeds can know of: an event rarer than one seed in as many as there are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.statistics.nan_aware import Floats, nan_max, nan_mean, nan_min
from analysis.statistics.spending import MIN_SEEDS, spent

MAX_STATEMENTS = 2
"""A claim has at most so many statements, whose intervals hold at once at 95 % (Bonferroni)."""

CONFIDENCE = 1 - 0.05 / MAX_STATEMENTS
"""The level of every interval that is shown: one level, so that one contrast has one interval everywhere."""

TIED = 1e-9
"""Seeds whose numbers differ by less are taken to give the same."""


def seed_interval(
    values: Floats,
    smooth: Floats | None = None,
    grid_sd: Floats | float = 0.0,
    *,
    least: float = -np.inf,
    most: float = np.inf,
    confidence: float = CONFIDENCE,
) -> tuple[Floats, Floats]:
    """Return an interval (low, high) for the mean over seeds, the last axis; seeds that are NaN are left out.

    It holds the mean, even where rounding puts that beyond the most that a value can be.

    NaN with fewer than `MIN_SEEDS` seeds, and where more than half of the seeds are equal and the values not bounded.

    Args:
        values: shape (..., S).
        smooth: the same without the coarseness of the grid, by which the spread is judged too; `values` if None.
        grid_sd: standard deviation of what the grid leaves open of the mean, shape (...).
        least: the least that any value can be.
        most: the most.
        confidence: the level of the interval, at this number of seeds and all others together.
    """
    smooth = values if smooth is None else smooth
    count, mean = (~np.isnan(values)).sum(axis=-1), nan_mean(values, -1)
    of_grid = normal_quantile(confidence) * np.asarray(grid_sd, dtype=float)
    of_seeds = t_quantile(count, confidence) * np.fmax(seed_error(values), seed_error(smooth))
    reach = np.hypot(of_seeds, of_grid)
    low, high = mean - reach, mean + reach
    if (tied := are_tied(smooth)).any():
        share = shared_by_most(count, confidence)
        with np.errstate(invalid="ignore"):  # 0 times inf: what is not bounded has no such interval
            tied_low = mean - np.hypot(mean - nan_min(values, -1) * share - least * (1 - share), of_grid)
            tied_high = mean + np.hypot(nan_max(values, -1) * share + most * (1 - share) - mean, of_grid)
        low, high = np.where(tied, tied_low, low), np.where(tied, tied_high, high)
    none = (count < MIN_SEEDS) | ~np.isfinite(low) | ~np.isfinite(high)
    low, high = np.minimum(np.clip(low, least, most), mean), np.maximum(np.clip(high, least, most), mean)
    return np.where(none, np.nan, low), np.where(none, np.nan, high)


def t_quantile(count: NDArray[np.int64], confidence: float) -> Floats:
    """Return how many standard errors the interval reaches at this number of seeds."""
    from scipy.special import stdtrit

    return np.asarray(stdtrit(np.maximum(count - 1, 1), 1 - (1 - confidence) * spent(count) / 2))


def normal_quantile(confidence: float) -> float:
    """Return how many standard deviations an interval reaches over an error whose spread is known."""
    from scipy.special import ndtri  # `scipy.stats` takes longer to import than a sweep to load

    return float(ndtri((1 + confidence) / 2))


def shared_by_most(count: NDArray[np.int64], confidence: float) -> Floats:
    """Return which share of all seeds lies at or above the lowest of `count`, at this level on either side."""
    return np.asarray(((1 - confidence) / 2) ** (1 / np.maximum(count, 1)))


def exact_seeds(confidence: float = CONFIDENCE) -> int:
    """Return how many seeds it takes where all of them show the largest effect that is possible.

    As in a sign test: n of n happen by chance with 2^-n at most, on either side.

    >>> [exact_seeds(1 - 0.05 / statements) for statements in (1, 2, 4)]
    [6, 7, 8]
    """
    return int(np.floor(np.log2(2 / (1 - confidence)))) + 1


def are_tied(values: Floats) -> NDArray[np.bool_]:
    """Return where more than half of the seeds, the last axis, give the same number."""
    ranked = np.sort(values, axis=-1)  # NaN comes last
    count = (~np.isnan(values)).sum(axis=-1)
    most = np.zeros(values.shape[:-1], dtype=int)
    for length in range(2, values.shape[-1] + 1):
        runs = ranked[..., length - 1 :] - ranked[..., : values.shape[-1] - length + 1] <= TIED
        most = np.where(runs.any(axis=-1), length, most)
    return np.asarray((count > 1) & (2 * most > count))


def seed_error(values: Floats) -> Floats:
    """Return the standard error of the mean over seeds, the last axis; NaN with fewer than two."""
    count = (~np.isnan(values)).sum(axis=-1)
    return np.asarray(seed_sd(values) / np.sqrt(np.maximum(count, 1)))


def seed_sd(values: Floats) -> Floats:
    """Return the standard deviation over seeds, the last axis; NaN with fewer than two."""
    count = (~np.isnan(values)).sum(axis=-1)
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
    enough = (~np.isnan(by_seed)).sum(axis=-1) >= MIN_SEEDS
    over_seeds = seed_interval(by_seed, least=0.0, most=1.0, confidence=confidence)
    ends = zip(over_seeds, _wilson(counts, totals, confidence), strict=True)
    (low, other_low), (high, other_high) = ends
    low, high = np.maximum(np.fmin(low, other_low), 0), np.minimum(np.fmax(high, other_high), 1)
    return np.where(enough, low, np.nan), np.where(enough, high, np.nan)


def even_share_interval(
    counts: NDArray[np.int64], totals: NDArray[np.int64], by_seed: Floats, confidence: float = CONFIDENCE
) -> tuple[Floats, Floats]:
    """Return an interval for a share of points that are spread evenly, by each seed anew: that over seeds.

    Even points are counted alike by many seeds, which says nothing of what other seeds would do, but that each share is
    a multiple of 1/n. So where most seeds count the same, neither none nor all of their points, it is Wilson's, of
    points that are not even and so too wide; at none or all the seeds may have reached an end of what is possible.

    Args: as for `share_interval`.
    """
    low, high = seed_interval(by_seed, least=0.0, most=1.0, confidence=confidence)
    inside = are_tied(by_seed) & ~np.isnan(low) & (counts > 0) & (counts < totals)
    wilson_low, wilson_high = _wilson(counts, totals, confidence)
    return np.where(inside, np.clip(wilson_low, 0, 1), low), np.where(inside, np.clip(wilson_high, 0, 1), high)


def _wilson(counts: NDArray[np.int64], totals: NDArray[np.int64], confidence: float) -> tuple[Floats, Floats]:
    """Return Wilson's score interval: `scipy.stats.binomtest` has it for one count at a time."""
    z, total = normal_quantile(confidence), np.maximum(totals, 1)
    middle = (counts + z**2 / 2) / (total + z**2)
    reach = z / (total + z**2) * np.sqrt(counts * (total - counts) / total + z**2 / 4)
    return middle - reach, middle + reach


def trust(num_seeds: int) -> str:
    """Return what the intervals over this many seeds are worth, in two sentences."""
    if num_seeds < MIN_SEEDS:
        seeds = "one seed" if num_seeds == 1 else f"{num_seeds} seeds"
        return f"Only {seeds}: too few for an interval, which takes {MIN_SEEDS} at least."
    return (
        f"Every interval on this page is at {100 * CONFIDENCE:.1f} %, so that both statements of a claim hold at once "
        f"at 95 %, and stays valid if seeds are added until one is content. Over {num_seeds} seeds it cannot know of "
        f"what goes wrong in fewer than one seed in {num_seeds}."
    )
