"""Which samples are drawn, and what a model is given of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bnsweep.data import load_dataset
from bnsweep.data.batches import batch_indices
from bnsweep.spec import TrialSpec
from bnsweep.training.loop import run_trial


@given(st.integers(1, 40), st.integers(1, 12), st.integers(0, 60), st.integers(0, 2**63 - 1))
def test_every_epoch_is_a_permutation_cut_into_full_batches(
    num_samples: int, batch_size: int, steps: int, seed: int
) -> None:
    batch_size = min(batch_size, num_samples)
    batches = [batch.tolist() for batch in batch_indices(num_samples, batch_size, steps, seed)]
    assert len(batches) == steps
    assert all(len(set(batch)) == batch_size for batch in batches)
    per_epoch = num_samples // batch_size
    for start in range(0, steps, per_epoch):
        epoch = [sample for batch in batches[start : start + per_epoch] for sample in batch]
        assert len(set(epoch)) == len(epoch)
        assert set(epoch) <= set(range(num_samples))


def test_an_epochs_samples_are_drawn_on_the_cpu_whatever_the_device() -> None:
    batches = list(batch_indices(10, 3, 5, 0, torch.device("meta")))  # a device that is there on every machine
    assert {(batch.device.type, tuple(batch.shape)) for batch in batches} == {("meta", (3,))}


def test_a_large_set_is_standardized_batch_by_batch_to_the_same_bits(
    spec: Callable[..., TrialSpec], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = load_dataset(spec().dataset)
    held = run_trial(spec(), data)
    monkeypatch.setattr("bnsweep.data.batches.MAX_STANDARDIZED_BYTES", 0)
    assert run_trial(spec(), data).tables == held.tables
