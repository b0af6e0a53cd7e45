import numpy as np
import pytest
from scipy.stats import spearmanr, t

from analysis.statistics.correlation import MIN_UNITS, correlation_interval, spearman


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


def test_the_interval_is_bonett_and_wrights_with_students_t() -> None:
    # By hand, r = 0.6 and n = 28: arctanh 0.6 = 0.693147, its standard error sqrt((1 + 0.18) / 25) = 0.217256.
    assert t.ppf(0.975, 26) == pytest.approx(2.055529, abs=1e-6)
    reach = 2.055529 * 0.217256
    expected = np.tanh([0.693147 - reach, 0.693147 + reach])
    assert correlation_interval(0.6, 28, 0.95) == pytest.approx(expected, abs=1e-5)


def test_too_few_units_have_no_interval() -> None:
    assert np.isnan(correlation_interval(0.5, MIN_UNITS - 1, 0.95)).all()
    assert np.isnan(correlation_interval(np.nan, 30, 0.95)).all()
    low, high = correlation_interval(1.0, MIN_UNITS, 0.95)
    assert 0 < low < high <= 1


@pytest.mark.parametrize("strength", [0.0, 0.4, 0.8, 0.95])
@pytest.mark.parametrize("units", [10, 20])
def test_intervals_cover(units: int, strength: float) -> None:
    rng = np.random.default_rng(5)
    x, noise = rng.normal(size=(2, 2000, units))
    found = spearman(x, strength * x + np.sqrt(1 - strength**2) * noise)
    true = 6 / np.pi * np.arcsin(strength / 2)  # of a normal pair
    ends = np.array([correlation_interval(float(one), units, 0.95) for one in found])
    assert ((ends[:, 0] <= true) & (true <= ends[:, 1])).mean() >= 0.93
