"""Which initializers are one draw, against bnsweep's own, and means in which a draw counts once."""

from __future__ import annotations

from math import prod, sqrt

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from analysis.measures.scales import DRAWS, mean_over_scales, scale_of
from bnsweep.training.initialization import INITS

UNIFORM = ["default", "kaiming_uniform", "xavier_uniform"]
SHAPES = [(7, 5), (4, 3, 3, 3), (6, 6)]


def weights(init: str, shape: tuple[int, ...]) -> torch.Tensor:
    return INITS[init](torch.empty(shape), torch.Generator().manual_seed(3)).double()


def fans(shape: tuple[int, ...], falls_with: str) -> int:
    fan_in, fan_out = prod(shape[1:]), shape[0] * prod(shape[2:])
    return {"fan_in": fan_in, "fan_in + fan_out": fan_in + fan_out, "nothing": 1}[falls_with]


def test_every_initializer_is_known() -> None:
    assert set(DRAWS) == set(INITS)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("init", INITS)
def test_initializers_of_one_draw_are_the_same_numbers_times_factor_over_root_of_fans(
    init: str, shape: tuple[int, ...]
) -> None:
    unit = {}
    for name in (init, *(other for other in INITS if DRAWS[other][0] == DRAWS[init][0])):
        _, falls_with, factor = DRAWS[name]
        unit[name] = weights(name, shape) * sqrt(fans(shape, falls_with)) / factor
    for other in unit.values():
        assert_allclose(other, unit[init], rtol=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_initializers_of_different_draws_are_not_one_another_rescaled(shape: tuple[int, ...]) -> None:
    directions = {DRAWS[init][0]: weights(init, shape).flatten() for init in INITS}
    units = [direction / direction.norm() for direction in directions.values()]
    assert len(units) == 3
    assert max(abs(a.dot(b).item()) for i, a in enumerate(units) for b in units[:i]) < 0.99


def test_equal_scales_of_one_draw_count_once() -> None:
    assert scale_of("default", sqrt(6)) == scale_of("kaiming_uniform", 1.0)
    assert scale_of("xavier_uniform", 1.0) != scale_of("kaiming_uniform", 1.0)
    values = np.array([[1.0, 0.0], [0.25, 0.5]])  # default at sqrt(6) and 1, kaiming_uniform at sqrt(6) and 1
    found = mean_over_scales(values, UNIFORM[:2], [sqrt(6), 1.0])
    assert found == pytest.approx(np.mean([(1.0 + 0.5) / 2, 0.0, 0.25]))


def test_inits_of_one_draw_are_points_of_one_axis_and_other_draws_weigh_as_much() -> None:
    values = np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
    assert mean_over_scales(values[:2], UNIFORM[:2], [1.0, 2.0]) == pytest.approx(0.75)
    inits = [*UNIFORM[:2], "orthogonal"]
    assert mean_over_scales(values, inits, [1.0, 2.0]) == pytest.approx((0.75 + 0.0) / 2)
    assert values.mean() == pytest.approx(0.5)


def test_a_single_initializer_has_the_plain_mean_over_gains_and_what_is_missing_is_left_out() -> None:
    values = np.array([[[1.0, 0.0, np.nan]], [[np.nan] * 3]])
    assert_allclose(mean_over_scales(values, ["orthogonal"], [0.5, 1.0, 2.0]), [0.5, np.nan])


@given(st.permutations(list(INITS)), st.integers(0, 10**6))
def test_the_order_of_the_initializers_does_not_matter(order: list[str], seed: int) -> None:
    values = np.random.default_rng(seed).random((len(INITS), 2))
    inits, gains = list(INITS), [0.5, 2.0]
    shuffled = values[[inits.index(init) for init in order]]
    assert_allclose(mean_over_scales(shuffled, order, gains), mean_over_scales(values, inits, gains))
