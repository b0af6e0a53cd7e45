"""Effects on what the probes measure: one mode against another at the same init, gain, learning rate and seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.claims.evidence import Evidence
from analysis.claims.quantities import QUANTITIES
from analysis.claims.stepwise import MAX_DECADES, STEPWISE
from analysis.statistics.cell_mean import CellMean
from analysis.statistics.nan_aware import Floats, nan_mean
from bnsweep.errors import InputError


@dataclass(frozen=True)
class ProbeContrast:
    """A quantity of `mode` minus that of `baseline`, of sizes the log10 of their ratio.

    Compared are trials of the same init, gain, learning rate and seed with which both modes have learned; what is
    measured at every step, at equal training loss. The effect is the mean over seeds of that over points.

    Args:
        quantity: of `STEPWISE` or `QUANTITIES`.
        mode: the mode.
        baseline: what it is compared with.

    Raises:
        InputError: a mode or the probe is not there, or both modes learn nowhere.
    """

    quantity: str
    mode: str
    baseline: str
    at_equal_loss: bool = True

    def __call__(self, evidence: Evidence) -> CellMean:
        """Return the mean over seeds of the mean over points."""
        contrast_SIGL = self._contrast(evidence)
        rates = np.broadcast_to(np.arange(contrast_SIGL.shape[-1]), contrast_SIGL.shape[1:]).ravel()
        contrast_SC = contrast_SIGL.reshape(len(contrast_SIGL), -1)
        return CellMean(contrast_SC, rates, 2 * MAX_DECADES if self.unit == "log10 ratio" else float("inf"))

    def by_lr(self, evidence: Evidence) -> dict[float, tuple[float, int, int]]:
        """Return by learning rate the mean over seeds of the mean over points, and how many points and seeds it has."""
        contrast_SIGL = self._contrast(evidence)
        found = {}
        for k, lr in enumerate(evidence.grid.lrs):
            part_SC = contrast_SIGL[..., k].reshape(len(contrast_SIGL), -1)
            if points := int((~np.isnan(part_SC)).any(axis=0).sum()):
                by_seed = nan_mean(part_SC, -1)
                found[lr] = float(nan_mean(by_seed, 0)), points, int((~np.isnan(by_seed)).sum())
        return found

    @property
    def unit(self) -> str:
        """The unit of the effect."""
        return STEPWISE[self.quantity].unit if self.at_equal_loss else QUANTITIES[self.quantity].unit

    @property
    def statistic(self) -> str:
        """What is measured, in words."""
        start, sign = ("log10 of ", "over") if self.unit == "log10 ratio" else ("", "minus")
        what = STEPWISE[self.quantity].meaning if self.at_equal_loss else QUANTITIES[self.quantity].meaning
        return f"{start}{self.mode} {sign} {self.baseline}: {what}{', at equal training loss' * self.at_equal_loss}"

    def _contrast(self, evidence: Evidence) -> Floats:
        """Return the contrast at every point where both modes learn, shape SIGL; NaN elsewhere."""
        mode, baseline = evidence.norm(self.mode), evidence.norm(self.baseline)
        both_SIGL = evidence.learned[:, mode] & evidence.learned[:, baseline]
        if self.at_equal_loss:
            contrast = self._matched(evidence, mode, baseline, both_SIGL)
        else:
            values = evidence.number(self.quantity)
            contrast = np.where(both_SIGL, values[:, mode] - values[:, baseline], np.nan)
        if np.isnan(contrast).all():
            raise InputError(f"{self.mode} and {self.baseline} learn together at no measured point of the grid")
        return contrast

    def _matched(self, evidence: Evidence, mode: int, baseline: int, both_SIGL: NDArray[np.bool_]) -> Floats:
        steps, contrast = evidence.measured.steps, np.full(both_SIGL.shape, np.nan)
        steps.curves_of(self.quantity)
        keys = evidence.results.trials["trial_key"].to_numpy()
        for place in self._places(both_SIGL):
            s, *cell = place
            one, other = (str(keys[evidence.row_of_trial[(s, n, *cell)]]) for n in (mode, baseline))
            contrast[place] = steps.difference(self.quantity, one, other)
        return contrast

    @staticmethod
    def _places(both_SIGL: NDArray[np.bool_]) -> Iterator[tuple[int, ...]]:
        return (tuple(int(k) for k in place) for place in np.argwhere(both_SIGL))
