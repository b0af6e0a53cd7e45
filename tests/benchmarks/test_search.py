"""The command runs, and its known truths are what they are said to be."""

from __future__ import annotations

import runpy
import sys

import numpy as np
import pytest

from analysis.statistics.nan_aware import Floats
from benchmarks.search.adaptive import MAX_SEEDS, Modes
from benchmarks.search.edges import replays, searched
from benchmarks.search.shares import share_lines
from benchmarks.search.tuning import tuning_lines
from benchmarks.search.worlds import SIDES, Simulated, Stored

RATES = np.geomspace(1e-3, 10, 21).tolist()


@pytest.mark.parametrize("part", ["edges", "adaptive", "tuning", "share"])
def test_the_command_runs(part: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["search", "--only", part, "--repeats", "2"])
    runpy.run_module("benchmarks.search", run_name="__main__")
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.startswith("world | ")
    assert all(line.count(" | ") == head.count(" | ") for line in lines if " | " in line)
    assert lines[-2].startswith("2 replays of each")


def grid(lows: Floats, highs: Floats) -> Stored:
    """Return two modes that train between edges of shape NGS."""
    x = np.log10(RATES)
    return Stored(
        np.where((x >= lows[..., None]) & (x <= highs[..., None]), 0.9, 0.1), RATES, ["none", "batch"], "a grid"
    )


def some_grid() -> Stored:
    rng = np.random.default_rng(0)
    return grid(rng.normal(-2, 0.2, (2, 5, 20)), rng.normal(-0.3, 0.2, (2, 5, 20)))


@pytest.mark.parametrize("num_rates", [21, 1025])
def test_simulated_edges_have_the_medians_that_are_said(num_rates: int) -> None:
    world = Simulated("skewed", num_rates, 0.3, edge_skew=True)
    drawn = world.draw(np.random.default_rng(0), 4001)
    x = np.log10(world.rates)
    share = (drawn.worth[0] > 0.5).mean(axis=1)
    for side, pick in zip(SIDES, (0, -1), strict=True):
        for gain, (median, _) in enumerate(world.truth(side)[0]):
            edge = x[np.flatnonzero(share[gain] >= 0.5)[pick]]
            assert edge == pytest.approx(median, abs=x[1] - x[0] + 0.03)


def test_what_was_run_is_of_the_grid_and_the_truth_between_two_rates() -> None:
    stored = some_grid()
    drawn = stored.draw(np.random.default_rng(1), 6)
    tested = searched(drawn, 6, (0.5,))
    known = ~np.isnan(tested)
    assert (tested[known] == drawn.worth[known]).all()
    assert 0.2 < known.mean() < 0.6
    truth = stored.truth("largest")
    assert (truth[..., 1] - truth[..., 0]) == pytest.approx(0.2, abs=1e-5)
    assert np.abs(truth.mean(axis=-1) + 0.3).max() < 0.25


def test_edges_of_a_stored_grid_are_found() -> None:
    count = replays(some_grid(), 6, (0.5,), 20, np.random.default_rng(0), 6)
    assert count.same == count.total == 20 * 2 * 5 * 2
    assert count.covered / count.with_truth > 0.9


def test_the_study_tells_modes_apart_and_equal_modes_are_equal() -> None:
    study = Modes.of_study()
    assert study.norms[0] == "none"
    assert (study.truth[:4] > 0.1).all()
    assert (study.without_differences().truth == 0).all()
    drawn = study.draw(np.random.default_rng(0), MAX_SEEDS)
    assert (study.on_a_fine_grid().verdicts(drawn, MAX_SEEDS)[:4] == 1).all()
    assert (study.verdicts(drawn, 2) == 0).all()


def test_shares_and_tuning_are_those_of_the_grid() -> None:
    everywhere = grid(np.full((2, 5, 3), -9.0), np.full((2, 5, 3), 9.0))
    lines = [*share_lines(3, 0, everywhere)][1:]
    assert len(lines) == 4
    assert all("| 1.0000 | 1.0000 | 0.0000 | 0.0000 |" in line for line in lines)
    best = [line.split(" | ")[2:5] for line in tuning_lines(2, 0, everywhere) if line.startswith("mini net")]
    assert best == [["1.000 ± 0.000"] * 3] * 4
