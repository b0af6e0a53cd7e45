"""Trials one by one are what the same trials of a grid are."""

from __future__ import annotations

import numpy as np
import pytest

from bnsweep.spec.listed import Listed
from bnsweep.spec.sweep import Sweep

GRID = Sweep.from_text("""
name: a
model: {name: mlp, widths: [8]}
dataset: {name: digits}
train: {fuse: 4}
axes:
  norm: [none, batch]
  lr: [0.1, 1.0]
  train.momentum: [0.0, 0.5]
  train.steps: [4, 6]
  seed: {range: 3}
""").trials
LISTED = Listed.each_once(GRID.names, (), GRID)


def test_they_have_the_same_keys_in_the_same_order() -> None:
    assert list(LISTED.keys) == list(GRID.keys)
    assert list(LISTED.trial_keys()) == list(GRID.trial_keys())
    assert list(LISTED) == list(GRID)
    assert list(LISTED[3:9]) == list(GRID[3:9])
    assert list(LISTED.take([5, 0])) == list(GRID.take([5, 0]))


@pytest.mark.parametrize("fields", [(), ("norm",), ("train",), ("train.steps", "seed"), ("model", "dataset")])
def test_they_have_the_same_combinations(fields: tuple[str, ...]) -> None:
    mine, counts = LISTED.distinct(*fields)
    theirs, their_counts = GRID.distinct(*fields)
    assert (list(mine), counts) == (list(theirs), their_counts)


def test_they_have_the_same_seats() -> None:
    assert np.array_equal(LISTED.seats.slots, GRID.seats.slots)
    assert np.array_equal(LISTED.seats.programs, GRID.seats.programs)
    assert np.array_equal(LISTED.seats.lrs, GRID.seats.lrs)
    assert LISTED.fullness() == GRID.fullness() < 1


def test_a_trial_that_is_there_twice_is_there_once() -> None:
    assert list(Listed.each_once(GRID.names, (), [*GRID[:2], *GRID[:3]])) == list(GRID[:3])
