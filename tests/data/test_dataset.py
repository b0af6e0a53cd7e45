"""Means and standard deviations against numpy's in float64, whatever the type of the samples."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bnsweep.data import Dataset
from bnsweep.data.dataset import mean_and_std
from bnsweep.errors import InputError

KINDS = ["uint8", "uint16", "int64", "float16", "float32", "float64"]
Y = np.array([0, 1, 0, 1, 0, 1])


def samples(kind: str, seed: int) -> np.ndarray:
    return (np.random.default_rng(seed).random((6, 2, 3, 4)) * 200).astype(kind)


@given(st.sampled_from(KINDS), st.integers(0, 99))
def test_standardized_samples_are_numpys_in_float64(kind: str, seed: int) -> None:
    x = samples(kind, seed)
    data = Dataset.from_arrays((x, Y), (x[:2], Y[:2]))
    exact = x.astype(np.float64)
    expected = (exact - exact.mean((0, 2, 3), keepdims=True)) / exact.std((0, 2, 3), keepdims=True)
    found = data.standardize(data.train_x)
    assert found.dtype == torch.float32
    tolerance = 1e-6 if kind == "uint8" else 1e-7
    np.testing.assert_allclose(found.numpy(), expected, atol=tolerance, rtol=tolerance)
    assert torch.equal(data.standardize(data.test_x), found[:2])


def test_bytes_have_the_mean_and_std_that_numpy_gives_them_to_the_bit() -> None:
    x = np.random.default_rng(0).integers(0, 256, (3000, 3, 8, 8), np.uint8)
    mean, std = mean_and_std(x)
    assert np.array_equal(mean.astype(np.float32), x.mean((0, 2, 3), dtype=np.float64).astype(np.float32))
    assert np.array_equal(std.astype(np.float32), x.std((0, 2, 3), dtype=np.float64).astype(np.float32))


@pytest.mark.parametrize("kind", KINDS)
def test_a_constant_channel_becomes_zero(kind: str) -> None:
    x = samples(kind, 0)
    x[:, 1] = np.array(0.1 if kind.startswith("f") else 7, kind)
    data = Dataset.from_arrays((x, Y), (x, Y))
    assert data.std[1] == 1
    assert data.standardize(data.train_x)[:, 1].abs().max() < 1e-6


def test_pieces_give_the_same_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    x = samples("float64", 3) + 1e9
    whole = Dataset.from_arrays((x, Y), (x, Y))
    monkeypatch.setattr("bnsweep.data.dataset.ROWS_AT_A_TIME_BYTES", 1)
    torch.testing.assert_close(Dataset.from_arrays((x, Y), (x, Y)).train_x, whole.train_x, atol=1e-7, rtol=1e-6)


def test_samples_beyond_float32_are_refused() -> None:
    x = samples("float64", 0) * 1e-9
    with pytest.raises(InputError, match="1e38 standard deviations from the mean"):
        Dataset.from_arrays((x, Y), (x * 1e47, Y))
