"""Measures of all the runs of a seed, against definitions by hand and by brute force."""

from fractions import Fraction
from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import trim_mean

from analysis.measures import MEASURES, TRIES, runs
from analysis.measures.pooling import measures_of, pool_all, runs_of
from analysis.statistics.nan_aware import Floats
from tests.analysis.measures.grids import grid_of

NAN, INF = float("nan"), float("inf")
LRS = [0.01, 0.1, 1.0]
GRID = np.array([[[[0.1, 0.6, 0.9], [0.1, 0.9, 0.5]], [[0.1, 1.0, 0.1], [0.1, 0.2, NAN]]]])
"""One seed, two inits, two gains, three learning rates."""
NOTHING = np.full((1, 2, 2, 3), NAN)

grids = arrays(float, (4, 2, 3, 5), elements=st.floats(0, 1))


def _inits(scores: Floats) -> tuple[list[str], list[float]]:
    """Return names of initializers that are no draw of each other, and gains, for the axes of `scores`."""
    return [f"own_{i}" for i in range(scores.shape[-3])], [float(2**g) for g in range(scores.shape[-2])]


def test_every_run_with_a_result_is_in_the_denominator() -> None:
    assert runs.trained_share(GRID, [0.9]) == pytest.approx(3 / 11)
    assert runs.divergence_rate(np.where(np.isnan(GRID), NAN, GRID == 0.1)) == pytest.approx(5 / 11)
    assert np.isnan(runs.divergence_rate(NOTHING))


def test_a_run_that_misses_its_bar_by_rounding_trains() -> None:
    scores = np.full((1, 1, 1, 2), 0.15)
    assert runs.trained_share(scores, [0.1 + 0.05]) == 1
    assert runs.trained_inits(scores, [0.1 + 0.05], *_inits(scores)) == 1
    assert runs.log10_best_lr(scores, [0.1, 1.0], [0.1 + 0.05]) == -1


def test_interquartile_mean_is_that_of_the_middle_half() -> None:
    scores = np.array([0.1, 0.1, 0.2, 0.4, 0.5, 0.6, 0.8, 1.0]).reshape(1, 2, 2, 2)
    assert runs.interquartile_mean(scores) == pytest.approx((0.2 + 0.4 + 0.5 + 0.6) / 4)
    assert runs.interquartile_mean(np.where(scores == 1.0, NAN, scores)) == pytest.approx(1.8 / 5)  # 7 // 4 go
    assert np.isnan(runs.interquartile_mean(NOTHING))


@given(grids)
def test_interquartile_mean_is_scipys(scores: Floats) -> None:
    np.testing.assert_allclose(runs.interquartile_mean(scores), trim_mean(scores.reshape(4, -1), 0.25, axis=-1))


def test_the_best_learning_rate_is_one_for_all_inits_and_gains() -> None:
    # Means over the four curves: 0.1, 0.675, 0.5; accuracies at the second: 0.6, 0.9, 1.0, 0.2.
    assert runs.log10_best_lr(GRID, LRS, [0.9]) == pytest.approx(-1)
    assert runs.best_accuracy(GRID) == 1.0
    assert runs.trained_inits(GRID, [0.9], *_inits(GRID)) == 0.5
    assert runs.gain_sensitivity(GRID) == pytest.approx((0.6 + 1.0) / 2 - (0.9 + 0.2) / 2)


def test_where_nothing_trains_no_learning_rate_is_best() -> None:
    assert np.isnan(runs.log10_best_lr(GRID, LRS, [1.1]))
    assert runs.trained_inits(GRID, [1.1], *_inits(GRID)) == 0


def test_the_gain_from_tuning_is_that_of_the_best_rate_of_each_over_the_best_of_all() -> None:
    # The best of each: 0.9, 0.9, 1.0, 0.2; the best mean at one rate is 0.675.
    assert runs.tuning_gain(GRID) == pytest.approx((0.9 + 0.9 + 1.0 + 0.2) / 4 - 0.675)
    assert np.isnan(runs.tuning_gain(NOTHING))


