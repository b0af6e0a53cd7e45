import numpy as np
import pytest
from scipy.stats import spearmanr

from analysis.correlation import spearman, spearman_interval


def test_spearman_is_scipys_with_ties() -> None:
    x, y = np.random.default_rng(0).integers(0, 6, size=(2, 9, 20)).astype(float)
    expected = [spearmanr(a, b).statistic for a, b in zip(x, y, strict=True)]
    assert spearman(x, y) == pytest.approx(expected)


def test_missing_trials_are_left_out() -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 12))
    holes = np.zeros(12, dtype=bool)
    holes[[2, 5]] = True
    found = spearman(np.where(holes, np.nan, x), np.where(holes, np.nan, y))
    assert found == pytest.approx(spearmanr(x[~holes], y[~holes]).statistic)


def test_a_constant_has_no_correlation() -> None:
    assert np.isnan(spearman(np.ones(5), np.arange(5.0)))
    assert np.isnan(spearman(np.arange(2.0), np.arange(2.0)))


def test_copies_of_a_configuration_do_not_narrow_the_interval() -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 15))
    config = np.arange(15)
    alone = spearman_interval(x, y, config, np.random.default_rng(1))
    copied = spearman_interval(*(np.repeat(values, 10) for values in (x, y, config)), np.random.default_rng(1))
    assert copied == pytest.approx(alone)


def test_configurations_may_have_different_numbers_of_seeds() -> None:
    x = np.arange(11.0)
    low, high = spearman_interval(x, x, np.array([0, 0, 1, 2, 2, 3, 4, 5, 5, 5, 6]), np.random.default_rng(1))
    assert (low, high) == pytest.approx((1, 1))


def test_too_few_configurations_have_no_interval() -> None:
    x = np.arange(8.0)
    assert np.isnan(spearman_interval(x, x, np.repeat(np.arange(4), 2), np.random.default_rng(1))).all()
