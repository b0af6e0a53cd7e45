"""Comparisons of modes whose learning rates a search has chosen: what they say, and what the whole grid says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from analysis.measures import MEASURES
from analysis.measures.comparison import of_difference, of_mode, shared_by
from analysis.measures.grid import Grid
from analysis.measures.pooling import pool_all
from analysis.statistics.nan_aware import Floats
from analysis.statistics.seed_mean import SeedMean
from bnsweep.search import Edges, End, Outcome, Space, ask
from bnsweep.search.bisection import coarse
from tests.analysis.measures.grids import CHANCE, grid_of

LRS = [float(f"{lr:.6g}") for lr in np.logspace(-3, 1, 129)]
FIRST = coarse(len(LRS), 9)
SPACING = 4 / 128
SEEDS, GAINS = 6, 2
EDGES = np.array([[-2.3, -1.1], [-1.9, 1.5]])
"""In log10, of `none` and of `batch`, which trains to the end of the range."""
WIDTHS = [1.2, 2.9]
BY_GRID = [name for name, measure in MEASURES.items() if measure.grid]
COUNTED = [name for name, measure in MEASURES.items() if not measure.grid]


def whole(rng: np.random.Generator, edge_sd: float, noise: float) -> Grid:
    """Return every trial: what does not train is at chance, and diverged."""
    edges = EDGES[None, :, None, None] + edge_sd * rng.normal(size=(SEEDS, 2, 1, GAINS, 2))
    x = np.log10(LRS)
    does_train = (x >= edges[..., :1]) & (x <= edges[..., 1:])
    scores = np.clip(0.9 - noise * np.abs(rng.normal(size=does_train.shape)), CHANCE, 1)
    return grid_of(np.where(does_train, scores, CHANCE), LRS)


def searched(grid: Grid) -> Grid:
    """Return what a search of the edges leaves of it."""
    space = Space({"norm": range(2), "init_gain": range(GAINS)}, {}, range(SEEDS))
    search = Edges(space, list(range(len(LRS))), len(FIRST))
    told = {
        (s, n, g, k): Outcome(float(grid.accuracy[s, n, 0, g, k]), bool(grid.diverged[s, n, 0, g, k]), CHANCE)
        for s, n, g, k in np.ndindex(SEEDS, 2, GAINS, len(LRS))
    }
    answer = ask(search, told, lambda one: (one["seed"], one["norm"], one["init_gain"], one["lr"]))
    assert isinstance(answer.step, End)
    accuracy = np.full_like(grid.accuracy, np.nan)
    for setting in (setting for one_round in answer.history for setting, _ in one_round):
        place = setting["seed"], setting["norm"], 0, setting["init_gain"], setting["lr"]
        accuracy[place] = grid.accuracy[place]
    return replace(grid_of(accuracy, LRS), added_lrs=frozenset(LRS) - {LRS[k] for k in FIRST})


def difference(grid: Grid, measure: str) -> SeedMean:
    return of_difference(grid, "batch", "none", pool_all(grid), names=[measure])[measure][1]


def replays(num: int, edge_sd: float, noise: float) -> Iterator[tuple[Grid, Grid]]:
    rng = np.random.default_rng(7)
    for _ in range(num):
        grid = whole(rng, edge_sd, noise)
        yield grid, searched(grid)


def at_first(grid: Grid) -> Grid:
    return grid_of(grid.accuracy[..., FIRST], [LRS[k] for k in FIRST])


def test_widths_and_areas_are_those_of_the_whole_grid_to_its_spacing_where_edges_are_sharp() -> None:
    ((grid, found),) = replays(1, edge_sd=0.0, noise=0.0)
    assert np.isfinite(found.accuracy).mean() < 0.15
    for name in ("trainable_decades", "own_decades"):
        assert difference(found, name).value == pytest.approx(WIDTHS[1] - WIDTHS[0], abs=2 * SPACING)
        (low, high), (first_low, first_high) = (difference(one, name).open_range() for one in (found, at_first(grid)))
        assert high - low < 4 * SPACING < 1 < first_high - first_low
    for name in BY_GRID:
        assert difference(found, name).value == pytest.approx(difference(grid, name).value, abs=2 * SPACING)


@pytest.mark.parametrize("name", COUNTED)
def test_whatever_counts_runs_or_picks_one_goes_by_the_rates_that_all_modes_have(name: str) -> None:
    for grid, found in replays(3, edge_sd=0.1, noise=0.0):
        first = at_first(grid)
        np.testing.assert_array_equal(difference(found, name).by_seed, difference(first, name).by_seed)
        for mode in ("none", "batch"):
            ours, firsts = (of_mode(one, mode, pool_all(one))[name][1].by_seed for one in (found, first))
            np.testing.assert_array_equal(ours, firsts)


def test_counting_the_added_rates_as_well_would_favour_the_mode_that_has_fewer_edges() -> None:
    """A search adds rates at both edges of one mode and at one of the other: half of those train, and half do not."""
    errors: list[tuple[float, float]] = []
    for grid, found in replays(10, edge_sd=0.1, noise=0.05):
        truth = difference(grid, "trained_share").value
        blind = replace(found, added_lrs=frozenset())
        shares = [np.nanmean(blind.accuracy[:, n] > 0.5) for n in (1, 0)]
        errors.append((difference(found, "trained_share").value - truth, shares[0] - shares[1] - truth))
    error, naive = np.mean(errors, axis=0)
    assert abs(error) < 0.03 < abs(naive)


def test_over_replays_differences_are_those_of_the_whole_grid_and_intervals_hold_the_truth() -> None:
    values: dict[str, list[float]] = {name: [] for name in ("trainable_decades", "mean_accuracy")}
    holds = 0
    for grid, found in replays(num := 60, edge_sd=0.2, noise=0.05):
        for name, errors in values.items():
            errors.append(difference(found, name).value - difference(grid, name).value)
        low, high = difference(found, "own_decades").interval(0.95)
        holds += low <= WIDTHS[1] - WIDTHS[0] <= high
    for name, errors in values.items():
        of_mean = np.std(errors) / np.sqrt(num)
        assert abs(np.mean(errors)) < 3 * of_mean + SPACING / 4, name
    assert holds >= 0.9 * num


def test_each_of_two_keeps_its_own_added_rates_and_loses_those_of_all_that_the_other_lacks() -> None:
    accuracy: Floats = np.full((2, 2, 1, 1, 5), 0.9)
    accuracy[:, 0, ..., 1] = accuracy[:, 1, ..., 3] = np.nan  # added for one each
    accuracy[0, 0, ..., 2] = np.nan  # failed
    grid = replace(grid_of(accuracy, [0.01, 0.02, 0.1, 0.2, 1.0]), added_lrs=frozenset({0.02, 0.2}))
    shared = np.isfinite(shared_by(grid, ["none", "batch"]).accuracy[:, :, 0, 0]).astype(int).tolist()
    assert shared[0] == [[1, 0, 0, 1, 1], [1, 1, 0, 0, 1]]
    assert shared[1] == [[1, 0, 1, 1, 1], [1, 1, 1, 0, 1]]
