"""What the probes say of some trials, each quantity computed once for all statements and thresholds that ask for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd

from analysis.claims.quantities import QUANTITIES
from analysis.claims.stepwise import Stepwise, measured_steps
from analysis.loading import Results
from analysis.loading.one_line import one_line


@dataclass(frozen=True, eq=False, repr=False)
class Measurements:
    """The measurements of the trials of one configuration."""

    results: Results
    _numbers: dict[str, pd.Series[float]] = field(default_factory=dict)

    __repr__ = one_line

    @cached_property
    def steps(self) -> Stepwise:
        """What was measured at every step, and the training loss there."""
        return measured_steps(self.results)

    def number(self, name: str) -> pd.Series[float]:
        """Return `QUANTITIES[name]` of each trial that has it, by trial_key.

        Raises:
            InputError: no trial has it.
        """
        if name not in self._numbers:
            self._numbers[name] = QUANTITIES[name].of(self.results)
        return self._numbers[name]
