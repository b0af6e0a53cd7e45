"""Axes of which some are ranges: they declare no trials, but what a search may draw."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from bnsweep.errors import InputError
from bnsweep.spec.axes import check_count
from bnsweep.spec.possible import check_possible
from bnsweep.spec.product import Product, checked_trial
from bnsweep.spec.ranges import Range
from bnsweep.spec.trial import TrialSpec

SEED = "seed"
TESTED = (0.0, 0.5, 1.0)
"""At which shares of all ranges it is tried beforehand whether there can be a trial."""
MAX_RANGES = 21201
"""The most dimensions of Sobol's sequence (Joe & Kuo 2008), `scipy.stats.qmc.Sobol.MAXDIM`."""


@dataclass(frozen=True)
class Drawn:
    """What trials are drawn of.

    Args:
        fixed: the fields that are the same for all trials.
        listed: the values of each axis that lists some, which are crossed.
        ranges: the others.
    """

    fixed: Mapping[str, Any]
    listed: Mapping[str, Sequence[Any]]
    ranges: Mapping[str, Range]

    @classmethod
    def of(
        cls, fixed: Mapping[str, Any], listed: Mapping[str, Sequence[Any]], ranges: Mapping[str, Range], points: int
    ) -> Self:
        """Return what trials are drawn of.

        Args:
            fixed: the fields that are the same for all trials.
            listed: the values of each axis that lists some.
            ranges: the others, of which there is at least one.
            points: to draw for each combination of the listed values.

        Raises:
            InputError: a trial cannot be, or there are more than a sweep may have.
        """
        if SEED in ranges:
            raise InputError(f"axes.{SEED}: seeds are whole numbers, each with points of its own; such as {{range: 6}}")
        if len(ranges) > MAX_RANGES:
            raise InputError(f"axes: given {len(ranges)} ranges; Sobol's sequence has {MAX_RANGES} dimensions")
        drawn = cls(fixed, listed, ranges)
        check_count("axes and search.points", points * drawn.num_searches)
        for share in TESTED:
            axes = {**listed, **{name: [span.at(share)] for name, span in ranges.items()}}
            try:
                check_possible(Product(fixed, axes), np.arange(drawn.num_searches))
            except InputError as error:
                raise InputError(f"{error}; ranges hold real numbers, both ends included") from error
        return drawn

    @property
    def num_searches(self) -> int:
        """How many combinations of the listed values there are, seeds included."""
        return math.prod(map(len, self.listed.values()))

    def trial(self, setting: Mapping[str, Any]) -> TrialSpec:
        """Return the trial with these values on the axes; a seed that is no axis may be among them.

        Raises:
            InputError: it cannot be; the message names the key.
        """
        return checked_trial(self.fixed, {name: setting[name] for name in (*self.listed, *self.ranges)})
