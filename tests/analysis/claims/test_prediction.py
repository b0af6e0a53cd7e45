"""Correlations within and across modes against scipy, and how often their intervals hold the truth."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from analysis.claims.prediction import across_modes, within_modes
from analysis.statistics.correlation import fisher, jackknife_error, keep_all_but_one
from analysis.statistics.intervals import t_interval
from analysis.statistics.nan_aware import Floats

MODES, SEEDS = 3, 2


def test_within_is_the_mean_over_modes() -> None:
    x, y = np.random.default_rng(0).normal(size=(2, MODES, 7, SEEDS))
    expected = np.mean([spearmanr(x[m].ravel(), y[m].ravel()).statistic for m in range(MODES)])
    assert within_modes(x[None], y[None])[0] == pytest.approx(expected)


def test_across_compares_modes_at_one_cell_and_seed_only() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, MODES, 7, SEEDS))
    expected = np.mean([spearmanr(x[:, c, s], y[:, c, s]).statistic for c in range(7) for s in range(SEEDS)])
    assert across_modes(x[None], y[None])[0] == pytest.approx(expected)
    moved = rng.normal(size=(1, 7, SEEDS)) * 100
    assert across_modes((x + moved)[None], (y - moved)[None])[0] == pytest.approx(expected)


def test_a_trial_that_is_missing_takes_no_part() -> None:
    x, y = np.random.default_rng(0).normal(size=(2, MODES, 7, SEEDS))
    x[0, 3, 1] = y[0, 3, 1] = np.nan
    points = [(c, s) for c in range(7) for s in range(SEEDS) if (c, s) != (3, 1)]
    both = [spearmanr(x[:, c, s], y[:, c, s]).statistic for c, s in points]
    by_cell = [np.mean([r for (c, _), r in zip(points, both, strict=True) if c == one]) for one in range(7)]
    assert across_modes(x[None], y[None])[0] == pytest.approx(np.mean(by_cell))


@pytest.mark.parametrize("statistic", [within_modes, across_modes])
@pytest.mark.parametrize("strengths", [(0.0, 0.0), (0.7, 0.2), (0.9, 0.9)])
def test_intervals_of_correlations_and_of_their_difference_cover(
    statistic: type[within_modes], strengths: tuple[float, float]
) -> None:
    rng, cells = np.random.default_rng(6), 15

    def sample(count: int) -> tuple[Floats, Floats, Floats]:
        shape = (count, MODES, cells, 1)
        y = rng.normal(size=shape)
        xs = [r * y + np.sqrt(1 - r**2) * rng.normal(size=shape) for r in strengths]
        noisy = (one + 0.2 * rng.normal(size=(count, MODES, cells, SEEDS)) for one in (y, *xs))
        y, smooth, shift = noisy
        return np.clip(y, -1.5, 1.5), smooth, shift  # accuracies saturate at either end

    true_y, *true_x = sample(4000)
    truth = [statistic(x, true_y).mean() for x in true_x]
    y, *xs = sample(1000)
    keep = keep_all_but_one(np.arange(cells))
    without = [
        np.stack([statistic(*(np.where(one[:, None], values, np.nan) for values in (x, y))) for one in keep])
        for x in xs
    ]
    values = [statistic(x, y) for x in xs]
    number = np.asarray(cells)
    for value, left_out, true in zip(values, without, truth, strict=True):
        low, high = t_interval(fisher(value), jackknife_error(fisher(left_out)), number)
        assert ((np.tanh(low) <= true) & (true <= np.tanh(high))).mean() >= 0.93
    low, high = t_interval(values[0] - values[1], jackknife_error(without[0] - without[1]), number)
    assert ((low <= truth[0] - truth[1]) & (truth[0] - truth[1] <= high)).mean() >= 0.93
