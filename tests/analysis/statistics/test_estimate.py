"""Estimates against a hand computation, and what they advise: that it is enough, and one less is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm, t

from analysis.statistics.cell_mean import CellMean
from analysis.statistics.correlation import correlation_interval
from analysis.statistics.intervals import CONFIDENCE, seed_interval
from analysis.statistics.mean_correlation import Correlation
from analysis.statistics.power import seeds_needed
from analysis.statistics.seed_mean import SeedMean
from analysis.statistics.spending import spent

NAN, INF = float("nan"), float("inf")
VALUES = [0.5, 0.7, 0.6, 0.9, 0.8]


def seed_mean(
    values: list[float], grid_sd: float = 0.0, most: float = INF, spacing: float = NAN, open_by: float = 0.0
) -> SeedMean:
    by_seed = np.array(values)
    sd = np.full_like(by_seed, grid_sd)
    return SeedMean(by_seed, by_seed, by_seed - open_by, by_seed + open_by, sd, -most, most, spacing)


def t_reach(values: list[float], confidence: float = CONFIDENCE) -> float:
    """Return how far Student's interval reaches at the level that is spent at this number of seeds."""
    count = len(values)
    tail = (1 - confidence) * float(spent(np.asarray(count))) / 2
    return float(t.ppf(1 - tail, count - 1) * np.std(values, ddof=1) / np.sqrt(count))


def test_seeds_and_grid_add_as_independent_errors() -> None:
    estimate = seed_mean(VALUES, grid_sd=0.2, open_by=0.5)
    reach = np.hypot(t_reach(VALUES), norm.ppf((1 + CONFIDENCE) / 2) * 0.2)
    assert estimate.interval(CONFIDENCE) == pytest.approx((0.7 - reach, 0.7 + reach))
    assert estimate.open_range() == pytest.approx((0.2, 1.2))
    assert (estimate.value, estimate.n, estimate.no_interval(CONFIDENCE)) == (pytest.approx(0.7), 5, "")
    wide, narrow = estimate.interval(0.99), estimate.interval(0.9)
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_a_seed_without_a_value_does_not_count() -> None:
    estimate = seed_mean([*VALUES, NAN], grid_sd=0.1)
    assert estimate.n == 5
    assert estimate.interval(CONFIDENCE) == pytest.approx(seed_mean(VALUES, grid_sd=0.1).interval(CONFIDENCE))


def test_nothing_reaches_beyond_what_is_possible() -> None:
    low, high = seed_mean([0.5, 0.7, 0.6, 0.9, 0.8], grid_sd=0.4, most=1.0).interval(CONFIDENCE)
    assert (low, high) == (pytest.approx(0.7 - np.hypot(t_reach(VALUES), norm.ppf(1 - 0.0125) * 0.4)), 1.0)


def test_the_spread_is_the_wider_of_that_with_and_without_the_coarseness_of_the_grid() -> None:
    coarse = replace(seed_mean([1.0, 1.0, 2.0, 1.0, 2.0]), smooth=np.array(VALUES))
    assert coarse.interval(0.9)[1] - coarse.value == pytest.approx(t_reach([1.0, 1.0, 2.0, 1.0, 2.0], 0.9))
    fine = replace(seed_mean([1.0] * 5), smooth=np.array(VALUES))
    assert fine.interval(0.9)[1] - 1 == pytest.approx(t_reach(VALUES, 0.9))


@pytest.mark.parametrize(("values", "count"), [([0.5], "1 seed"), ([0.5, 0.6], "2 seeds"), ([NAN] * 4, "0 seeds")])
def test_too_few_seeds_have_no_interval_and_no_advice(values: list[float], count: str) -> None:
    estimate = seed_mean(values, most=1.0)
    assert np.isnan(estimate.interval(CONFIDENCE)).all()
    assert estimate.no_interval(CONFIDENCE) == f"{count}: an interval takes 3 at least"
    assert estimate.advice(0.0, CONFIDENCE) == ""


