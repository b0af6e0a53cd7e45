"""How many seeds it takes to tell a difference from 0."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.statistics.intervals import CONFIDENCE, MIN_SEEDS
from analysis.statistics.nan_aware import Floats

POWER = 0.8
MAX_SEEDS = 10_000
STEPS = 500


@dataclass(frozen=True)
class PowerCurve:
    """What a paired t interval resolves with a power of 80 %: from `power_curve`.

    Args:
        counts: numbers of seeds, ascending.
        effects: the smallest mean difference, in standard deviations, that each of them resolves.
    """

    counts: Floats
    effects: Floats

    def seeds_needed(self, difference: Floats, sd: Floats) -> Floats:
        """Return how many seeds it takes for the interval to exclude 0; as rough an estimate as `sd` is.

        Args:
            difference: the mean difference, taken to be the true one.
            sd: standard deviation over seeds of the paired differences.

        Returns:
            At least `MIN_SEEDS`, in steps of at most 2 %; infinite beyond `MAX_SEEDS`; NaN where either argument is
            unknown or 0.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            effect = np.abs(difference) / sd
        needed = np.append(self.counts, np.inf)[np.searchsorted(-self.effects, -effect)]
        return np.where((effect > 0) & np.isfinite(effect), needed, np.nan)


def power_curve(confidence: float = CONFIDENCE) -> PowerCurve:
    """Return the curve of intervals of this level; it takes some 10 ms, so make it once and ask it often."""
    from scipy.special import nctdtrinc, stdtrit

    counts = np.unique(np.ceil(np.geomspace(MIN_SEEDS, MAX_SEEDS, STEPS)))
    edge = stdtrit(counts - 1, (1 + confidence) / 2)
    return PowerCurve(counts, nctdtrinc(counts - 1, 1 - POWER, edge) / np.sqrt(counts))
