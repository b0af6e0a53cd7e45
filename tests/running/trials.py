"""Trials as a sweep has them, for a test's own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bnsweep.results.keys import to_numbers
from bnsweep.spec import TrialSpec
from bnsweep.spec.fusing import ALONE, Seats, is_fused, program_of, slot_of


class Trials(tuple[TrialSpec, ...]):
    """Trials with their keys. Loads without torch, as the coordinator that is given them does."""

    @property
    def keys(self) -> NDArray[np.uint64]:
        return to_numbers(spec.trial_key for spec in self)

    @property
    def seats(self) -> Seats:
        """Who may train as one, trial by trial."""
        fused = [is_fused(spec) for spec in self]
        programs = [program_of(spec) if fuses else 0 for spec, fuses in zip(self, fused, strict=True)]
        slots = [slot_of(spec) if fuses else ALONE for spec, fuses in zip(self, fused, strict=True)]
        return Seats(np.array(programs, np.uint64), np.array(slots), np.array([spec.lr for spec in self]))
