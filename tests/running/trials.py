"""Trials as a sweep has them, for a test's own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bnsweep.results.keys import to_numbers
from bnsweep.spec import TrialSpec


class Trials(tuple[TrialSpec, ...]):
    """Trials with their keys. Loads without torch, as the coordinator that is given them does."""

    @property
    def keys(self) -> NDArray[np.uint64]:
        return to_numbers(spec.trial_key for spec in self)
