"""How trials are cut into packs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bnsweep.executors.pack import LARGEST_PACK, make_packs
from bnsweep.spec import TrialSpec

TRIALS = tuple(
    TrialSpec.model_validate({"model": {"name": "mlp"}, "dataset": {"name": "digits"}, "seed": seed})
    for seed in range(300)
)


@given(st.integers(0, 300), st.integers(1, 40))
def test_packs_hold_every_trial_once_in_order(num_trials: int, num_workers: int) -> None:
    trials = TRIALS[:num_trials]
    packs = make_packs(trials, {TRIALS[0].trial_key: 2}, num_workers)
    assert [spec for pack in packs for spec in pack.trials] == list(trials)
    assert all(1 <= len(pack.trials) <= LARGEST_PACK for pack in packs)
    assert [attempt for pack in packs for attempt in pack.attempts] == [3, *[1] * 299][:num_trials]


@given(st.integers(1, 300), st.integers(1, 40))
def test_no_worker_is_left_without_a_pack(num_trials: int, num_workers: int) -> None:
    assert len(make_packs(TRIALS[:num_trials], {}, num_workers)) >= min(num_trials, num_workers)
