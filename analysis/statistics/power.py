"""How many seeds it takes to tell a difference from a bound."""

from __future__ import annotations

from functools import lru_cache
from math import sqrt

import numpy as np

from analysis.statistics.intervals import CONFIDENCE, t_quantile
from analysis.statistics.nan_aware import Floats
from analysis.statistics.spending import MIN_SEEDS

POWER = 0.8
SPREAD_LIMIT = 0.9
MAX_SEEDS = 1000


def seeds_needed(distance: float, sd: float, num_seeds: int, confidence: float = CONFIDENCE) -> float:
    """Return how many seeds resolve a difference with a power of 80 %, judged by a few that were seen.

    Few seeds underrate the spread as often as they overrate it, and who takes their word gets less power than promised.
    So the spread is taken at its upper 90 % limit, by chi-square: then at least 80 % of those who add as many seeds as
    this says do resolve the difference that they have seen (`benchmarks/verdicts/`).

    Args:
        distance: from the bound to the effect, or to the nearer end of what the grid leaves open of it.
        sd: standard deviation over seeds.
        num_seeds: how many they were.
        confidence: the level of the interval.

    Returns:
        More than `num_seeds`; infinite beyond `MAX_SEEDS`, or where the seeds seen are too few to promise anything.
    """
    from scipy.special import chdtri

    if num_seeds < MIN_SEEDS or not sd > 0:
        return np.inf
    effect = distance / (sd * sqrt((num_seeds - 1) / float(chdtri(num_seeds - 1, SPREAD_LIMIT))))
    counts, smallest = smallest_effects(confidence)
    enough = np.flatnonzero((smallest <= effect) & (counts > num_seeds))
    return float(counts[enough[0]]) if len(enough) else np.inf


@lru_cache
def smallest_effects(confidence: float = CONFIDENCE) -> tuple[Floats, Floats]:
    """Return numbers of seeds, ascending, and the least effect in standard deviations that each resolves at 80 %."""
    from scipy.special import nctdtrinc

    counts = np.unique(np.ceil(np.geomspace(MIN_SEEDS, MAX_SEEDS, 300))).astype(int)
    edge = t_quantile(counts, confidence)
    return counts.astype(float), np.asarray(nctdtrinc(counts - 1, 1 - POWER, edge) / np.sqrt(counts))
