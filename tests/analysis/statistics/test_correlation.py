import numpy as np
import pytest
from scipy.stats import spearmanr

from analysis.statistics.correlation import keep_all_but_one, spearman, spearman_interval
from analysis.statistics.nan_aware import Floats


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


def test_copies_of_a_cell_do_not_narrow_the_interval() -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 15))
    cell = np.arange(15)
    alone = spearman_interval(x, y, cell)
    copied = spearman_interval(*(np.repeat(values, 10) for values in (x, y, cell)))
    assert copied == pytest.approx(alone, abs=0.02)  # ranks of ten copies are the same but for 1 / n


def test_cells_may_have_different_numbers_of_seeds() -> None:
    cell = np.array([0, 0, 1, 2, 2, 3, 4, 5, 5, 5, 6, 7, 8, 9])
    x = cell + 0.01 * np.arange(14)
    y = np.where(cell == 3, 20.0, x)
    low, high = spearman_interval(x, y, cell)
    assert low < spearman(x, y) < high <= 1


def test_where_no_cell_makes_a_difference_there_is_no_interval() -> None:
    x = np.arange(30.0)
    assert np.isnan(spearman_interval(x, x**3, np.arange(30))).all()


def test_too_few_cells_have_no_interval() -> None:
    x = np.arange(18.0)
    assert np.isnan(spearman_interval(x, x, np.repeat(np.arange(9), 2))).all()


def test_many_cells_are_left_out_in_groups() -> None:
    keep = keep_all_but_one(np.repeat(np.arange(120), 3))
    assert keep.shape == (50, 360)
    assert ((~keep).sum(axis=0) == 1).all()  # each trial is left out once
    assert (keep[:, 0::3] == keep[:, 2::3]).all()  # with the other seeds of its cell


@pytest.mark.parametrize("strength", [0.0, 0.6, 0.9])
@pytest.mark.parametrize("num_cells", [10, 20])
def test_intervals_cover(num_cells: int, strength: float) -> None:
    rng, seeds = np.random.default_rng(5), 2
    cell = np.repeat(np.arange(num_cells), seeds)

    def sample(count: int) -> tuple[Floats, Floats]:
        x = rng.normal(size=(count, num_cells, 1))
        y = strength * x + np.sqrt(1 - strength**2) * rng.normal(size=x.shape)
        x, y = (np.exp(one + 0.2 * rng.normal(size=(count, num_cells, seeds))) for one in (x, y))
        return x.reshape(count, -1), y.reshape(count, -1)

    true = spearman(*sample(40_000)).mean()
    x, y = sample(1000)
    low, high = spearman_interval(x, y, cell)
    assert ((low <= true) & (true <= high)).mean() >= 0.93
