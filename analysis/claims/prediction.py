"""Does a probe's measurement predict the final accuracy? Rank correlations within and across normalization modes.

At the same learning rate, since that moves both sides, and among the trials that learned, since a dead network has
neither shift nor accuracy. To look only at what learned can itself make or hide a relation: what is said holds for such
trials alone. Seeds are near-copies of each other, so they are averaged; what counts as independent is the
configurations, or across modes the modes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from analysis.claims.evidence import Evidence
from analysis.claims.quantities import QUANTITIES
from analysis.statistics.correlation import MIN_TRIALS, spearman
from analysis.statistics.mean_correlation import Correlation
from analysis.statistics.nan_aware import Floats, nan_mean
from bnsweep.errors import InputError

Which = Literal["within", "across"]
OVER = {"within": "initializations and gains", "across": "modes"}
UNITS = {"within": "inits or gains, whichever are fewer,", "across": "modes"}
STRATUM_SHARE = 0.5
"""A stratum counts that has this share of the trials that the fullest has."""


def mean_correlation(x: Floats, y: Floats) -> tuple[float, int]:
    """Return the mean over strata of Spearman's correlation over their trials, and how many of these are independent.

    Trials of one gain need not be independent whatever their initializer, nor those of one initializer whatever their
    gain. So counted are the levels of the axis that has the fewest, of those that vary at all; in the stratum that has
    the fewest.

    Args:
        x: shape (num_strata, ...), the other axes being those over which it is correlated; NaN where nothing is.
        y: the same shape, NaN at the same places.

    Returns:
        NaN and 0 where no stratum has enough trials.
    """
    known = np.isfinite(y)
    others = tuple(range(1, y.ndim))
    count = known.sum(axis=others)
    full = (count >= MIN_TRIALS) & (count >= STRATUM_SHARE * count.max(initial=0))
    if not full.any():
        return float("nan"), 0
    levels = [
        known.any(axis=tuple(axis for axis in others if axis != this)).sum(axis=-1)
        for this in others
        if y.shape[this] > 1
    ]
    correlations = spearman(x.reshape(len(x), -1), y.reshape(len(y), -1))
    return float(nan_mean(correlations[full], 0)), int(np.min(levels, axis=0)[full].min())


@dataclass(frozen=True)
class Prediction:
    """How well lower values of a quantity go with higher accuracy: minus Spearman's correlation.

    `within`: over the inits and gains of one mode at one learning rate, mean over modes and rates. `across`: over the
    modes at one init, gain and learning rate, mean over these. With `minus`, the correlation of this quantity minus
    that of the other.

    Raises:
        InputError: a probe is not there, or too few trials or modes for any correlation.
    """

    quantity: str
    which: Which
    minus: str | None = None

    def __call__(self, evidence: Evidence) -> Correlation:
        """Return the mean correlation, over so many units."""
        names = [self.quantity, *([self.minus] if self.minus else [])]
        x_SNIGL = [evidence.number(name) for name in names]
        known = np.isfinite(np.stack(x_SNIGL)).all(axis=0) & evidence.learned
        accuracy, *xs = (self._strata(np.where(known, one, np.nan)) for one in (evidence.grid.accuracy, *x_SNIGL))
        (found, units), *others = (mean_correlation(-x, accuracy) for x in xs)
        if not np.isfinite([found, *(other for other, _ in others)]).all():
            raise InputError(f"too few {OVER[self.which]} have learned for a correlation {self.which} modes")
        return Correlation(found, units, UNITS[self.which], others[0][0] if others else None)

    def of_mode(self, evidence: Evidence, norm: int) -> Correlation:
        """Return the correlation within the mode at this position alone; NaN where too few have learned."""
        x_SIGL = evidence.number(self.quantity)[:, norm]
        known = np.isfinite(x_SIGL) & evidence.learned[:, norm]
        one_mode = (np.where(known, one, np.nan)[:, None] for one in (x_SIGL, evidence.grid.accuracy[:, norm]))
        x, accuracy = (self._strata(one) for one in one_mode)
        return Correlation(*mean_correlation(-x, accuracy), UNITS["within"])

    def _strata(self, values_SNIGL: Floats) -> Floats:
        """Return the means over seeds: first the strata, then the axes over which it is correlated."""
        means_NIGL = nan_mean(values_SNIGL, 0)
        if self.which == "across":
            return np.moveaxis(means_NIGL, 0, -1).reshape(-1, means_NIGL.shape[0])
        return np.moveaxis(means_NIGL, -1, 1).reshape(-1, *means_NIGL.shape[1:3])

    @property
    def statistic(self) -> str:
        """What is measured, in words."""
        meaning = QUANTITIES[self.quantity].meaning
        minus = f", minus the same of: {QUANTITIES[self.minus].meaning}" if self.minus else ""
        where = "at one lr, within modes" if self.which == "within" else "over modes at one init, gain and lr"
        return (
            f"minus Spearman's correlation with final accuracy {where}, among trials that learned, of: {meaning}{minus}"
        )
