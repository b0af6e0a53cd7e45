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
from bnsweep.spec.ranges import Range

SEED = "seed"


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
