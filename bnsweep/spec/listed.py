"""Trials one by one, where they are no product of axes: those that a search draws."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bnsweep.spec.fusing import Seats
from bnsweep.spec.grid import Grid
from bnsweep.spec.keys import key_texts
from bnsweep.spec.product import places_of, section_and_field
from bnsweep.spec.trial import TrialSpec


@dataclass(frozen=True, eq=False, repr=False)
class Listed(Sequence[TrialSpec]):
    """Trials in the order in which they should run.

    Args:
        listed: names of the axes that list values.
        ranges: names of those that are ranges.
        specs: the trials.
    """

    listed: tuple[str, ...]
    ranges: tuple[str, ...]
    specs: tuple[TrialSpec, ...]

    @classmethod
    def each_once(cls, listed: Iterable[str], ranges: Iterable[str], specs: Iterable[TrialSpec]) -> Self:
        """Return these trials; one that is there twice, where it is first."""
        return cls(tuple(listed), tuple(ranges), tuple({spec.trial_key: spec for spec in specs}.values()))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the axes."""
        return (*self.listed, *self.ranges)

    def __len__(self) -> int:
        return len(self.specs)

    def __repr__(self) -> str:
        return f"<{len(self)} trials drawn over {', '.join(self.names)}>"

    @overload
    def __getitem__(self, index: int) -> TrialSpec: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> TrialSpec | Self:
        if isinstance(index, slice):
            return replace(self, specs=self.specs[index])
        return self.specs[index]

    @cached_property
    def keys(self) -> NDArray[np.uint64]:
        """Their keys as numbers, shape (n,)."""
        return np.array([int(spec.trial_key, 16) for spec in self.specs], np.uint64)

    def take(self, indices: ArrayLike) -> Self:
        """Return the trials at these indices, in this order."""
        return replace(self, specs=tuple(self.specs[index] for index in np.asarray(indices, np.int64)))

    def trial_keys(self) -> Iterator[str]:
        """Return the keys as they are written."""
        return key_texts(self.keys)

    def distinct(self, *fields: str) -> tuple[Self, list[int]]:
        """Return the first trial of each combination that there is of some fields, and how many trials have it.

        Args:
            fields: such as `norm`, `train.steps`, or `model` for all fields of the model.
        """
        names = [self.names[place] for place in sorted({k for field in fields for k in places_of(field, self.names)})]
        found = dict[tuple[str, ...], list[TrialSpec]]()
        for spec in self.specs:
            found.setdefault(tuple(repr(_value(spec, name)) for name in names), []).append(spec)
        first = tuple(specs[0] for specs in found.values())
        return replace(self, specs=first), [len(specs) for specs in found.values()]

    @cached_property
    def seats(self) -> Seats:
        """Which of them may train as one."""
        return Seats.of_each(self.specs)

    def fullness(self) -> float:
        """Return which share of the slots holds one of them, where each trains as soon as there is one for it."""
        return self.seats.fullness(lambda index: self[index].train.fuse)


Trials = Grid | Listed
"""What a sweep has."""


def _value(spec: TrialSpec, name: str) -> Any:
    section, field = section_and_field(name)
    return getattr(getattr(spec, section) if section else spec, field, None)
