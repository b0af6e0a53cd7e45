"""Points of the searched ranges: Sobol's and random ones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bnsweep.search import End, Qmc, Random, Search, Setting, Space
from bnsweep.spec.ranges import Range

RANGES = {"lr": Range(1e-3, 10, log=True), "train.momentum": Range(0, 0.9)}
SPACE = Space({"norm": ["none", "batch"], "init": ["default"]}, RANGES, range(3))
BOTH = pytest.mark.parametrize("make", [lambda n: Qmc(SPACE, n), lambda n: Random(SPACE, 2**n)], ids=["qmc", "random"])
Make = Callable[[int], Search]


def asked(search: Search) -> list[Setting]:
    found = search([])
    assert not isinstance(found, End)
    return list(found)


def of(settings: list[Setting], norm: str, seed: int) -> list[tuple[float, float]]:
    return [(s["lr"], s["train.momentum"]) for s in settings if (s["norm"], s["seed"]) == (norm, seed)]


@BOTH
def test_modes_share_their_points_and_seeds_do_not(make: Make) -> None:
    settings = asked(make(4))
    assert len(settings) == 16 * 3 * 2
    assert of(settings, "none", 0) == of(settings, "batch", 0)
    assert not {*of(settings, "none", 0)} & {*of(settings, "none", 1)}
    assert all(RANGES[name].low <= s[name] <= RANGES[name].high for s in settings for name in RANGES)


@BOTH
def test_more_points_keep_the_first_ones(make: Make) -> None:
    few, many = asked(make(3)), asked(make(5))
    assert of(many, "batch", 2)[:8] == of(few, "batch", 2)


def test_each_cell_of_a_sobol_net_holds_one_point() -> None:
    settings = asked(Qmc(SPACE, 4))
    for seed in range(3):
        points = np.array(of(settings, "none", seed))
        x = np.column_stack([(np.log10(points[:, 0]) + 3) / 4, points[:, 1] / 0.9])
        assert len({*map(tuple, np.minimum(x * 4, 3).astype(int).tolist())}) == 16


def test_the_share_that_trains_is_nearer_than_by_random_points() -> None:
    """Of the triangle below the diagonal, which is half of the square."""

    space = Space({"norm": ["none"]}, RANGES, range(40))

    def error(search: Search) -> float:
        settings = asked(search)
        points = np.array([of(settings, "none", seed) for seed in range(40)])
        shares = ((np.log10(points[..., 0]) + 3) / 4 < points[..., 1] / 0.9).mean(axis=1)
        return float(np.sqrt(np.mean((shares - 0.5) ** 2)))

    by_qmc, by_random = error(Qmc(space, 6)), error(Random(space, 64))
    assert by_random == pytest.approx(0.5 / 8, rel=0.35)
    assert by_qmc < by_random / 2


def test_values_are_typed_again_and_stay_in_their_range() -> None:
    span = Range(1e-3, 10, log=True)
    assert span.at(0.0) == 1e-3
    assert span.at(1.0) == 10
    assert span.at(1 / 3) == float(f"{span.at(1 / 3):.6g}")
