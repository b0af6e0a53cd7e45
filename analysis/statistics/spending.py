"""How the error of 5 % is spent, so that intervals stay valid however many seeds are added until one is content.

Who adds seeds until an interval excludes its bound looks at the data again and again: with intervals made for one look
a false statement is then "resolved" about three times as often as they claim. So of an error alpha only a share is
spent at each number of seeds (Lan & DeMets 1983 spend over time; here over seeds, with no plan to keep): 1/n at n
seeds. Neighbouring looks share most of their seeds, so that all looks from `MIN_SEEDS` to 200 seeds together spend less
than alpha where what the seeds give is normal; `benchmarks/verdicts/` measures it, there and elsewhere.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.statistics.nan_aware import Floats

MIN_SEEDS = 3
"""Below, no interval is given: that over two seeds is 13 times as wide as their spread, which is but one number."""

_EARLY = {3: 0.05, 4: 0.1}
"""Less than 1/n: an interval over three seeds is wide in any case, and what is spent there is lacking later."""


def spent(num_seeds: NDArray[np.int64]) -> Floats:
    """Return the share of the error that is spent at this number of seeds, of the same shape."""
    count = np.asarray(num_seeds)
    share = 1 / np.maximum(count, 1)
    for early, less in _EARLY.items():
        share = np.where(count == early, less, share)
    return np.asarray(share, dtype=float)