def test_equal_seeds_without_a_bound_have_no_interval() -> None:
    estimate = seed_mean([0.5] * 5)
    assert np.isnan(estimate.interval(CONFIDENCE)).all()
    assert estimate.no_interval(CONFIDENCE) == "no spread over seeds to judge by"
    assert estimate.advice(0.0, CONFIDENCE) == ""


def test_seeds_that_the_advice_asks_for_are_those_of_the_power() -> None:
    values = [0.9, -0.3, 0.5, 0.1, 0.8]
    needed = seeds_needed(0.4, float(np.std(values, ddof=1)), 5, CONFIDENCE)
    assert 5 < needed < 1000
    assert seed_mean(values).advice(0.0, CONFIDENCE) == f"about {needed:.0f} seeds would resolve this effect"
    # What the grid leaves open is a part of the distance that no seed can use.
    left = np.sqrt(0.4**2 - (norm.ppf(1 - 0.0125) * 0.1) ** 2)
    more = seeds_needed(left, float(np.std(values, ddof=1)), 5, CONFIDENCE)
    assert more > needed
    assert seed_mean(values, grid_sd=0.1).advice(0.0, CONFIDENCE) == f"about {more:.0f} seeds would resolve this effect"
    assert seed_mean(values).advice(0.8, CONFIDENCE) == seed_mean(values).advice(0.0, CONFIDENCE)


def test_an_effect_that_no_number_of_seeds_resolves_gets_no_number() -> None:
    assert seed_mean([1.0, -1.0, 0.5, -0.5, 0.001]).advice(0.0, CONFIDENCE) == ""


def spacing_of(advice: str) -> float:
    assert advice.startswith("the grid leaves this open: rates ")
    assert advice.endswith(" decades apart would resolve it, more seeds would not")
    return float(advice.split()[6])


@pytest.mark.parametrize("values", [[0.99, 1.01, 1.0, 0.98, 1.02], [2.4, 2.8, 2.6, 2.3, 2.9]])
def test_the_spacing_that_the_advice_asks_for_resolves_with_a_power_of_80_percent(values: list[float]) -> None:
    grid_sd = 0.8 * float(np.mean(values))
    estimate = seed_mean(values, grid_sd, spacing=1.0)
    assert estimate.interval(CONFIDENCE)[0] < 0
    spacing = spacing_of(estimate.advice(0.0, CONFIDENCE))
    errors = np.random.default_rng(0).normal(size=(2, 2000)) * [[grid_sd], [grid_sd * spacing]]  # of this and the next
    again = [seed_mean([value + error for value in values], grid_sd * spacing) for error in errors.sum(axis=0)]
    resolved = np.mean([one.interval(CONFIDENCE)[0] > 0 for one in again])
    assert 0.8 <= resolved + 0.01 < 0.9
    halved = seed_mean(values, grid_sd, spacing=0.5).advice(0.0, CONFIDENCE)
    assert spacing_of(halved) == pytest.approx(spacing / 2, rel=0.03)  # of two digits


def test_where_seeds_and_grid_both_hide_it_the_advice_says_so() -> None:
    estimate = seed_mean([0.5, -0.4, 0.2, -0.1, 0.05], grid_sd=0.5, spacing=1.0)
    assert estimate.advice(0.0, CONFIDENCE) == "neither the seeds nor the grid tell it from the bound"


@pytest.mark.parametrize("sign", [1, -1])
def test_a_perfect_effect_takes_as_many_seeds_as_an_exact_test(sign: int) -> None:
    # 4 decades as a sum that rounding leaves a little short.
    perfect = {count: seed_mean([sign * (4 - 1e-12)] * count, most=4.0) for count in range(3, 9)}
    for count, estimate in perfect.items():
        low, high = estimate.interval(CONFIDENCE)
        is_resolved = low > 0 if sign > 0 else high < 0
        assert is_resolved == (count >= 7)
        if not is_resolved:
            expected = f"{count} seeds of {count} agree: an exact test takes 7"
            assert estimate.advice(0.0, CONFIDENCE) == expected


