"""Labels that do not name every class from 0 on: a model gets an output for each all the same."""

from __future__ import annotations

import numpy as np

from bnsweep.data.dataset import Dataset, Targets
from bnsweep.errors import InputError

MAX_NAMED = 10
"""How many labels a message names."""


def require_from_zero(train_y: Targets, test_y: Targets, where: str) -> None:
    """Check that labels do not count from 1: the model would get an output more, for a class that is not there.

    Other gaps may be meant, such as a class that is kept from training: see `note_missing`.

    Args:
        train_y: labels (N,) to train on, before any sample is taken of them.
        test_y: those to test on.
        where: what a message begins with.

    Raises:
        InputError: the labels of both are 1 to K, each of them there.
    """
    found = np.union1d(train_y, test_y)
    if found[0] == 1 and found[-1] == len(found):
        raise InputError(f"{where}: labels run from 1 to {len(found)}; they should run from 0; subtract 1")


def note_missing(data: Dataset, name: str) -> str | None:
    """Return in words which labels no sample to train on has; None where each has some, or targets are real."""
    if data.has_real_targets:
        return None
    missing = (data.train_y.bincount(minlength=data.num_classes) == 0).nonzero().flatten().tolist()
    if not missing:
        return None
    named = ", ".join(map(str, missing[:MAX_NAMED])) + (", ..." if len(missing) > MAX_NAMED else "")
    return (
        f"dataset {name}: no sample to train on has label {named}; the model has {data.num_classes} outputs, one for "
        f"each label from 0 to {data.num_classes - 1}"
    )
