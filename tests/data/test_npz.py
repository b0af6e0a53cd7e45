"""Four arrays in one file."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnsweep.data import Dataset, load_dataset
from bnsweep.errors import InputError
from bnsweep.spec import NpzSpec

X = np.random.default_rng(0).integers(0, 256, (20, 2, 4, 4), np.uint8)
ARRAYS: dict[str, Any] = {"train_x": X, "train_y": np.arange(20) // 5, "test_x": X[:8], "test_y": np.arange(8) % 4}


def load(path: Path, **fields: object) -> Dataset:
    return load_dataset(NpzSpec(name="npz", file=str(path), **fields))


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_come_back_as_they_were_saved(tmp_path: Path, save: Any) -> None:
    save(tmp_path / "a.npz", **ARRAYS, other=np.array("unused"))
    data = load(tmp_path / "a.npz")
    assert all(np.array_equal(getattr(data, name), array) for name, array in ARRAYS.items())
    assert data.sha256 == hashlib.sha256((tmp_path / "a.npz").read_bytes()).hexdigest()


def test_a_limit_takes_a_sample_of_all_classes(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **ARRAYS)
    data = load(tmp_path / "a.npz", train_limit=8, test_limit=4)
    assert data.train_y.bincount().tolist() == [2] * 4
    assert data.test_y.bincount().tolist() == [1] * 4
    assert all(any(np.array_equal(x, other) for other in X) for x in data.train_x.numpy())


REAL = {"train_y": np.linspace(0, 1, 60).reshape(20, 3), "test_y": np.ones((8, 3), np.float32)}


def test_real_targets_come_back_as_float32(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **(ARRAYS | REAL))
    data = load(tmp_path / "a.npz", train_limit=8)
    assert (data.has_real_targets, data.num_classes, len(data.train_y)) == (True, 3, 8)
    places = [np.flatnonzero((REAL["train_y"].astype(np.float32) == y).all(1)).item() for y in data.train_y.numpy()]
    assert np.array_equal(data.train_x, X[places])


BAD: list[tuple[dict[str, Any], str]] = [
    ({"train_x": np.array([None] * 20)}, "cannot be read as npz .*Object arrays cannot be loaded"),
    (
        {"train_x": np.zeros((20, 8, 8, 3), np.uint8)},
        r": train_x has the shape \(20, 8, 8, 3\), which is \(N, H, W, C\) of images; it should be \(N, C, H, W\)",
    ),
    ({"train_x": X[:, 0]}, r": train_x has the shape \(20, 4, 4\); it should be \(N, C, H, W\)"),
    ({"test_y": np.arange(9) % 4}, ": test_x has 8 samples, test_y 9 labels"),
    ({"train_y": REAL["train_y"]}, r": train_y and test_y are float32 of the shape \(20, 3\) and int64 .* alike"),
    (REAL | {"test_y": np.full((8, 3), np.nan)}, ": test_y has entries that are no finite float32"),
    (REAL | {"train_y": np.zeros((20, 3), int)}, r": train_y is int64 .* for a regression floating-point numbers"),
    ({"train_y": np.zeros(20, int), "test_y": np.zeros(8, int)}, " has one class"),
    (
        {"train_y": np.arange(20) // 5 + 1, "test_y": np.arange(8) % 4 + 1},
        ": labels run from 1 to 4; they should run from 0; subtract 1",
    ),
]


@pytest.mark.parametrize(("replaced", "message"), BAD, ids=[entry[1][:30] for entry in BAD])
def test_what_is_wrong_is_named(tmp_path: Path, replaced: dict[str, Any], message: str) -> None:
    np.savez(tmp_path / "a.npz", **(ARRAYS | replaced))
    with pytest.raises(InputError, match=rf"^dataset\.file: .*a\.npz{message}|^dataset\.file: .*a\.npz {message}"):
        load(tmp_path / "a.npz")


def test_files_that_are_no_such_archive_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez(tmp_path / "short.npz", x_train=X)
    np.save(tmp_path / "one.npy", X)
    np.savez(tmp_path / "cut.npz", **ARRAYS)
    (tmp_path / "cut.npz").write_bytes((tmp_path / "cut.npz").read_bytes()[:400])
    for name, message in {
        "gone.npz": r"gone\.npz cannot be read as npz \(.*No such file",
        "short.npz": r"short\.npz has no array 'train_x'; allowed: x_train",
        "one.npy": r"one\.npy holds one array; give a file that numpy\.savez wrote",
        "cut.npz": r"cut\.npz cannot be read as npz",
    }.items():
        with pytest.raises(InputError, match=rf"^dataset\.file: .*{message}"):
            load(tmp_path / name)
    np.savez(tmp_path / "a.npz", **ARRAYS)
    monkeypatch.setattr("bnsweep.data.memory.memory_bytes", lambda: 700)
    with pytest.raises(InputError, match=r"the arrays of .*a\.npz take .* GiB in memory, and this process may use"):
        load(tmp_path / "a.npz")