def test_against_another_bound_a_perfect_effect_takes_more_seeds() -> None:
    advice = seed_mean([1.0] * 7, most=1.0).advice(0.5, CONFIDENCE)
    needed = int(advice.split()[1])
    for count in (needed - 1, needed):
        assert (seed_mean([1.0] * count, most=1.0).interval(CONFIDENCE)[0] > 0.5) == (count == needed)


@pytest.mark.parametrize("sign", [1, -1])
def test_equal_seeds_that_could_show_more_are_told_how_many_it_takes(sign: int) -> None:
    advice = seed_mean([sign * 0.5] * 5, most=1.0).advice(0.0, CONFIDENCE)
    needed = int(advice.split()[1])
    assert advice == f"about {needed} seeds would resolve this effect"
    for count in (needed - 1, needed):
        low, high = seed_mean([sign * 0.5] * count, most=1.0).interval(CONFIDENCE)
        assert (low > 0 or high < 0) == (count == needed)


@pytest.mark.parametrize("sign", [1, -1])
def test_equal_seeds_that_the_grid_hides_are_told_the_spacing(sign: int) -> None:
    hidden = seed_mean([sign * 0.5] * 5, grid_sd=0.3, most=1.0, spacing=0.5)
    told = hidden.advice(0.0, CONFIDENCE)
    assert told.startswith("the grid leaves this open: rates 0.")
    assert told.endswith(" decades apart, and more seeds, would resolve it")
    spacing = float(told.split()[6])
    assert seed_mean([sign * 0.5] * 1000, 0.3 * spacing / 0.5, most=1.0).interval(CONFIDENCE)[sign < 0] * sign > 0
    assert "neither" in replace(hidden, grid_sd=np.full(5, 0.9)).advice(0.0, CONFIDENCE)


def test_rates_that_are_not_evenly_spaced_are_told_how_much_denser_they_should_be() -> None:
    values, grid_sd = [0.99, 1.01, 1.0, 0.98, 1.02], 0.8
    even, uneven = (seed_mean(values, grid_sd, spacing=one).advice(0.0, CONFIDENCE) for one in (1.0, NAN))
    assert uneven.startswith("the grid leaves this open: rates ")
    assert uneven.endswith(" times as dense as these would resolve it, more seeds would not")
    assert float(uneven.split()[6]) == pytest.approx(1 / spacing_of(even), rel=0.1)


@pytest.mark.parametrize("sign", [1, -1])
def test_equal_seeds_are_told_how_many_it_takes_beside_what_the_grid_leaves_open(sign: int) -> None:
    advice = seed_mean([sign * 0.5] * 5, grid_sd=0.1, most=1.0).advice(0.0, CONFIDENCE)
    needed = int(advice.split()[1])
    for count in (needed - 1, needed):
        low, high = seed_mean([sign * 0.5] * count, grid_sd=0.1, most=1.0).interval(CONFIDENCE)
        assert (low > 0 or high < 0) == (count == needed)


def test_equal_seeds_at_an_end_that_is_the_bound_get_no_advice() -> None:
    assert seed_mean([0.0] * 8, most=1.0).advice(0.0, CONFIDENCE) == ""


CONTRAST = np.array([[-0.3, -0.5, NAN, -0.2], [-0.4, -0.3, -0.9, NAN], [-0.2, -0.6, -0.7, NAN], [-0.3, NAN, NAN, NAN]])


RATES = np.array([0, 1, 2, 2])
"""The last two cells are at one learning rate."""


