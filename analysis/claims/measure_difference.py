"""Effects on robustness: a measure of one mode minus that of another, paired by seed; every run counts."""

from __future__ import annotations

from dataclasses import dataclass, replace

from analysis.claims.estimate import Estimate, of_seeds
from analysis.claims.evidence import Evidence
from analysis.measures import MEASURES
from bnsweep.errors import InputError


@dataclass(frozen=True)
class MeasureDifference:
    """A measure of `mode` minus that of `baseline`, over all inits and gains.

    Raises:
        InputError: a mode is not there, or the measure needs more inits, gains or learning rates than the sweep has.
    """

    measure: str
    mode: str
    baseline: str

    def __call__(self, evidence: Evidence) -> Estimate:
        """Return the mean over seeds."""
        mode, baseline = evidence.norm(self.mode), evidence.norm(self.baseline)
        if self.measure not in evidence.measures:
            raise InputError("the sweep has a single initialization")
        difference = evidence.measures[self.measure][mode] - evidence.measures[self.measure][baseline]
        estimate = of_seeds(difference)
        if not estimate.n:
            raise InputError("too few learning rates have a result of every mode")
        return replace(estimate, max_size=MEASURES[self.measure].max_value(evidence.grid.lrs))

    @property
    def statistic(self) -> str:
        """What is measured, in words."""
        return f"{self.mode} minus {self.baseline}: {MEASURES[self.measure].meaning}"
