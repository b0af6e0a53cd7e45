import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from analysis import robustness
from analysis.grid import Floats

LRS = [1e-3, 1e-2, 1e-1, 1.0, 10.0]
CHANCE = 0.1

accuracies = arrays(float, (3, 5), elements=st.floats(0, 1))
fractions = st.floats(0.05, 1)


def width(scores: Floats, fraction: float = 0.9, best: float = 1.0) -> float:
    bar = robustness.threshold(best, CHANCE, fraction)
    return float(robustness.trainable_decades(scores, LRS, bar))


def test_width_of_a_plateau_is_its_length_and_the_crossings_on_its_flanks() -> None:
    scores = np.array([[0.1, 1.0, 1.0, 0.6, 0.1]])
    # From 0.1 to 1.0 the bar of 0.9 is crossed at 8/9 of the decade, from 1.0 to 0.6 at 1/4.
    assert width(scores) == pytest.approx(1 / 9 + 1 + 1 / 4)


def test_width_is_that_of_a_dense_sampling_of_the_curve() -> None:
    scores = np.array([[0.2, 0.95, 0.7, 1.0, 0.92], [0.3, 0.97, 0.8, 0.9, 0.94]])
    dense = np.linspace(-3, 1, 400_001)
    curve = np.interp(dense, np.log10(LRS), scores.mean(axis=0))
    assert width(scores) == pytest.approx((curve >= 0.9).mean() * 4, abs=1e-4)


def test_a_dip_costs_its_own_length_only() -> None:
    whole, dipped = (np.array([[1.0, 1.0, middle, 1.0, 1.0]]) for middle in (1.0, 0.89))
    assert width(whole) == 4
    assert 3.7 < width(dipped) < 4


def test_a_missing_point_is_bridged_and_a_missing_seed_left_out() -> None:
    scores = np.array([[0.1, 1.0, np.nan, 1.0, 0.1], [0.1, 1.0, np.nan, np.nan, 0.1]])
    assert width(scores) == pytest.approx(2 + 2 / 9)


def test_one_learning_rate_has_no_width_and_no_area() -> None:
    scores = np.array([[np.nan, 0.9, np.nan, np.nan, np.nan]])
    assert np.isnan(width(scores))
    assert np.isnan(robustness.mean_accuracy(scores, LRS))


def test_nothing_trains_where_the_best_is_hardly_above_chance() -> None:
    scores = np.full((2, 5), 0.103)
    assert width(scores, best=0.103) == 0


def test_leading_axes_are_kept() -> None:
    scores = np.random.default_rng(0).uniform(size=(7, 4, 2, 5))
    bar = np.full((7, 4), 0.5)
    assert robustness.trainable_decades(scores, LRS, bar).shape == (7, 4)
    assert robustness.mean_accuracy(scores, LRS).shape == (7, 4)
    one = robustness.trainable_decades(scores[3, 2], LRS, 0.5)
    assert robustness.trainable_decades(scores, LRS, bar)[3, 2] == one


@given(accuracies, fractions, st.permutations(range(3)))
def test_measures_do_not_depend_on_the_order_of_seeds(scores: Floats, fraction: float, order: list[int]) -> None:
    assert width(scores[order], fraction) == pytest.approx(width(scores, fraction))
    area = robustness.mean_accuracy(scores, LRS)
    assert robustness.mean_accuracy(scores[order], LRS) == pytest.approx(area)


@given(accuracies, fractions, fractions)
def test_width_falls_as_the_fraction_rises(scores: Floats, one: float, other: float) -> None:
    assert width(scores, max(one, other)) <= width(scores, min(one, other)) + 1e-9


@given(accuracies, fractions)
def test_width_lies_between_what_the_grid_leaves_open(scores: Floats, fraction: float) -> None:
    bar = robustness.threshold(1.0, CHANCE, fraction)
    low, high = robustness.decade_bounds(scores, LRS, bar)
    assert low - 1e-9 <= width(scores, fraction) <= high + 1e-9


@given(accuracies, fractions)
def test_spans_add_up_to_the_width(scores: Floats, fraction: float) -> None:
    spans = robustness.trainable_spans(scores, LRS, float(robustness.threshold(1.0, CHANCE, fraction)))
    assert sum(np.log10(high / low) for low, high in spans) == pytest.approx(width(scores, fraction), abs=1e-6)
    edges = [edge for span in spans for edge in span]
    assert edges == sorted(edges)


@given(accuracies)
def test_area_is_a_mean_accuracy(scores: Floats) -> None:
    area = float(robustness.mean_accuracy(scores, LRS))
    means = scores.mean(axis=0)
    assert means.min() - 1e-9 <= area <= means.max() + 1e-9


def test_area_of_a_line_is_its_middle() -> None:
    assert robustness.mean_accuracy(np.array([[0.0, 0.25, 0.5, 0.75, 1.0]]), LRS) == pytest.approx(0.5)
    assert robustness.mean_accuracy(np.array([[0.0, 1.0]]), [1.0, 1000.0]) == pytest.approx(0.5)


def test_divergence_rate_counts_runs_with_a_result() -> None:
    diverged = np.array([[1.0, 0.0, np.nan], [0.0, 0.0, np.nan]])
    assert robustness.divergence_rate(diverged) == 0.25
    assert np.isnan(robustness.divergence_rate(np.full((2, 2), np.nan)))


def test_a_width_that_runs_into_an_end_says_so() -> None:
    assert robustness.reaches_end(np.array([[0.95, 0.5, 0.1]]), [1.0, 10.0, 100.0], 0.9)
    assert not robustness.reaches_end(np.array([[0.5, 0.95, 0.1]]), [1.0, 10.0, 100.0], 0.9)
