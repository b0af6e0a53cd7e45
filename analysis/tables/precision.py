"""How many digits a number deserves: as many as its interval leaves it, and no more."""

from __future__ import annotations

from math import floor, isfinite, log10


def digits(low: float, high: float, most: int) -> int:
    """Return how many decimals to print of a value that lies between `low` and `high`: two digits of its uncertainty.

    `most` where nothing is known of it, and at most; at least one, so that a value can be told from its ends.

    >>> [digits(1.9, 3.9, 3), digits(2.19, 2.26, 3), digits(0.5, 0.5, 2), digits(float("nan"), 1.0, 3)]
    [1, 3, 2, 3]
    """
    reach = (high - low) / 2
    if not isfinite(reach) or reach <= 0:
        return most
    return min(max(1 - floor(log10(reach)), 1), most)
