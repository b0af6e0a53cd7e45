"""The seats of a grid's trials are those of each by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from bnsweep.spec.fusing import ALONE, is_fused, program_of, slot_of
from bnsweep.spec.grid import Grid

FIXED: dict[str, Any] = {
    "model": {"name": "mlp", "widths": [4]},
    "dataset": {"name": "digits"},
    "train": {"steps": 10, "fuse": 5},
}
AXES: tuple[Mapping[str, Sequence[Any]], ...] = (
    {"seed": range(5), "norm": ["none", "batch"], "lr": [0.1, 0.2, 0.3]},
    {"train.fuse": [1, 3, 4], "norm": ["none", "batch"], "seed": [2**63 - 1, 2**62, 7]},
    {"model.name": ["mlp", "deep_linear"], "train.momentum": [0.0, 0.9], "train.log_every": [1, 2]},
    {"seed": [3, 4]},
    {},
)


@pytest.mark.parametrize("axes", AXES, ids=lambda axes: "-".join(axes) or "none")
def test_the_seats_of_a_grid_are_those_of_its_trials(axes: Mapping[str, Sequence[Any]]) -> None:
    trials = Grid.of(FIXED, {name: list(values) for name, values in axes.items()})
    slots = [slot_of(spec) if is_fused(spec) else ALONE for spec in trials]
    assert trials.seats.slots.tolist() == slots
    assert trials.seats.programs.tolist() == [program_of(spec) if is_fused(spec) else 0 for spec in trials]
    assert trials.take([0]).seats.slots.tolist() == slots[:1]
    for spec, slot in zip(trials, slots, strict=True):
        _ = spec.trial_key
        assert slot == (slot_of(spec) if is_fused(spec) else ALONE), "whether or not its key was asked for"


def test_how_many_slots_hold_trials() -> None:
    seeds = {"seed": list(range(5)), "lr": [0.1, 0.2]}
    assert Grid.of(FIXED, seeds).fullness() == 1.0
    assert Grid.of(FIXED, {"lr": [0.1]}).fullness() == 1 / 5
    assert Grid.of(FIXED, {"seed": [0, 1], "norm": ["none", "batch"]}).fullness() == 4 / 10
    mixed = Grid.of(FIXED, {"train.fuse": [1, 5], "seed": [0, 5, 10]})  # of five the three are in one slot
    assert mixed.fullness() == 6 / (3 + 3 * 5)


def test_what_may_differ_within_a_program_does_not_make_another() -> None:
    trials = Grid.of(FIXED, {"lr": [0.1, 0.2], "train.weight_decay": [0.0, 0.1], "init_gain": [1.0, 2.0]})
    assert len(set(trials.seats.programs.tolist())) == 1
    others = Grid.of(FIXED, {"norm": ["none", "batch"], "train.batch_size": [16, 32]})
    assert len(set(others.seats.programs.tolist())) == 4


def test_the_seeds_of_a_configuration_are_in_slots_of_their_own() -> None:
    trials = Grid.of(FIXED, {"lr": [0.1, 0.2, 0.4], "seed": list(range(5))})
    for lr in (0.1, 0.2, 0.4):
        assert sorted(slot_of(spec) for spec in trials if spec.lr == lr) == list(range(5))
