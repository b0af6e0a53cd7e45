"""The functional analysis of variance on a grid, against least squares on indicator columns."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from analysis.statistics.anova import grid_anova
from analysis.statistics.nan_aware import Floats

SHAPES = st.lists(st.integers(2, 4), min_size=2, max_size=4).map(tuple)


def indicators(shape: tuple[int, ...], axes: tuple[int, ...]) -> Floats:
    """Return a column per combination of levels of the axes, a row per point of the grid."""
    places = np.indices(shape).reshape(len(shape), -1)
    codes = np.ravel_multi_index(tuple(places[list(axes)]), tuple(shape[axis] for axis in axes))
    return np.asarray(codes[:, None] == np.arange(codes.max() + 1), dtype=float)


def explained(values: Floats, *effects: tuple[int, ...]) -> float:
    """Return the share of the variance that a linear model of these effects explains."""
    columns = np.hstack([np.ones((values.size, 1)), *(indicators(values.shape, axes) for axes in effects)])
    y = values.ravel()
    residual = y - columns @ np.linalg.lstsq(columns, y)[0]
    return float(1 - residual.var() / y.var())


@given(SHAPES.flatmap(lambda shape: arrays(float, shape, elements=st.floats(-1, 1, width=16))))
def test_each_share_is_what_least_squares_explains_beyond_its_parts(values: Floats) -> None:
    if values.std() < 0.01:
        return
    shares = {effect.axes: effect.share for effect in grid_anova(values)}
    assert sum(shares.values()) == pytest.approx(1)
    for axis in range(values.ndim):
        assert shares[axis,] == pytest.approx(explained(values, (axis,)), abs=1e-6)
    for one, other in combinations(range(values.ndim), 2):
        beyond = explained(values, (one, other)) - explained(values, (one,), (other,))
        assert shares[one, other] == pytest.approx(beyond, abs=1e-6)


def test_a_sum_has_no_interaction_and_an_exclusive_or_nothing_else() -> None:
    rows, columns = np.array([[0.0], [1.0], [5.0]]), np.array([[2.0, 7.0]])
    assert [effect.share for effect in grid_anova(rows + columns)][2:] == pytest.approx([0, 0])
    effects = {effect.axes: effect.share for effect in grid_anova(np.array([[0.0, 1.0], [1.0, 0.0]]))}
    assert effects == {(0,): 0, (1,): 0, (0, 1): 1, (): 0}


def test_the_noise_axis_has_no_pairs_and_ends_in_the_rest() -> None:
    values = np.random.default_rng(0).normal(size=(3, 4, 5))
    effects = {effect.axes: effect for effect in grid_anova(values, noise=2)}
    assert list(effects) == [(0,), (1,), (2,), (0, 1), ()]
    assert sum(effect.share for effect in effects.values()) == pytest.approx(1)
    assert np.isnan(effects[()].by_chance)


def test_without_a_degree_of_freedom_for_the_rest_chance_is_unknown() -> None:
    values = np.random.default_rng(0).normal(size=(3, 4))
    assert all(np.isnan(effect.by_chance) for effect in grid_anova(values))


def test_by_chance_is_the_share_of_what_has_no_effect() -> None:
    """Of noise alone, shares are what they are by chance, in the mean over many grids."""
    rng = np.random.default_rng(1)
    found = [grid_anova(rng.normal(size=(3, 5, 4)), noise=2) for _ in range(400)]
    shares, chances = (np.array([[getattr(one, name) for one in effects] for effects in found]) for name in NAMES)
    error = shares.std(axis=0) / np.sqrt(len(shares))
    assert (np.abs(shares.mean(axis=0) - chances.mean(axis=0))[:-1] < 4 * error[:-1]).all()


NAMES = ("share", "by_chance")
