"""Effects on robustness: a measure of one mode minus that of another, paired by seed; every run counts."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.claims.evidence import Evidence
from analysis.measures import MEASURES
from analysis.measures.comparison import of_difference, train_to_the_end
from analysis.measures.pooling import pool_all
from analysis.statistics.seed_mean import SeedMean
from bnsweep.errors import InputError


@dataclass(frozen=True)
class MeasureDifference:
    """A measure of `mode` minus that of `baseline`, over all inits and gains, as in the table of differences.

    Raises:
        InputError: a mode is not there, they share no point, or the measure needs more inits, gains or learning rates
            than the sweep has.
    """

    measure: str
    mode: str
    baseline: str

    def __call__(self, evidence: Evidence) -> SeedMean:
        """Return the mean over seeds."""
        for name in (self.mode, self.baseline):
            evidence.norm(name)
        grid = evidence.grid
        found = of_difference(grid, self.mode, self.baseline, pool_all(grid), evidence.fraction, [self.measure])
        if self.measure not in found:
            raise InputError("the sweep has a single initialization")
        estimate = found[self.measure][1]
        if not estimate.n:
            raise InputError("too few learning rates have a result of both modes")
        return estimate

    def caveat(self, evidence: Evidence) -> str:
        """Return what the tested range cuts off of the effect, in words; '' where nothing."""
        if MEASURES[self.measure].unit != "decades":
            return ""
        beyond = train_to_the_end(evidence.grid, self.mode, self.baseline, evidence.fraction)
        does = "still trains" if len(beyond) == 1 else "still train"
        return f"of the tested range: {' and '.join(beyond)} {does} at an end of it" if beyond else ""

    @property
    def statistic(self) -> str:
        """What is measured, in words."""
        return f"{self.mode} minus {self.baseline}: {MEASURES[self.measure].meaning}"
