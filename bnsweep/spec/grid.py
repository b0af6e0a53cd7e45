"""The grid: the product of the axes, in the order in which its trials should run.

The order is coarse to fine: one seed everywhere first, and within a seed the numeric axes are refined by halving, so
that a sweep that is stopped early still covers the whole range.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bnsweep.errors import InputError
from bnsweep.spec.fusing import Seats
from bnsweep.spec.keys import key_texts, trial_keys
from bnsweep.spec.possible import check_possible
from bnsweep.spec.product import Product
from bnsweep.spec.ranges import is_number
from bnsweep.spec.trial import TrialSpec


@dataclass(frozen=True, eq=False, repr=False)
class Grid(Sequence[TrialSpec]):
    """The trials of a sweep, or some of them; each is made when it is asked for.

    Args:
        product: the combinations of the axes' values.
        order: (n,) the places of the trials in it.
        keys: (n,) their keys as numbers: 16 hexadecimal digits are 64 bits.
    """

    product: Product
    order: NDArray[np.int64]
    keys: NDArray[np.uint64]

    @classmethod
    def of(cls, fixed: Mapping[str, Any], axes: Mapping[str, Sequence[Any]]) -> Self:
        """Return all trials, coarse to fine.

        Args:
            fixed: the fields that are the same for all trials.
            axes: the values of each axis.

        Raises:
            InputError: a trial cannot be, or is declared twice.
        """
        product, order = Product(fixed, axes), coarse_to_fine(axes)
        check_possible(product, order)
        trials = cls(product, order, trial_keys(product).reshape(-1)[order])
        trials._check_unique()
        return trials

    def __len__(self) -> int:
        return len(self.order)

    def __repr__(self) -> str:
        return f"<grid: {len(self)} trials over {', '.join(self.product.names) or 'no axis'}>"

    @overload
    def __getitem__(self, index: int) -> TrialSpec: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> TrialSpec | Self:
        if isinstance(index, slice):
            return self.take(np.arange(len(self))[index])
        return self.product.trial(self.product.point(self.order[index]))

    def __iter__(self) -> Iterator[TrialSpec]:
        return (self[index] for index in range(len(self)))

    def take(self, indices: ArrayLike) -> Self:
        """Return the trials at these indices, in this order."""
        chosen = np.asarray(indices, np.int64)
        return type(self)(self.product, self.order[chosen], self.keys[chosen])

    def trial_keys(self) -> Iterator[str]:
        """Return the keys as they are written."""
        return key_texts(self.keys)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the axes."""
        return self.product.names

    @property
    def listed(self) -> tuple[str, ...]:
        """The names of the axes that list values: all of them."""
        return self.product.names

    def distinct(self, *fields: str) -> tuple[Self, list[int]]:
        """Return the first trial of each combination that there is of some fields, and how many trials have it.

        Args:
            fields: such as `norm`, `train.steps`, or `model` for all fields of the model.
        """
        combination = self.product.combinations(self.order, *fields)
        _, first, counts = np.unique(combination, return_index=True, return_counts=True)
        in_order = np.argsort(first)
        return self.take(first[in_order]), counts[in_order].tolist()

    @cached_property
    def seats(self) -> Seats:
        """Which of them may train as one."""
        return Seats.of(self.product, self.order)

    def fullness(self) -> float:
        """Return which share of the slots holds one of them, where each trains as soon as there is one for it."""
        return self.seats.fullness(lambda index: self[index].train.fuse)

    def _check_unique(self) -> None:
        """Raise InputError where two points of the grid are the same trial."""
        by_key = np.argsort(self.keys, kind="stable")
        again = by_key[1:][self.keys[by_key[1:]] == self.keys[by_key[:-1]]]
        if len(again):
            same = self[int(again.min())].to_json()
            raise InputError(f"axes: two points of the grid declare the same trial, {same}")


def coarse_to_fine(axes: Mapping[str, Sequence[Any]]) -> NDArray[np.int64]:
    """Return the places of all points in the order of their trials; places are those in the product of the axes.

    First by seed, then by the finest of the levels of a point's values, then as in the product.
    """
    shape = tuple(map(len, axes.values()))
    finest, seed = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for place, (name, values) in enumerate(axes.items()):
        along = [-1 if place == other else 1 for other in range(len(shape))]
        if name == "seed":
            seed += np.arange(len(values)).reshape(along)
        else:
            np.maximum(finest, refinement(values).reshape(along), out=finest)
    return np.argsort((seed * (finest.max() + 1) + finest).reshape(-1), kind="stable")


def refinement(values: Sequence[Any]) -> NDArray[np.int64]:
    """Return the level of each value of an axis: 0 for both ends and the middle, then halving; 0 if not numeric.

    >>> refinement([0.001, 0.01, 0.1, 1.0, 10.0]).tolist()
    [0, 1, 0, 1, 0]
    """
    levels = np.zeros(len(values), np.int64)
    if not all(is_number(value) for value in values):
        return levels
    by_size = np.array(sorted(range(len(values)), key=values.__getitem__))
    first, last = np.array([[0, len(values) // 2], [len(values) // 2, len(values) - 1]])
    level = 1
    while (is_open := last - first > 1).any():
        first, last = first[is_open], last[is_open]
        middle = (first + last) // 2
        levels[by_size[middle]] = level
        first, last, level = np.append(first, middle), np.append(middle, last), level + 1
    return levels