@given(grids)
def test_tuning_never_costs(scores: Floats) -> None:
    assert (runs.tuning_gain(scores) >= -1e-12).all()
    assert runs.tuning_gain(scores[:, :1, :1]) == pytest.approx(0)


@given(arrays(float, (1, 1, 2, 4), elements=st.one_of(st.floats(0, 1), st.just(NAN))), st.integers(1, 8))
def test_the_expected_best_is_the_mean_over_all_that_could_be_drawn(scores: Floats, tries: int) -> None:
    known = scores[~np.isnan(scores)]
    found = runs.expected_best(scores, tries)
    if len(known) < tries:
        assert np.isnan(found).all()
    else:
        assert found == pytest.approx(np.mean([max(drawn) for drawn in combinations(known, tries)]))


@pytest.mark.parametrize(("total", "tries"), [(5, 5), (7, 5), (1000, 3), (1_000_000, 5)])
def test_how_likely_a_run_is_the_best_is_a_ratio_of_binomials(total: int, tries: int) -> None:
    places = np.unique(np.linspace(0, total - 1, 50).astype(int))
    exact = [float(Fraction(comb(int(place), tries - 1), comb(total, tries))) for place in places]
    np.testing.assert_allclose(runs.best_of(total, places, tries), exact, rtol=1e-12)
    assert runs.best_of(total, np.arange(total), tries).sum() == pytest.approx(1, abs=1e-12)


def test_the_best_of_a_million_runs_to_expect() -> None:
    scores = np.linspace(0, 1, 1_000_000).reshape(1, 1, 1000, 1000)
    assert runs.expected_best(scores, 5) == pytest.approx(5 / 6, abs=1e-6)


def wortsman(losses: list[float], initial: float, lrs: list[float]) -> float:
    """Return the sensitivity by its formula: the mean over log lr of min(loss, initial loss) - best loss."""
    capped = np.minimum(losses, initial)
    area = np.trapezoid(capped - capped.min(), np.log10(lrs))
    return float(area / np.log10(lrs[-1] / lrs[0]))


def sensitivity(losses: list[list[float]], initial: float, lrs: list[float]) -> Floats:
    scores = np.array(losses)[None, None]
    return runs.lr_sensitivity(scores, np.full_like(scores, initial), lrs)


def test_a_diverged_run_counts_as_the_loss_at_initialization_in_the_sensitivity() -> None:
    lrs = [0.01, 0.1, 10.0]
    # Capped at 2.3: 1.0, 0.5, 2.3; mean (0.75 + 2 * 1.4) / 3, less the best, 0.5.
    assert sensitivity([[1.0, 0.5, INF]], 2.3, lrs) == pytest.approx((0.75 + 2 * 1.4) / 3 - 0.5)
    assert sensitivity([[1.0, 0.5, 9.0]], 2.3, lrs) == sensitivity([[1.0, 0.5, INF]], 2.3, lrs)
    assert sensitivity([[0.5] * 3], 2.3, lrs) == pytest.approx(0)
    assert sensitivity([[INF] * 3], 2.3, lrs) == pytest.approx(0)


@given(arrays(float, (2, 4), elements=st.floats(0, 5)), st.floats(0.5, 3))
def test_sensitivity_is_wortsmans_mean_over_inits_and_gains(losses: Floats, initial: float) -> None:
    lrs = [1e-3, 1e-2, 0.3, 1.0]
    expected = np.mean([wortsman(curve, initial, lrs) for curve in losses.tolist()])
    assert sensitivity(losses.tolist(), initial, lrs) == pytest.approx(expected)


