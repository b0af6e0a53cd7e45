"""Effects on what the probes measure: one mode against another at the same init, gain, learning rate and seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.claims.estimate import Estimate, of_seeds
from analysis.claims.evidence import Evidence
from analysis.claims.quantities import QUANTITIES
from analysis.statistics.nan_aware import Floats, nan_mean, nan_median
from bnsweep.errors import InputError


@dataclass(frozen=True)
class ProbeContrast:
    """log10 of a quantity of `mode` over that of `baseline` (of one that is no size, the difference).

    Compared are the points of the (init, gain, lr) grid where both modes learn with every seed: the median over these
    by seed, then the mean over seeds. The median, since a quantity that overflowed is infinite.

    Raises:
        InputError: a mode or the probe is not there, or both modes learn nowhere.
    """

    quantity: str
    mode: str
    baseline: str

    def __call__(self, evidence: Evidence) -> Estimate:
        """Return the mean over seeds of the median over points."""
        contrast_SC = self._contrast(evidence).reshape(len(evidence.grid.seeds), -1)
        return of_seeds(nan_median(contrast_SC, -1), cells=int((~np.isnan(contrast_SC)).any(axis=0).sum()))

    def by_lr(self, evidence: Evidence) -> dict[float, tuple[float, int]]:
        """Return by learning rate the mean over seeds of the median over points, and how many points there are."""
        contrast_SIGL = self._contrast(evidence)
        found = {}
        for k, lr in enumerate(evidence.grid.lrs):
            part_SC = contrast_SIGL[..., k].reshape(len(contrast_SIGL), -1)
            if points := int((~np.isnan(part_SC)).any(axis=0).sum()):
                found[lr] = float(nan_mean(nan_median(part_SC, -1), 0)), points
        return found

    @property
    def statistic(self) -> str:
        """What is measured, in words."""
        quantity = QUANTITIES[self.quantity]
        start, sign = ("log10 of ", "over") if quantity.is_size else ("", "minus")
        return f"{start}{self.mode} {sign} {self.baseline}: {quantity.meaning}"

    def _contrast(self, evidence: Evidence) -> Floats:
        """Return the contrast at every point where both modes learn, shape SIGL; NaN elsewhere."""
        mode, baseline = evidence.norm(self.mode), evidence.norm(self.baseline)
        quantity = QUANTITIES[self.quantity]
        values = evidence.arrange(quantity.of(evidence.results))
        both_learn = evidence.learned[mode] & evidence.learned[baseline]
        with np.errstate(divide="ignore", invalid="ignore"):  # 0 / 0 and inf - inf say nothing, and are NaN
            scaled = np.log10(values) if quantity.is_size else values
            contrast = np.where(both_learn, scaled[:, mode] - scaled[:, baseline], np.nan)
        if np.isnan(contrast).all():
            raise InputError(f"{self.mode} and {self.baseline} learn together at no measured point of the grid")
        return contrast
