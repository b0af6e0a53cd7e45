"""Kinds of trials: those of one kind do the same work, in the same time. Loads without torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from bnsweep.spec import TrainSpec, TrialSpec


def count_kinds(trials: Iterable[TrialSpec]) -> list[tuple[TrialSpec, int]]:
    """Return a tame trial of each kind, in the order in which they first come, and how many there are."""
    counts, kinds = Counter[str](), dict[str, TrialSpec]()
    for spec in trials:
        kind = tame(spec)
        key = kind.model_dump_json()
        counts[key] += 1
        kinds.setdefault(key, kind)
    return [(kind, counts[key]) for key, kind in kinds.items()]


def tame(spec: TrialSpec, seed: int = 0, **train: Any) -> TrialSpec:
    """Return a trial that takes as long as `spec`, and does not diverge where that is up to us.

    Learning rate, initialization and seed do not change what a step takes. Nothing is checked again: with other options
    of `train` probes may have no step to measure any more.
    """
    options = TrainSpec.model_construct(**{**dict(spec.train), "max_loss": 1e30, **train})
    changed = {"train": options, "lr": 1e-6, "init": "default", "init_gain": 1.0, "seed": seed}
    return TrialSpec.model_construct(**{**dict(spec), **changed})
