"""Axes that are ranges: every value between two numbers, of which a search draws some."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from bnsweep.errors import InputError

SIGNIFICANT_DIGITS = 6
"""To as many generated and drawn values are rounded, so that a user can type one again and mean the same trial."""
RANGE_FORMS = ("uniform", "loguniform")


def rounded(value: float) -> float:
    """Return a value of an axis as it is stored.

    >>> rounded(0.123456789)
    0.123457
    """
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}")


@dataclass(frozen=True)
class Range:
    """All values from `low` to `high`; with `log`, a step is a factor."""

    low: float
    high: float
    log: bool = False

    @classmethod
    def of(cls, key: str, form: str, given: Any) -> Self:
        """Return the range of one of the `RANGE_FORMS`; `key` names it.

        Raises:
            InputError: it is none.
        """
        is_log = form == "loguniform"
        if not (isinstance(given, list) and len(given) == 2 and all(map(is_number, given))):
            raise InputError(f"{key}: given {given!r}; it should be [low, high], such as [0.001, 10]")
        low, high = map(float, given)
        if is_log and low <= 0:
            raise InputError(f"{key}: given {given!r}; low should be greater than 0 (values, not exponents)")
        if rounded(low) >= rounded(high):
            raise InputError(f"{key}: given {given!r}; low should be below high, within {SIGNIFICANT_DIGITS} digits")
        return cls(low, high, is_log)

    def at(self, share: float) -> float:
        """Return the value at a share of the way from low to high.

        >>> Range(0.001, 10.0, log=True).at(0.5), Range(0.0, 0.9).at(0.5)
        (0.1, 0.45)
        """
        low, high = np.log([self.low, self.high]) if self.log else (self.low, self.high)
        value = low + share * (high - low)
        return self.rounded(float(np.exp(value) if self.log else value))

    def rounded(self, value: float) -> float:
        """Return a value of the range as it is stored."""
        return min(max(rounded(value), self.low), self.high)


def is_number(value: Any) -> bool:
    """Return whether a value of an axis is a number that a float holds."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= sys.float_info.max