def test_a_missing_loss_is_bridged_and_a_curve_without_two_left_out() -> None:
    lrs = [0.01, 0.1, 1.0, 10.0]
    assert sensitivity([[1.0, NAN, 0.5, INF]], 2.3, lrs) == sensitivity([[1.0, 0.75, 0.5, INF]], 2.3, lrs)
    assert sensitivity([[NAN, 1.0, 0.5, NAN]], 2.3, lrs) == pytest.approx(0.25)  # of what is known
    whole = sensitivity([[1.0, 0.75, 0.5, INF]], 2.3, lrs)
    assert sensitivity([[1.0, 0.75, 0.5, INF], [NAN] * 4, [NAN, 0.1, NAN, NAN]], 2.3, lrs) == pytest.approx(whole)
    assert np.isnan(sensitivity([[NAN] * 4], 2.3, lrs))
    assert np.isnan(sensitivity([[0.5]], 2.3, [0.1]))


def test_without_the_loss_at_initialization_a_diverged_run_is_missing_in_the_sensitivity() -> None:
    lrs = [0.01, 0.1, 1.0]
    assert sensitivity([[1.0, 0.5, INF]], NAN, lrs) == pytest.approx(0.25)
    assert np.isnan(sensitivity([[INF] * 3], NAN, lrs))


@given(grids)
def test_each_seed_is_measured_alone(scores: Floats) -> None:
    lrs = [1e-3, 1e-2, 1e-1, 1.0, 10.0]
    grids_of = [grid_of(part[:, None], lrs, initial_loss=0.7) for part in (scores, *scores[:, None])]
    together, *alone = (
        {name: values[0] for name, _, values in measures_of(runs_of(grid, pool_all(grid)))} for grid in grids_of
    )
    assert together.keys() == MEASURES.keys()
    for name, values in together.items():
        np.testing.assert_allclose(values, np.concatenate([one[name] for one in alone]), err_msg=name)


def test_measures_are_of_what_they_are_named_after() -> None:
    scores = np.array([[0.1, 0.5, 0.9, 1.0, 0.95], [0.1, 0.4, 0.44, 0.45, 0.1]])[None, :, None, None]
    lrs = [1e-3, 1e-2, 1e-1, 1.0, 10.0]
    grid = grid_of(scores, lrs, initial_loss=0.8)
    found = {name: values[:, 0] for name, _, values in measures_of(runs_of(grid, pool_all(grid)))}
    # The bar of both is 0.9; the second mode's own 0.405.
    assert found["trainable_decades"] == pytest.approx([2.5, 0])
    assert found["own_decades"] == pytest.approx([2.5, 2])
    assert found["trained_share"] == pytest.approx([3 / 5, 0])
    assert found["mean_accuracy"] == pytest.approx(np.trapezoid(scores[0, :, 0, 0]) / 4)
    assert found["lr_sensitivity"][0] == pytest.approx(wortsman([INF, 0.5, 0.1, 0.0, 0.05], 0.8, lrs))
    assert TRIES == 5
    assert found["expected_best"] == pytest.approx([1.0, 0.45])
    assert "worst_init" not in found  # takes two inits or gains
    assert next(iter(MEASURES)) == "mean_accuracy"  # which is judged by


def test_two_initializers_that_are_one_draw_count_as_its_scales() -> None:
    # Of one draw at gains 1 and 2 of `default`, and at the same two scales again as kaiming_uniform over sqrt(6); of
    # orthogonal both. So the share is the mean of 1/2 and 1, not 4 of 6.
    gains = [1 / 6**0.5, 2 / 6**0.5, 1.0, 2.0]
    nothing = [np.nan] * 3
    trains, fails = [0.1, 0.95, 0.1], [0.1, 0.2, 0.1]
    scores = np.array([[nothing, nothing, trains, fails], [trains, fails, nothing, nothing], [*[trains] * 4]])[None]
    found = runs.trained_inits(scores, [0.9], ["default", "kaiming_uniform", "orthogonal"], gains)
    assert found == pytest.approx(0.75)
