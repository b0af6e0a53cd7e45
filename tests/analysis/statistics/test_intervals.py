import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, norm, t

from analysis.statistics.intervals import (
    CONFIDENCE,
    are_tied,
    exact_seeds,
    seed_error,
    seed_interval,
    seed_sd,
    share_interval,
    trust,
)
from analysis.statistics.nan_aware import Floats, nan_mean
from analysis.statistics.spending import MIN_SEEDS

ALPHA = 1 - CONFIDENCE


def reach_of(values: Floats, share: float) -> float:
    """Return Student's reach where this share of the error is spent."""
    count = len(values)
    return float(t.ppf(1 - ALPHA * share / 2, count - 1) * values.std(ddof=1) / np.sqrt(count))


@pytest.mark.parametrize(("count", "share"), [(3, 0.05), (4, 0.1), (5, 1 / 5), (10, 1 / 10), (40, 1 / 40)])
def test_the_interval_is_students_t_at_the_level_that_is_spent(count: int, share: float) -> None:
    values = np.random.default_rng(count).normal(size=count)
    reach = reach_of(values, share)
    assert seed_interval(values) == pytest.approx((values.mean() - reach, values.mean() + reach))


def test_a_missing_seed_is_left_out() -> None:
    values = np.random.default_rng(1).normal(size=5)
    assert np.array(seed_interval(np.append(values, np.nan))) == pytest.approx(np.array(seed_interval(values)))
    assert seed_sd(np.append(values, np.nan)) == pytest.approx(values.std(ddof=1))
    assert seed_error(np.append(values, np.nan)) == pytest.approx(values.std(ddof=1) / np.sqrt(5))


def test_what_the_grid_leaves_open_adds_as_independent_errors_do() -> None:
    values = np.random.default_rng(1).normal(size=5)
    low, high = seed_interval(values, grid_sd=0.4)
    reach = np.hypot(reach_of(values, 1 / 5), norm.ppf(1 - ALPHA / 2) * 0.4)
    assert (low, high) == pytest.approx((values.mean() - reach, values.mean() + reach))


def test_the_spread_is_the_wider_of_the_values_and_the_smooth_ones() -> None:
    values, smooth = np.array([1.0, 1.0, 2.0, 2.0, 2.5]), np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    low, high = seed_interval(values, smooth)
    assert (low + high) / 2 == pytest.approx(values.mean())
    assert (high - low) / 2 == pytest.approx(reach_of(smooth, 1 / 5))


@pytest.mark.parametrize("count", [3, 5, 10])
def test_tied_seeds_have_an_exact_interval_where_values_are_bounded(count: int) -> None:
    values = np.full(count, 0.25)
    low, high = seed_interval(values, least=0.0, most=1.0)
    share = (ALPHA / 2) ** (1 / count)
    assert (low, high) == pytest.approx((0.25 * share, 0.25 * share + 1 - share))
    assert np.isnan(seed_interval(values)).all()


def test_the_exact_interval_of_a_share_is_clopper_and_pearsons() -> None:
    found = binomtest(7, 7).proportion_ci(CONFIDENCE, method="exact")
    low, high = seed_interval(np.ones(7), least=0.0, most=1.0)
    assert (low, high) == pytest.approx((found.low, found.high))


def test_one_seed_that_differs_does_not_make_the_others_certain() -> None:
    values = np.array([1.0, 1.0, 1.0, 1.0, 0.9])
    low, high = seed_interval(values, least=-1.0, most=1.0)
    share = (ALPHA / 2) ** (1 / 5)
    assert (low, high) == pytest.approx((0.9 * share - (1 - share), 1.0))


def test_a_perfect_effect_takes_as_many_seeds_as_a_sign_test() -> None:
    assert exact_seeds() == 7
    for count in range(MIN_SEEDS, 10):
        low, _ = seed_interval(np.ones(count), least=-1.0, most=1.0)
        assert (low > 0) == (count >= exact_seeds())
        assert (2 * 0.5**count < ALPHA) == (count >= exact_seeds())


def test_more_than_half_of_the_seeds_must_be_equal_to_be_tied() -> None:
    rows = np.array([[1, 1, 1, 2, 3], [1, 1, 2, 2, 3], [1, 1, np.nan, np.nan, 2], [1, 2, 3, 4, 5]], dtype=float)
    assert are_tied(rows).tolist() == [True, False, True, False]
    assert are_tied(np.array([1.0, 1.0 + 1e-12, 0.3]))
    assert not are_tied(np.array([1.0, np.nan, np.nan]))


@given(st.permutations(range(6)), st.integers(0, 3))
def test_the_order_of_the_seeds_does_not_matter(order: list[int], equal: int) -> None:
    values = np.linspace(0.1, 0.9, 6)
    values[:equal] = 0.5
    found, shuffled = (seed_interval(one, least=0.0, most=1.0) for one in (values, values[order]))
    assert np.array(shuffled) == pytest.approx(np.array(found))


@pytest.mark.parametrize("values", [[0.1, 0.2], [0.3, 0.3, 0.3, 0.3], [0.1, 0.2, np.nan], []])
def test_too_few_seeds_or_none_that_differ_have_no_interval(values: list[float]) -> None:
    assert np.isnan(seed_interval(np.array(values, dtype=float))).all()


def test_no_interval_goes_beyond_what_is_possible() -> None:
    low, high = seed_interval(np.array([0.01, 0.5, 0.99]), least=0.0, most=1.0)
    assert (low, high) == (0.0, 1.0)


@given(st.floats(0.01, 5), st.integers(MIN_SEEDS, 12), st.sampled_from(["least", "most"]))
def test_the_mean_is_in_its_interval_where_all_seeds_are_at_the_end_of_what_is_possible(
    end: float, count: int, side: str
) -> None:
    """Rounding may put it beyond that by a last bit, which no bar of errors can be drawn of."""
    for beyond in (np.nextafter(end, np.inf), np.nextafter(end, -np.inf)):
        bounds = {"least": 0.0, "most": 10.0} | {side: end}
        values = np.full(count, beyond)
        low, high = seed_interval(values, **bounds)
        assert low <= nan_mean(values, -1) <= high


def test_a_share_has_wilsons_interval_where_that_reaches_further() -> None:
    low, high = share_interval(np.array([3]), np.array([30]), np.array([[0.1, 0.1001, 0.0999]]))
    expected = binomtest(3, 30).proportion_ci(CONFIDENCE, method="wilson")
    assert (low[0], high[0]) == pytest.approx((expected.low, expected.high))


def test_a_share_has_the_wider_interval_where_runs_of_a_seed_go_the_same_way() -> None:
    by_seed = np.array([[0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0]])
    low, high = share_interval(np.array([40]), np.array([80]), by_seed)
    over_seeds = seed_interval(by_seed, least=0.0, most=1.0)
    assert (low[0], high[0]) == pytest.approx((over_seeds[0][0], over_seeds[1][0]))
    assert np.isnan(share_interval(np.array([20]), np.array([80]), by_seed[:, :2])).all()


def test_few_seeds_are_said_to_be_few() -> None:
    assert trust(1) == "Only one seed: too few for an interval, which takes 3 at least."
    assert trust(2).startswith("Only 2 seeds: too few")
    assert "Over 8 seeds" in trust(8)
    assert "97.5 %" in trust(8)
