"""Which trials have learned, for figures that show trials as points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.claims.evidence import Evidence


def has_learned(evidence: Evidence) -> NDArray[np.bool_]:
    """Return for each row of the trials whether it was completed clearly above chance, as in the claims."""
    learned = np.zeros(len(evidence.results.trials), dtype=bool)
    rows = evidence.row_of_trial[evidence.learned]
    learned[rows[rows >= 0]] = True
    return learned
