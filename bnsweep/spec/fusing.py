"""Trials that train as one: those of one program, each in its slot. Loads without torch.

`train.fuse: K` has K slots. Which one is a trial's follows from its spec alone, and a slot that nobody needs holds a
copy of another trial: so what a trial gives does not depend on which others are there. The seeds of a configuration are
in slots side by side.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bnsweep.spec.keys import trial_keys
from bnsweep.spec.product import Product
from bnsweep.spec.trial import TrialSpec, key_number

FREE = (
    *("lr", "init", "init_gain", "seed", "train.momentum", "train.weight_decay", "train.max_loss"),
    *("train.schedule", "train.step_at", "train.step_factor", "train.warmup"),
)
"""Fields in which trials of one program may differ."""
MODELS = ("mlp", "deep_linear", "vgg", "resnet")
ALONE = -1
"""The slot of a trial that trains alone."""


def why_alone(spec: TrialSpec) -> str | None:
    """Return why a trial cannot train as one with others; None where it can."""
    if spec.is_own:
        return "a training loop of your own"
    if spec.model.name not in MODELS:
        return f"model {spec.model.name} (there are {', '.join(MODELS)})"
    if spec.train.compile:
        return "train.compile"
    return None


def is_fused(spec: TrialSpec) -> bool:
    """Return whether a trial trains as one with others, or with copies of itself."""
    return spec.train.fuse > 1 and why_alone(spec) is None


def slot_of(spec: TrialSpec) -> int:
    """Return the slot of a trial that is fused, from 0 to K - 1."""
    return (spec.seed + int(_of_no_seed(spec).trial_key, 16)) % spec.train.fuse


def _of_no_seed(spec: TrialSpec) -> TrialSpec:
    return TrialSpec.model_construct(**{**dict(spec), "seed": 0})  # a copy would have this one's key


class Seats(NamedTuple):
    """Which trials may train as one.

    Args:
        programs: (n,) equal for those of one program.
        slots: (n,) the slot of each, `ALONE` for one that trains alone.
        lrs: (n,) learning rates: those that are alike diverge together, and a company ends with its last one.
    """

    programs: NDArray[np.uint64]
    slots: NDArray[np.int64]
    lrs: NDArray[np.float64]

    @classmethod
    def of(cls, product: Product, order: NDArray[np.int64]) -> Seats:
        """Return the seats of the trials at these places (n,) of a product."""
        if set(product.axes.get("train.fuse", [_fixed(product)])) == {1}:
            return cls(np.zeros(len(order), np.uint64), np.full(len(order), ALONE), np.zeros(len(order)))
        combination = product.combinations(order, *(name for name in product.names if name not in FREE))
        _, first, which = np.unique(combination, return_index=True, return_inverse=True)
        programs, sizes = np.zeros(len(first), np.uint64), np.ones(len(first), np.int64)
        for place, index in enumerate(first):
            spec = product.trial(product.point(order[index]))
            if is_fused(spec):
                programs[place], sizes[place] = program_of(spec), spec.train.fuse
        lrs = np.asarray(product.axes.get("lr", [0.0]), np.float64)[product.combinations(order, "lr")]
        if (sizes == 1).all():
            return cls(programs[which], np.full(len(order), ALONE), lrs)
        sizes = sizes[which]
        seed, configuration = (part % sizes.astype(np.uint64) for part in _seeds_and_configurations(product, order))
        slots = (seed + configuration).astype(np.int64) % sizes
        return cls(programs[which], np.where(sizes > 1, slots, ALONE), lrs)

    @classmethod
    def of_each(cls, specs: Sequence[TrialSpec]) -> Seats:
        """Return the seats of trials that are no product."""
        fused = [is_fused(spec) for spec in specs]
        programs = [program_of(spec) if one else 0 for spec, one in zip(specs, fused, strict=True)]
        slots = [slot_of(spec) if one else ALONE for spec, one in zip(specs, fused, strict=True)]
        lrs = [spec.lr for spec in specs]
        return cls(np.array(programs, np.uint64), np.array(slots, np.int64), np.array(lrs, np.float64))

    def fullness(self, size_of: Callable[[int], int]) -> float:
        """Return which share of the slots holds a trial, where each trains as soon as there is one for it.

        The others hold copies. One that trains alone fills its own.

        Args:
            size_of: how many slots the program of a trial has, by its index.
        """
        is_fused = self.slots != ALONE
        num_slots = len(self.slots) - int(np.count_nonzero(is_fused))
        for program in np.unique(self.programs[is_fused]):
            mine = np.flatnonzero(is_fused & (self.programs == program))
            num_slots += size_of(int(mine[0])) * int(np.bincount(self.slots[mine]).max())
        return len(self.slots) / num_slots


def _fixed(product: Product) -> int:
    """Return K where it is the same for all trials."""
    return int(dict(product.fixed.get("train", {})).get("fuse", 1))


def program_of(spec: TrialSpec) -> int:
    """Return a number that trials of one program share."""
    train = {name: value for name, value in spec.train.canonical.items() if f"train.{name}" not in FREE}
    of_all = {name: value for name, value in spec.canonical.items() if name not in FREE}
    return key_number(json.dumps({**of_all, "train": train}, sort_keys=True))


def _seeds_and_configurations(
    product: Product, order: NDArray[np.int64]
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return the seed of each trial, and the number in its key if it had seed 0."""
    fixed, axes = dict(product.fixed), dict(product.axes)
    seeds = np.asarray(axes.pop("seed", [fixed.pop("seed", 0)]), np.uint64)
    keys = trial_keys(Product(fixed, axes)).reshape(-1)
    return seeds[product.combinations(order, "seed")], keys[product.combinations(order, *axes)]
