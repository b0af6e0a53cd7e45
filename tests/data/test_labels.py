"""Labels that do not name every class from 0 on: what is refused, and what is only said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bnsweep.data import Dataset, load_dataset
from bnsweep.data.labels import note_missing, require_from_zero
from bnsweep.errors import InputError
from bnsweep.spec import NpzSpec

MEANT = {
    "a class kept from training": ([1, 2, 3], [0, 1, 2, 3]),
    "a class that is only trained on": ([0, 1, 2], [1, 2]),
    "some digits": ([1, 3, 7], [3, 7]),
    "all": ([0, 1, 2], [0, 1, 2]),
}


@pytest.mark.parametrize(("train_y", "test_y"), MEANT.values(), ids=MEANT)
def test_labels_that_may_be_meant_are_taken(train_y: list[int], test_y: list[int]) -> None:
    require_from_zero(np.array(train_y), np.array(test_y), "dataset")


@pytest.mark.parametrize(("train_y", "test_y"), [([1, 2, 3], [1]), ([2, 1, 2], [3, 3])])
def test_labels_from_1_on_are_refused(train_y: list[int], test_y: list[int]) -> None:
    with pytest.raises(InputError, match=r"^dataset: labels run from 1 to 3; they should run from 0; subtract 1$"):
        require_from_zero(np.array(train_y), np.array(test_y), "dataset")


def loaded(path: Path, train_y: np.ndarray, test_y: np.ndarray, **fields: object) -> Dataset:
    x = np.random.default_rng(0).normal(size=(max(len(train_y), len(test_y)), 3))
    np.savez(path, train_x=x[: len(train_y)], train_y=train_y, test_x=x[: len(test_y)], test_y=test_y)
    return load_dataset(NpzSpec.model_validate({"name": "npz", "file": str(path), **fields}))


def test_labels_that_no_sample_has_are_named(tmp_path: Path) -> None:
    def note(train_y: list[int], test_y: list[int], **fields: object) -> str | None:
        return note_missing(loaded(tmp_path / "a.npz", np.array(train_y), np.array(test_y), **fields), "npz")

    assert note([0, 1, 2], [0]) is None
    assert note([0, 2, 2], [0, 3]) == (
        "dataset npz: no sample to train on has label 1, 3; the model has 4 outputs, one for each label from 0 to 3"
    )
    assert (found := note([0, 40], [0])) is not None
    assert "label 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ...; the model has 41 outputs" in found


def test_real_targets_have_no_labels(tmp_path: Path) -> None:
    assert note_missing(loaded(tmp_path / "a.npz", np.ones((4, 2)), np.ones((4, 2))), "npz") is None
