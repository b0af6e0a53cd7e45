import numpy as np
import pytest
from scipy.stats import binomtest, ttest_1samp

from analysis.statistics.intervals import seed_interval, seed_sd, share_interval, trust


def test_the_interval_is_students_t() -> None:
    values = np.random.default_rng(1).normal(size=(6, 5))
    expected = ttest_1samp(values, 0, axis=-1).confidence_interval(0.9)
    low, high = seed_interval(values, 0.9)
    assert low == pytest.approx(expected.low)
    assert high == pytest.approx(expected.high)


def test_a_missing_seed_is_left_out() -> None:
    values = np.random.default_rng(1).normal(size=5)
    for found, whole in zip(seed_interval(np.append(values, np.nan)), seed_interval(values), strict=True):
        assert found == pytest.approx(whole)
    assert seed_sd(np.append(values, np.nan)) == pytest.approx(values.std(ddof=1))


@pytest.mark.parametrize("values", [[0.1, 0.2], [0.3, 0.3, 0.3, 0.3], [0.1, 0.2, np.nan], []])
def test_too_few_seeds_or_none_that_differ_have_no_interval(values: list[float]) -> None:
    assert np.isnan(seed_interval(np.array(values, dtype=float))).all()


def test_a_share_has_wilsons_interval_where_seeds_are_alike() -> None:
    low, high = share_interval(np.array([3]), np.array([30]), np.full((1, 3), 0.1))
    expected = binomtest(3, 30).proportion_ci(method="wilson")
    assert (low[0], high[0]) == pytest.approx((expected.low, expected.high))


def test_a_share_has_the_wider_interval_where_runs_of_a_seed_go_the_same_way() -> None:
    by_seed = np.array([[0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]])
    low, high = share_interval(np.array([20]), np.array([80]), by_seed)
    assert (low[0], high[0]) == pytest.approx((0, seed_interval(by_seed)[1][0]))
    assert np.isnan(share_interval(np.array([20]), np.array([80]), by_seed[:, :2])).all()


def test_few_seeds_are_said_to_be_few() -> None:
    assert trust(1) == "Only one seed: too few for an interval, which takes 3 at least."
    assert trust(2).startswith("Only 2 seeds: too few")
    assert "over 8 seeds" in trust(8)
