"""Each measure against a definition by hand or a dense sampling of the curve, and its invariants."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import trim_mean

from analysis.measures import MEASURES, Runs, curves, runs
from analysis.statistics.nan_aware import Floats

LRS = [1e-3, 1e-2, 1e-1, 1.0, 10.0]
CHANCE = 0.1

accuracies = arrays(float, (3, 5), elements=st.floats(0, 1))
grids = arrays(float, (4, 2, 3, 5), elements=st.floats(0, 1))
fractions = st.floats(0.05, 1)


def width(scores: Floats, fraction: float = 0.9, best: float = 1.0) -> Floats:
    return curves.trainable_decades(scores, LRS, curves.threshold(best, CHANCE, fraction))


def test_width_of_a_plateau_is_its_length_and_the_crossings_on_its_flanks() -> None:
    # From 0.1 to 1.0 the bar of 0.9 is crossed at 8/9 of the decade, from 1.0 to 0.6 at 1/4.
    assert width(np.array([0.1, 1.0, 1.0, 0.6, 0.1])) == pytest.approx(1 / 9 + 1 + 1 / 4)


def test_width_is_that_of_a_dense_sampling_of_the_curve() -> None:
    scores = np.array([[0.2, 0.95, 0.7, 1.0, 0.92], [0.3, 0.97, 0.8, 0.9, 0.94]])
    dense = np.linspace(-3, 1, 400_001)
    sampled = [(np.interp(dense, np.log10(LRS), curve) >= 0.9).mean() * 4 for curve in scores]
    assert width(scores) == pytest.approx(sampled, abs=1e-4)


def test_a_dip_costs_its_own_length_only() -> None:
    whole, dipped = (width(np.array([1.0, 1.0, middle, 1.0, 1.0])) for middle in (1.0, 0.89))
    assert whole == 4
    assert 3.7 < dipped < 4


def test_a_missing_point_is_bridged_and_nothing_is_assumed_beyond_the_ends() -> None:
    assert width(np.array([0.1, 1.0, np.nan, 1.0, 0.1])) == pytest.approx(2 + 2 / 9)
    open_ended = np.array([np.nan, 1.0, np.nan, 0.5, np.nan])
    assert width(open_ended) == pytest.approx(2 / 5)
    assert curves.mean_accuracy(open_ended, LRS) == pytest.approx(0.75)
    assert curves.reaches_end(open_ended, 0.9)
    assert not curves.reaches_end(np.array([0.5, 0.95, 0.1]), 0.9)


def test_one_learning_rate_has_no_width_and_no_area() -> None:
    scores = np.array([np.nan, 0.9, np.nan, np.nan, np.nan])
    assert np.isnan(width(scores))
    assert np.isnan(curves.mean_accuracy(scores, LRS))


def test_nothing_trains_where_the_best_is_hardly_above_chance() -> None:
    assert width(np.full(5, 0.103), best=0.103) == 0


@given(grids)
def test_each_seed_is_measured_alone(scores: Floats) -> None:
    bar = curves.threshold(scores.max(axis=(1, 2, 3)), CHANCE)
    together = Runs(scores, (scores < 0.1).astype(float), LRS, bar)
    for name, measure in MEASURES.items():
        found = measure.compute(together)
        assert found.shape == (4,), name
        alone = [
            measure.compute(Runs(scores[s : s + 1], together.diverged[s : s + 1], LRS, bar[s : s + 1]))
            for s in range(4)
        ]
        np.testing.assert_allclose(found, np.concatenate(alone), err_msg=name)


@given(accuracies, fractions, fractions)
def test_width_falls_as_the_fraction_rises(scores: Floats, one: float, other: float) -> None:
    assert (width(scores, max(one, other)) <= width(scores, min(one, other)) + 1e-9).all()


@given(accuracies, fractions)
def test_width_lies_between_what_the_grid_leaves_open(scores: Floats, fraction: float) -> None:
    low, high = curves.decade_bounds(scores, LRS, curves.threshold(1.0, CHANCE, fraction))
    assert (low - 1e-9 <= width(scores, fraction)).all()
    assert (width(scores, fraction) <= high + 1e-9).all()


@given(accuracies, fractions)
def test_spans_add_up_to_the_width(scores: Floats, fraction: float) -> None:
    for curve in scores:
        spans = curves.trainable_spans(curve, LRS, float(curves.threshold(1.0, CHANCE, fraction)))
        assert sum(np.log10(high / low) for low, high in spans) == pytest.approx(width(curve, fraction), abs=1e-6)
        edges = [edge for span in spans for edge in span]
        assert edges == sorted(edges)


@given(accuracies)
def test_area_is_a_mean_accuracy(scores: Floats) -> None:
    area = curves.mean_accuracy(scores, LRS)
    assert (scores.min(axis=-1) - 1e-9 <= area).all()
    assert (area <= scores.max(axis=-1) + 1e-9).all()


def test_area_of_a_line_is_its_middle() -> None:
    assert curves.mean_accuracy(np.array([0.0, 0.25, 0.5, 0.75, 1.0]), LRS) == pytest.approx(0.5)
    assert curves.mean_accuracy(np.array([0.0, 1.0]), [1.0, 1000.0]) == pytest.approx(0.5)


GRID = np.array([[[[0.1, 0.6, 0.9], [0.1, 0.9, 0.5]], [[0.1, 1.0, 0.1], [0.1, 0.2, np.nan]]]])
"""One seed, two inits, two gains, three learning rates."""


def test_every_run_with_a_result_is_in_the_denominator() -> None:
    assert runs.trained_share(GRID, [0.9]) == pytest.approx(3 / 11)
    assert runs.divergence_rate(np.where(np.isnan(GRID), np.nan, GRID == 0.1)) == pytest.approx(5 / 11)
    assert np.isnan(runs.divergence_rate(np.full((1, 2, 2, 3), np.nan)))


def test_interquartile_mean_is_that_of_the_middle_half() -> None:
    scores = np.array([0.1, 0.1, 0.2, 0.4, 0.5, 0.6, 0.8, 1.0]).reshape(1, 2, 2, 2)
    assert runs.interquartile_mean(scores) == pytest.approx((0.2 + 0.4 + 0.5 + 0.6) / 4)
    assert runs.interquartile_mean(np.where(scores == 1.0, np.nan, scores)) == pytest.approx(1.8 / 5)  # 7 // 4 go
    assert np.isnan(runs.interquartile_mean(np.full((1, 2, 2, 2), np.nan)))


@given(grids)
def test_interquartile_mean_is_scipys(scores: Floats) -> None:
    np.testing.assert_allclose(runs.interquartile_mean(scores), trim_mean(scores.reshape(4, -1), 0.25, axis=-1))


def test_the_best_learning_rate_is_one_for_all_inits_and_gains() -> None:
    # Means over the four curves: 0.1, 0.675, 0.5; accuracies at the second: 0.6, 0.9, 1.0, 0.2.
    assert runs.log10_best_lr(GRID, [0.01, 0.1, 1.0], [0.9]) == pytest.approx(-1)
    assert runs.best_accuracy(GRID) == 1.0
    assert runs.trained_inits(GRID, [0.9]) == 0.5
    assert runs.gain_sensitivity(GRID) == pytest.approx((0.6 + 1.0) / 2 - (0.9 + 0.2) / 2)


def test_where_nothing_trains_no_learning_rate_is_best() -> None:
    assert np.isnan(runs.log10_best_lr(GRID, [0.01, 0.1, 1.0], [1.1]))
    assert runs.trained_inits(GRID, [1.1]) == 0


def test_the_worst_init_is_that_with_the_smallest_area() -> None:
    assert runs.worst_init(GRID, [0.01, 0.1, 1.0]) == pytest.approx(0.15)
