"""What a search looks through: axes with values, which are crossed, ranges, which are searched, and seeds."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnsweep.search.rounds import Setting
from bnsweep.spec.axes import SIGNIFICANT_DIGITS

SEED = "seed"


@dataclass(frozen=True)
class Range:
    """All values from `low` to `high`; with `log`, a step is a factor."""

    low: float
    high: float
    log: bool = False

    def at(self, share: float) -> float:
        """Return the value at a share of the way from low to high.

        >>> Range(0.001, 10.0, log=True).at(0.5), Range(0.0, 0.9).at(0.5)
        (0.1, 0.45)
        """
        low, high = np.log([self.low, self.high]) if self.log else (self.low, self.high)
        value = low + share * (high - low)
        return self.rounded(float(np.exp(value) if self.log else value))

    def rounded(self, value: float) -> float:
        """Return a value of the range as generated values of axes are: so that a user can type it again."""
        return min(max(float(f"{value:.{SIGNIFICANT_DIGITS}g}"), self.low), self.high)


@dataclass(frozen=True)
class Space:
    """What a search looks through.

    Args:
        crossed: the values of each axis that has some, the seed apart: there is a search for each combination.
        searched: the ranges of the others.
        seeds: replicates: each seed has a search of its own, so that what they give is independent.
    """

    crossed: Mapping[str, Sequence[Any]]
    searched: Mapping[str, Range]
    seeds: Sequence[int]

    def cells(self) -> Iterator[dict[str, Any]]:
        """Yield the combinations of the crossed axes, in the order of `itertools.product`."""
        return (dict(zip(self.crossed, values, strict=True)) for values in itertools.product(*self.crossed.values()))

    def settings(self, seed: int, cell: Setting, points: NDArray[np.float64]) -> list[Setting]:
        """Return a trial of each point of the unit cube, shape (n, number of searched axes)."""
        ranges = self.searched.items()
        return [
            {**cell, **{name: span.at(x) for (name, span), x in zip(ranges, point, strict=True)}, SEED: seed}
            for point in points
        ]


def stream(search_seed: int, name: str, *indices: int) -> np.random.SeedSequence:
    """Return the random numbers of one part of a search; they depend on nothing else that it does."""
    return np.random.SeedSequence(search_seed, spawn_key=(zlib.crc32(name.encode()), *indices))
