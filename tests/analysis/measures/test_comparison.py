"""One mode alone, and two against each other on what both have."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.measures import MEASURES
from analysis.measures.comparison import num_shared, of_difference, of_mode, shared_by
from analysis.measures.grid import Grid
from analysis.measures.pooling import mean_threshold, pool_all, poolings, thresholds
from analysis.statistics.nan_aware import Floats
from analysis.statistics.seed_mean import SeedMean
from bnsweep.errors import InputError
from tests.analysis.measures.grids import CHANCE, grid_of

LRS = [1e-3, 1e-2, 1e-1, 1.0, 10.0]
NAN = float("nan")
WIDTH, AREA = "trainable_decades", "mean_accuracy"


def plateaus(num_seeds: int = 4, num_gains: int = 2) -> Floats:
    """Return accuracies of `none` and `batch`, shape S 2 1 G L, that differ a little from seed to seed."""
    shape = np.array([[0.1, 0.2, 1.0, 0.5, 0.1], [0.3, 1.0, 1.0, 0.95, 0.1]])[None, :, None, None]
    seeds = 1 - 0.01 * np.arange(num_seeds).reshape(-1, 1, 1, 1, 1)
    gains = 1 - 0.02 * np.arange(num_gains).reshape(1, 1, 1, -1, 1)
    return np.asarray(np.where(shape == CHANCE, CHANCE, shape * seeds * gains))


def without(accuracy: Floats, *place: int | slice) -> Floats:
    holed = accuracy.copy()
    holed[place] = NAN
    return holed


def with_third(accuracy: Floats, third: float = NAN) -> Floats:
    """Return the accuracies with a third mode of which nothing is known but one result."""
    other = np.full_like(accuracy[:, :1], NAN)
    other[0, 0, 0, 0, 2] = third
    return np.concatenate([accuracy, other], axis=1)


def difference(grid: Grid, measure: str) -> SeedMean:
    return of_difference(grid, "batch", "none", pool_all(grid))[measure][1]


def arrays_of(estimate: SeedMean) -> Floats:
    return np.stack([estimate.by_seed, estimate.open_low, estimate.open_high, estimate.grid_sd, estimate.smooth])


def test_a_difference_is_paired_by_seed_and_each_side_leaves_its_own_open() -> None:
    grid = grid_of(plateaus(), LRS)
    found = difference(grid, WIDTH)
    # none trains at one rate of each gain: 1 decade of 0 to 2; batch over 2 gaps and half of two: 3 of 2 to 4.
    assert found.by_seed == pytest.approx([2] * 4)
    assert found.open_low == pytest.approx([2 - 2] * 4)
    assert found.open_high == pytest.approx([4 - 0] * 4)
    assert found.grid_sd == pytest.approx([np.sqrt(2 * 2 / 12)] * 4)
    assert (found.least, found.most, found.spacing) == (-4, 4, 1)
    best = difference(grid, "best_accuracy")
    assert best.by_seed == pytest.approx([0] * 4)
    assert (best.grid_sd == 0).all()
    assert np.isnan(best.spacing)
    assert best.open_low.tolist() == best.by_seed.tolist() == best.open_high.tolist() == best.smooth.tolist()
    assert (best.least, best.most) == (-1, 1)
    area = np.trapezoid(plateaus(), axis=-1).mean(axis=(2, 3)) / 4
    assert difference(grid, AREA).by_seed == pytest.approx(area[:, 1] - area[:, 0])
    assert difference(grid, AREA).smooth == pytest.approx(area[:, 1] - area[:, 0])


def test_a_difference_changes_its_sign_with_its_sides() -> None:
    grid = grid_of(plateaus(), LRS)
    other = of_difference(grid, "none", "batch", pool_all(grid))
    for name, (_, estimate) in of_difference(grid, "batch", "none", pool_all(grid)).items():
        assert estimate.by_seed == pytest.approx(-other[name][1].by_seed, nan_ok=True)
        assert estimate.open_low == pytest.approx(-other[name][1].open_high, nan_ok=True)
        assert estimate.smooth == pytest.approx(-other[name][1].smooth, nan_ok=True)


def test_a_mode_alone_is_nowhere_below_zero() -> None:
    grid = grid_of(plateaus(), LRS)
    found = of_mode(grid, "batch", pool_all(grid))
    assert [name for name in MEASURES if name in found] == list(found)
    width = found[WIDTH][1]
    assert (width.least, width.most, width.spacing) == (0, 4, 1)
    assert width.by_seed == pytest.approx([3] * 4)
    assert of_mode(grid, "none", pool_all(grid))[WIDTH][1].by_seed == pytest.approx([1] * 4)
    assert found["lr_sensitivity"][1].most == np.inf


@pytest.mark.parametrize("third", [NAN, 0.5, 1.0])
def test_what_a_third_mode_has_changes_nothing_for_a_pair(third: float) -> None:
    pair, three = grid_of(plateaus(), LRS), grid_of(with_third(plateaus(), third), LRS)
    for name, (_, expected) in of_difference(pair, "batch", "none", pool_all(pair)).items():
        np.testing.assert_allclose(arrays_of(difference(three, name)), arrays_of(expected), err_msg=name)
    assert num_shared(three, ["batch", "none"]) == 2 * 4 * 2 * 5


def test_a_better_mode_raises_the_bar_of_a_mode_alone_but_not_of_a_pair() -> None:
    accuracy = 0.8 * plateaus(num_seeds=3)
    better = with_third(accuracy, 1.0)
    grid = grid_of(better, LRS)
    assert thresholds(grid) == pytest.approx([0.9, 0.9 * 0.8 * 0.99, 0.9 * 0.8 * 0.98])
    assert mean_threshold(grid, 0.5) == pytest.approx(np.mean([0.5, 0.4 * 0.99, 0.4 * 0.98]))
    assert of_mode(grid, "batch", pool_all(grid))[WIDTH][1].by_seed == pytest.approx([0, 3, 3])
    assert difference(grid, WIDTH).by_seed == pytest.approx([2, 2, 2])
    assert difference(grid, "own_decades").by_seed == pytest.approx([2, 2, 2])


def test_a_pair_without_a_shared_point_is_named() -> None:
    grid = grid_of(with_third(plateaus()), LRS)
    with pytest.raises(InputError, match="l1 and none have no curve"):
        of_difference(grid, "l1", "none", pool_all(grid))
    assert num_shared(grid, ["l1", "none"]) == 0
    apart = plateaus()
    apart[:2, 0], apart[2:, 1] = NAN, NAN
    with pytest.raises(InputError, match="batch and none have no curve"):
        of_difference(grid_of(apart, LRS), "batch", "none", pool_all(grid_of(apart, LRS)))


def test_a_result_that_one_lacks_counts_for_neither() -> None:
    accuracy = plateaus()
    accuracy[:, 0, ..., 2] -= 0.05  # so that the best of either is its own
    grid = grid_of(without(accuracy, 1, 0, 0, 0, 4), LRS)
    shared = shared_by(grid, ["batch", "none"])
    assert shared.norms == ["batch", "none"]
    both = without(accuracy, 1, slice(None), 0, 0, 4)[:, [1, 0]]
    for one, expected in (
        (shared.accuracy, both),
        (shared.diverged, np.where(np.isnan(both), NAN, both == CHANCE)),
        (shared.best, grid.best[:, [1, 0]]),
    ):
        np.testing.assert_array_equal(one, expected)
    assert np.isnan(shared.loss).sum() == np.isnan(shared.initial_loss[1, :, 0, 0, 4]).sum() == 2
    assert shared_by(grid, ["batch"]).accuracy.shape == (4, 1, 1, 2, 5)
    assert np.isfinite(shared_by(grid, ["batch"]).accuracy).all()


def test_a_seed_that_lacks_a_curve_is_left_out_and_the_others_stay_as_they_are() -> None:
    """A curve is lacking where less than a third of it is there; of 5 rates 1."""
    accuracy = plateaus(num_gains=3)
    whole = difference(grid_of(accuracy, LRS), WIDTH)
    for lacking, seeds in ((4, [0, 2, 3]), (3, [0, 1, 2, 3])):
        holed = accuracy.copy()
        holed[1, 0, 0, 2, :lacking] = NAN
        grid = grid_of(holed, LRS)
        shared = shared_by(grid, ["none", "batch"])
        assert shared.seeds == seeds
        assert np.isfinite(shared.accuracy).any(axis=-1).all()
        found = difference(grid, WIDTH).by_seed
        assert found[[seeds.index(seed) for seed in (0, 2, 3)]] == pytest.approx(whole.by_seed[[0, 2, 3]])


def test_a_curve_that_most_seeds_lack_is_left_out_for_all() -> None:
    accuracy = plateaus(num_gains=3)
    for lacking, gains in ((2, 3), (3, 2)):  # of 4 seeds
        holed = accuracy.copy()
        holed[:lacking, 0, 0, 2] = NAN
        shared = shared_by(grid_of(holed, LRS), ["none", "batch"])
        assert shared.seeds == ([2, 3] if gains == 3 else [0, 1, 2, 3])
        assert np.isfinite(shared.accuracy).any(axis=(0, 1, 2, 4)).sum() == gains


def test_rates_that_no_seed_has_of_both_are_left_out() -> None:
    grid = grid_of(without(plateaus(), slice(None), 0, 0, slice(None), 4), LRS)
    shared = shared_by(grid, ["none", "batch"])
    assert shared.lrs == LRS[:4]
    assert shared.accuracy.shape == (4, 2, 1, 2, 4)
    assert difference(grid, WIDTH).most == pytest.approx(3)
    assert shared_by(grid, ["batch"]).lrs == LRS
    inner = grid_of(without(plateaus(), slice(None), 0, 0, slice(None), 3), LRS)
    assert np.isnan(difference(inner, WIDTH).spacing)


@given(st.integers(0, 2**32 - 1))
def test_five_in_a_hundred_missing_widen_what_is_open(seed: int) -> None:
    accuracy = plateaus(num_seeds=10)
    rng = np.random.default_rng(seed)
    holed = np.where(rng.random(accuracy.shape) < 0.05, NAN, accuracy)
    holed[:, :, 0, 0, 1:4] = accuracy[:, :, 0, 0, 1:4]  # the bars, and what turns round
    holed[:, :, 0, 1, 1:4] = accuracy[:, :, 0, 1, 1:4]
    whole, found = difference(grid_of(accuracy, LRS), WIDTH), difference(grid_of(holed, LRS), WIDTH)
    low, high = found.open_range()
    assert low <= whole.open_range()[0] + 1e-9
    assert high >= whole.open_range()[1] - 1e-9
    assert low <= whole.value <= high
    assert found.of_grid >= whole.of_grid - 1e-9


def test_poolings_are_all_then_by_init_then_each() -> None:
    several = np.repeat(plateaus(), 2, axis=2)
    grid = grid_of(several, LRS)
    names = [(one.init, one.init_gain) for one in poolings(grid)]
    each = [(f"init {i}", gain) for i in range(2) for gain in ("1", "2")]
    assert names == [("all", "all"), ("init 0", "all"), ("init 1", "all"), *each]
    assert [(one.init, one.init_gain) for one in poolings(grid_of(plateaus(), LRS))] == [
        ("init 0", "all"),
        ("init 0", "1"),
        ("init 0", "2"),
    ]
    last = list(poolings(grid))[-1]
    assert last.of(several).shape == (2, 4, 1, 1, 5)
    np.testing.assert_array_equal(last.of(several)[1, 3, 0, 0], several[3, 1, 1, 1])
