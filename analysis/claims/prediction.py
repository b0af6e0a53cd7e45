"""Does a probe's measurement predict the final accuracy? Rank correlations within and across normalization modes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from analysis.claims.estimate import Estimate
from analysis.claims.evidence import Evidence
from analysis.claims.quantities import QUANTITIES
from analysis.statistics.correlation import MIN_CELLS, fisher, jackknife_error, keep_all_but_one, spearman
from analysis.statistics.nan_aware import Floats, nan_mean
from bnsweep.errors import InputError

Which = Literal["within", "across"]


@dataclass(frozen=True)
class Prediction:
    """How well lower values of a quantity go with higher accuracy: minus Spearman's correlation.

    `within`: over the trials of one mode, mean over modes. The learning rate moves both sides. `across`: over the
    modes at one init, gain, learning rate and seed, mean over these, so that nothing but the mode differs. Completed
    trials only: a measure of one that diverged covers only the steps before. With `minus`, the correlation of this
    quantity minus that of the other.

    Raises:
        InputError: a probe is not there, or too few trials or modes for any correlation.
    """

    quantity: str
    which: Which
    minus: str | None = None

    def __call__(self, evidence: Evidence) -> Estimate:
        """Return the correlation with a jackknife error over cells."""
        statistic = {"within": within_modes, "across": across_modes}[self.which]
        accuracy = np.where(evidence.grid.diverged == 0, evidence.grid.accuracy, np.nan)
        names = [self.quantity, *([self.minus] if self.minus else [])]
        values = [_finite(evidence.arrange(QUANTITIES[name].of(evidence.results))) for name in names]
        known = np.isfinite(np.stack([accuracy, *values])).all(axis=0)
        y_NCS, *x_NCS = (_by_cell(np.where(known, one, np.nan)) for one in (accuracy, *values))
        keep = _keep(y_NCS)
        found = [_with_left_out(statistic, -x, y_NCS, keep) for x in x_NCS]
        value, without = found[0] if self.minus is None else tuple(a - b for a, b in zip(*found, strict=True))
        if not np.isfinite(value):
            raise InputError(f"too few completed trials for a correlation {self.which} modes")
        return self._estimate(float(value), without, int((~np.isnan(y_NCS)).any(axis=(0, 2)).sum()))

    def _estimate(self, value: float, without: Floats, cells: int) -> Estimate:
        single = self.minus is None
        error = float(jackknife_error(fisher(without) if single else without))
        few = f"{cells} grid cells: an interval takes {MIN_CELLS} at least"
        no_interval = few if cells < MIN_CELLS else "" if np.isfinite(error) else "no two grid cells differ"
        return Estimate(value, error, len(without), cells, "grid cells", is_correlation=single, no_interval=no_interval)

    @property
    def statistic(self) -> str:
        """What is measured, in words."""
        meaning = QUANTITIES[self.quantity].meaning
        minus = f", minus the same of: {QUANTITIES[self.minus].meaning}" if self.minus else ""
        return f"minus Spearman's correlation with final accuracy, {self.which} modes, of: {meaning}{minus}"


def within_modes(x_GNCS: Floats, y_GNCS: Floats) -> Floats:
    """Return the mean over modes of the correlation over cells and seeds, shape G."""
    flat = (*x_GNCS.shape[:2], -1)
    return nan_mean(spearman(x_GNCS.reshape(flat), y_GNCS.reshape(flat)), -1)


def across_modes(x_GNCS: Floats, y_GNCS: Floats) -> Floats:
    """Return the mean over cells of the mean over seeds of the correlation over modes, shape G."""
    by_point = spearman(np.moveaxis(x_GNCS, 1, -1), np.moveaxis(y_GNCS, 1, -1))
    return nan_mean(nan_mean(by_point, -1), -1)


def _with_left_out(
    statistic: Callable[[Floats, Floats], Floats], x_NCS: Floats, y_NCS: Floats, keep_GC: Floats
) -> tuple[Floats, Floats]:
    """Return the statistic of everything, and without each group of cells."""
    everything = statistic(x_NCS[None], y_NCS[None])[0]
    left_out = [
        statistic(*(np.where(keep[:, None], one, np.nan)[None] for one in (x_NCS, y_NCS)))[0] for keep in keep_GC
    ]
    return everything, np.array(left_out)


def _finite(values: Floats) -> Floats:
    """Return `values` with what overflowed as the largest finite number: it ranks as the roughest."""
    return np.minimum(values, np.finfo(float).max)


def _by_cell(values_SNIGL: Floats) -> Floats:
    """Return the array with init, gain and learning rate as one axis of cells, shape NCS."""
    seeds, norms = values_SNIGL.shape[:2]
    return np.moveaxis(values_SNIGL.reshape(seeds, norms, -1), 0, -1)


def _keep(y_NCS: Floats) -> Floats:
    """Return which cells remain as each group of those with a trial is left out, shape (groups, C)."""
    used = np.flatnonzero((~np.isnan(y_NCS)).any(axis=(0, 2)))
    keep = np.ones((len(groups := keep_all_but_one(used)), y_NCS.shape[1]), dtype=bool)
    keep[:, used] = groups
    return keep