def reaches_of(
    contrast: np.ndarray[tuple[int, int], np.dtype[np.float64]], rates: list[int]
) -> tuple[float, float, float]:
    """Return by plain loops the effect, and how far the interval reaches over seeds and over learning rates."""
    by_seed = [float(np.mean(row[~np.isnan(row)])) for row in contrast]
    value, known = float(np.mean(by_seed)), ~np.isnan(contrast)
    weights, residuals = [0.0] * len(rates), [0.0] * len(rates)
    for s, c in np.argwhere(known):
        share = 1 / known[s].sum() / len(contrast)
        weights[rates[c]] += share
        residuals[rates[c]] += share * (contrast[s, c] - value)
    in_effect = 1 / np.sum(np.square(weights))
    error = np.sqrt(np.sum(np.square(residuals)) * in_effect / (in_effect - 1))
    return value, t_reach(by_seed), float(t.ppf((1 + CONFIDENCE) / 2, in_effect - 1) * error)


def test_rates_and_seeds_are_both_samples() -> None:
    estimate, (value, of_seeds, of_rates) = CellMean(CONTRAST, RATES), reaches_of(CONTRAST, RATES.tolist())
    assert (estimate.value, estimate.n, estimate.cells) == (pytest.approx(value), 4, 4)
    reach = np.sqrt(of_seeds**2 + of_rates**2)
    assert estimate.interval(CONFIDENCE) == pytest.approx((value - reach, value + reach))
    assert estimate.open_range() == (estimate.value, estimate.value)
    assert CellMean(CONTRAST, RATES, bounded=0.5).interval(CONFIDENCE)[0] == -0.5
    assert CellMean(-CONTRAST, RATES, bounded=0.5).interval(CONFIDENCE)[1] == 0.5


def test_rates_that_every_seed_has_are_as_a_sample_of_their_means() -> None:
    contrast = np.array([[0.1, 0.5, 0.3], [0.2, 0.9, 0.4], [0.3, 0.4, 0.85]])
    reach = t.ppf((1 + CONFIDENCE) / 2, 2) * np.std(contrast.mean(axis=0), ddof=1) / np.sqrt(3)
    assert reaches_of(contrast, [0, 1, 2])[2] == pytest.approx(reach)
    low, high = CellMean(contrast, np.arange(3)).interval(CONFIDENCE)
    assert (high - low) / 2 == pytest.approx(np.hypot(reach, t_reach(contrast.mean(axis=1).tolist())))


def test_copies_of_a_cell_at_its_rate_do_not_narrow_the_interval() -> None:
    contrast = np.array([[0.1, 0.5, 0.3], [0.2, 0.9, 0.4], [0.3, 0.4, 0.85]])
    alone, copied = (CellMean(np.tile(contrast, (1, k)), np.tile(np.arange(3), k)) for k in (1, 4))
    assert copied.interval(CONFIDENCE) == pytest.approx(alone.interval(CONFIDENCE))


def test_a_cell_or_seed_without_a_contrast_does_not_count() -> None:
    padded = CellMean(np.pad(CONTRAST, 1, constant_values=NAN), np.pad(RATES, 1, constant_values=4))
    assert (padded.n, padded.cells) == (4, 4)
    assert padded.interval(CONFIDENCE) == pytest.approx(CellMean(CONTRAST, RATES).interval(CONFIDENCE))


def test_why_a_contrast_has_no_interval() -> None:
    for contrast, rates, why in (
        (CONTRAST[:2], RATES, "2 seeds: an interval takes 3 at least"),
        (CONTRAST[:, 2:], RATES[2:], "a single learning rate: whether it is so at others is open"),
        (np.full((5, 4), -1.0), RATES, "no spread over seeds to judge by"),
        (np.full((5, 1), -1.0) * [1.0, 1.1], RATES[:2], "no spread over seeds to judge by"),
        (CONTRAST, RATES, ""),
    ):
        estimate = CellMean(contrast, rates)
        assert estimate.no_interval(CONFIDENCE) == why
        assert np.isnan(estimate.interval(CONFIDENCE)).all() == bool(why)
        assert not why or estimate.advice(0.0, CONFIDENCE) == ""


