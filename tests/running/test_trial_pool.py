"""How the trials are cut into packs."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from bnsweep.running.pack_sizing import MAX_PACK_S, MIN_PACK_S, PackSizing
from bnsweep.running.packs import Pack, Tally
from bnsweep.running.trial_pool import TrialPool
from bnsweep.spec import TrialSpec

TRIALS = tuple(
    TrialSpec.model_validate({"model": {"name": "mlp"}, "dataset": {"name": "digits"}, "seed": seed})
    for seed in range(300)
)


def packs(pool: TrialPool, each_s: float) -> Iterator[Pack]:
    """Every pack, each taking as long as its trials say."""
    while pool:
        pack = pool.next_pack()
        yield pack
        pool.sizing.timed(Tally(completed=len(pack.trials), busy_s=each_s * len(pack.trials)))


@given(st.integers(0, 300), st.integers(1, 40), st.floats(0, 1e4))
def test_packs_hold_every_trial_once_in_order(num_trials: int, num_workers: int, each_s: float) -> None:
    trials = TRIALS[:num_trials]
    pool = TrialPool(trials, PackSizing(num_workers), {TRIALS[0].trial_key: 2}, {TRIALS[1].trial_key})
    cut = list(packs(pool, each_s))
    assert [spec for pack in cut for spec in pack.trials] == list(trials)
    assert [attempt for pack in cut for attempt in pack.attempts] == [3, *[1] * 299][:num_trials]
    assert [key for pack in cut for key in pack.saved] == [TRIALS[1].trial_key][: max(0, num_trials - 1)]


@given(st.integers(1, 10**6), st.integers(1, 1000), st.floats(1e-4, 1e4))
def test_a_pack_is_neither_long_nor_costly_nor_more_than_half_a_share(left: int, workers: int, each_s: float) -> None:
    size = PackSizing(workers, ended=1, busy_s=each_s).size(left)
    assert size == 1 or size * each_s <= MAX_PACK_S + each_s / 2
    assert size <= max(1.0, left / (2 * workers) + 0.5, MIN_PACK_S / each_s + 0.5)
    assert size * each_s >= min(MIN_PACK_S, MAX_PACK_S) - each_s / 2


def test_nothing_is_risked_before_a_trial_was_timed() -> None:
    pool = TrialPool(TRIALS, PackSizing(2))
    assert [len(pool.next_pack().trials) for _ in range(3)] == [1, 1, 1]


def test_the_last_packs_are_small() -> None:
    sizes = [len(pack.trials) for pack in packs(TrialPool(TRIALS, PackSizing(2)), 1.0)]
    assert sizes[1] == 30
    assert sizes[-3:] == [1, 1, 1]
    assert sizes[1:] == sorted(sizes[1:], reverse=True)
