import numpy as np
import pytest

from analysis.grid import Floats
from analysis.intervals import Index, resample_seeds, seed_bootstrap, trust


def test_bootstrap_of_a_mean_matches_resampling_by_hand() -> None:
    values = np.random.default_rng(1).normal(size=12)

    def mean(index: Index) -> Floats:
        return values[index].mean(axis=-1)[None]

    low, high = seed_bootstrap(mean, 12, np.random.default_rng(2), resamples=20_000)
    draws = values[np.random.default_rng(3).integers(12, size=(20_000, 12))].mean(axis=1)
    assert (low[0], high[0]) == pytest.approx(tuple(np.percentile(draws, [2.5, 97.5])), abs=0.02)


def test_seeds_are_resampled_jointly_so_that_a_paired_difference_has_no_spread() -> None:
    one = np.random.default_rng(1).normal(size=8)
    pair = np.stack([one, one + 3], axis=1)

    def difference(index: Index) -> Floats:
        means = pair[index].mean(axis=-2)
        return (means[..., 1] - means[..., 0])[None]

    low, high = seed_bootstrap(difference, 8, np.random.default_rng(2))
    assert (low[0], high[0]) == pytest.approx((3, 3))


def test_one_seed_has_no_interval() -> None:
    low, high = seed_bootstrap(lambda index: np.zeros((4, *index.shape[:-1])), 1, np.random.default_rng(0))
    assert low.shape == high.shape == (4,)
    assert np.isnan([low, high]).all()


def test_an_undefined_statistic_has_no_interval_and_no_warning() -> None:
    low, _ = seed_bootstrap(lambda index: np.full((1, *index.shape[:-1]), np.nan), 3, np.random.default_rng(0))
    assert np.isnan(low).all()


def test_a_missing_trial_never_makes_a_resample_undefined() -> None:
    values = np.array([[0.2, 0.4], [np.nan, 0.6], [np.nan, np.nan]])
    drawn = resample_seeds(values, np.array([[0, 1, 2], [1, 1, 2], [2, 2, 2]]))
    assert drawn.shape == (3, 3, 2)
    assert np.nanmean(drawn[0], axis=0) == pytest.approx([0.2, 0.5])
    assert np.nanmean(drawn[1], axis=0) == pytest.approx([0.2, 0.6])
    assert np.nanmean(drawn[2], axis=0) == pytest.approx([0.2, 0.5])


def test_the_level_of_an_interval_is_that_asked_for() -> None:
    values = np.random.default_rng(1).normal(size=12)
    low, high = seed_bootstrap(
        lambda index: values[index].mean(axis=-1)[None], 12, np.random.default_rng(2), resamples=20_000, confidence=0.99
    )
    draws = values[np.random.default_rng(3).integers(12, size=(20_000, 12))].mean(axis=1)
    assert (low[0], high[0]) == pytest.approx(tuple(np.percentile(draws, [0.5, 99.5])), abs=0.03)


def test_few_seeds_are_said_to_be_few() -> None:
    assert "no interval" in trust(1)
    assert "coarse" in trust(2)
    assert "coarse" in trust(3)
    assert "coarse" not in trust(8)