@pytest.mark.parametrize("count", [5, 6, 7, 8])
def test_contrasts_that_are_all_as_large_as_can_be_take_an_exact_test(count: int) -> None:
    """As where all has overflowed: equal seeds are not certainty."""
    for sign in (-1, 1):
        estimate = CellMean(np.full((count, 4), sign * 3.0), RATES, bounded=3.0)
        reach = 6.0 * (1 - ((1 - CONFIDENCE) / 2) ** (1 / count))
        ends = sorted((sign * 3.0, sign * (3.0 - reach)))
        assert estimate.interval(CONFIDENCE) == pytest.approx(ends)
        told = f"{count} seeds of {count} agree: an exact test takes 7" if count < 7 else ""
        assert estimate.advice(0.0, CONFIDENCE) == told


def test_a_contrast_is_told_whether_rates_or_seeds_are_lacking() -> None:
    cells, seeds, each = np.array([-0.9, 0.8, -0.5, 0.2]), np.array([0.8, -0.4, 0.5, 0.3]), np.arange(4)
    told = CellMean(cells + 0.01 * seeds[:, None], each).advice(0.0, CONFIDENCE)
    assert told == "the learning rates differ too much: more of them are needed where both modes learn, not more seeds"
    contrast = 0.05 * cells + seeds[:, None]
    value, _, reach = reaches_of(contrast, each.tolist())
    needed = seeds_needed(float(np.sqrt(value**2 - reach**2)), float(np.std(contrast.mean(axis=1), ddof=1)), 4)
    assert CellMean(contrast, each).advice(0.0, CONFIDENCE) == f"about {needed:.0f} seeds would resolve this effect"


def test_a_difference_of_correlations_takes_half_the_error_for_each() -> None:
    one, other = (correlation_interval(r, 30, (1 + CONFIDENCE) / 2) for r in (0.6, 0.1))
    estimate = Correlation(0.6, 30, "modes", minus=0.1)
    assert estimate.value == pytest.approx(0.5)
    assert estimate.interval(CONFIDENCE) == pytest.approx((one[0] - other[1], one[1] - other[0]))
    assert estimate.open_range() == (estimate.value, estimate.value)
    assert Correlation(0.6, 30, "modes").interval(CONFIDENCE) == correlation_interval(0.6, 30, CONFIDENCE)
    low, high = Correlation(0.99, 10, "modes", minus=-0.99).interval(CONFIDENCE)
    assert low < high <= 2


def test_a_correlation_is_told_how_many_units_it_takes() -> None:
    for minus in (None, 0.1):
        estimate = Correlation(0.5, 12, "modes", minus)
        assert estimate.interval(CONFIDENCE)[0] < 0
        advice = estimate.advice(0.0, CONFIDENCE)
        units = int(advice.split()[1])
        assert advice == f"about {units} modes would resolve a correlation of this size; more seeds would not"
        assert replace(estimate, units=units).interval(CONFIDENCE)[0] > 0
        assert replace(estimate, units=int(0.9 * units)).interval(CONFIDENCE)[0] < 0
    assert "would resolve" in Correlation(0.0, 12, "modes").advice(0.2, CONFIDENCE)
    assert Correlation(0.2, 12, "modes").advice(0.2, CONFIDENCE) == ""


def test_too_few_units_have_no_interval() -> None:
    estimate = Correlation(0.9, 9, "modes")
    assert np.isnan(estimate.interval(CONFIDENCE)).all()
    assert estimate.no_interval(CONFIDENCE) == "9 modes: an interval takes 10"
    assert Correlation(0.9, 10, "modes").no_interval(CONFIDENCE) == ""
    assert estimate.n == 9


def test_the_estimate_is_what_the_intervals_say() -> None:
    values = np.array(VALUES)
    low, high = seed_interval(values, grid_sd=0.2, least=-1.0, most=1.0)
    assert seed_mean(VALUES, 0.2, 1.0).interval(CONFIDENCE) == (float(low), float(high))
