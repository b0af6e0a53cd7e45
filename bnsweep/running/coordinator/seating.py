"""Which of the trials that wait train as one: of each program, one for each slot, with learning rates that are near."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from bnsweep.running.packs import Seat
from bnsweep.spec.fusing import ALONE, Seats


class Seating:
    """The companies of a run. Each trial keeps its company and its slot, whoever of the company has ended."""

    def __init__(self) -> None:
        self._slots, self._companies = np.empty(0, np.int64), np.empty(0, np.int64)
        self._num_companies = 0

    def seat(self, trials: NDArray[np.int64], seats: Seats, num_well: int) -> NDArray[np.int64]:
        """Give trials (n,) their companies; return them in the order of these, which is that of their first ones.

        Args:
            trials: that wait.
            seats: of all that there are by now.
            num_well: so many of the trials, the first ones, never failed: they keep no company with the others.
        """
        self._slots = seats.slots
        companies = np.full(len(seats.slots), ALONE)
        companies[: len(self._companies)] = self._companies
        self._companies = companies
        seated = seats.slots[trials] != ALONE
        if not seated.any():
            return trials
        has_failed = np.arange(len(trials)) >= num_well
        program, slot = seats.programs[trials], seats.slots[trials]
        by_lr = np.lexsort((seats.lrs[trials], slot, program, has_failed))
        turn = _turns(by_lr, (has_failed, program, slot))
        # those that train alone are no company, each in its place
        alone = np.where(seated, 0, 1 + np.arange(len(trials)))
        together = np.stack([has_failed, program.view(np.int64), np.where(seated, turn, 0), alone], 1)
        _, first, which = np.unique(together, axis=0, return_index=True, return_inverse=True)
        order = np.argsort(first[which.reshape(-1)], kind="stable")
        self._companies[trials[seated]] = self._num_companies + which.reshape(-1)[seated]
        self._num_companies += len(first)
        return trials[order]

    def until_complete(self, trials: NDArray[np.int64], count: int) -> int:
        """Return how many of the first trials to take, at least `count`, to part no company."""
        if not 0 < count < len(trials) or not len(self._companies):
            return count
        company = self._companies[trials[count - 1]]
        while company != ALONE and count < len(trials) and self._companies[trials[count]] == company:
            count += 1
        return count

    def are_together(self, one: int, other: int) -> bool:
        """Return whether two trials train as one."""
        return bool(self._num_companies and self._companies[one] == self._companies[other] != ALONE)

    def of(self, trials: Iterable[int]) -> dict[int, Seat]:
        """Return the seats of those of the trials that have one."""
        if not self._num_companies:
            return {}
        places = [(trial, int(self._companies[trial])) for trial in trials]
        return {trial: Seat(company, int(self._slots[trial])) for trial, company in places if company != ALONE}


def _turns(order: NDArray[np.int64], columns: tuple[NDArray[np.generic], ...]) -> NDArray[np.int64]:
    """Number the rows of each combination of values from 0 on, in an order that has those of one side by side."""
    is_new = np.ones(len(order), bool)
    is_new[1:] = np.logical_or.reduce([column[order][1:] != column[order][:-1] for column in columns])
    place = np.arange(len(order))
    turns = np.empty(len(order), np.int64)
    turns[order] = place - np.maximum.accumulate(np.where(is_new, place, 0))
    return turns
