"""Edges with their intervals, of curves whose edges are known."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest
from scipy.stats import quantile_test

from analysis.measures.edges import edge

RATES = np.geomspace(1e-3, 10, 41)
LOG = np.log10(RATES)
BAR = 0.5


def curves(lows: object, highs: object) -> np.ndarray:
    low, high = np.broadcast_arrays(np.asarray(lows)[..., None], np.asarray(highs)[..., None])
    return np.where((low <= LOG) & (high >= LOG), 0.9, 0.1)


def bars(seeds: int) -> np.ndarray:
    return np.full(seeds, BAR)


@pytest.mark.parametrize("count", [6, 8, 9, 15, 20])
def test_the_interval_is_that_of_the_median_of_the_seeds_edges(count: int) -> None:
    highs = np.random.default_rng(count).normal(-0.5, 0.4, count)
    found = edge(curves(np.full(count, -9), highs), RATES, bars(count), "largest")
    at = np.array([np.flatnonzero(high >= LOG)[-1] for high in highs])
    interval = quantile_test(at, p=0.5).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((RATES[int(interval.low)], RATES[int(interval.high) + 1]))
    assert found.low <= found.trains < found.beyond <= found.high


def test_the_smallest_rate_is_the_largest_of_the_mirror_image() -> None:
    lows = np.random.default_rng(0).normal(-1.5, 0.3, 7)
    scores = curves(lows, np.full(7, 0.5))
    found = edge(scores, RATES, bars(7), "smallest")
    mirrored = edge(scores[:, ::-1], 1 / RATES[::-1], bars(7), "largest")
    assert (1 / found.trains, 1 / found.beyond) == pytest.approx((mirrored.trains, mirrored.beyond))
    assert (1 / found.high, 1 / found.low) == pytest.approx((mirrored.low, mirrored.high))


def test_with_few_seeds_the_interval_is_open_and_says_so() -> None:
    found = edge(curves(np.full(5, -9), np.full(5, 0.02)), RATES, bars(5), "largest")
    assert (found.low, found.high) == (0, inf)
    assert (found.trains, found.beyond) == pytest.approx((1.0, 10**0.1))
    assert str(found) == "largest lr that trains: between 1 and 1.25893 (too few seeds for an interval)"


def test_an_edge_beyond_the_range_is_told_as_such() -> None:
    found = edge(curves(np.full(6, -9), np.full(6, 9)), RATES, bars(6), "largest")
    assert (found.trains, found.beyond, found.high) == (pytest.approx(10), inf, inf)
    assert str(found) == "largest lr that trains: beyond the tested 10"
    assert "beyond the tested 0.001" in str(edge(curves(np.full(6, -9), np.full(6, 9)), RATES, bars(6), "smallest"))


def test_a_mode_that_trains_nowhere_has_no_edge() -> None:
    found = edge(curves(np.full(6, 5), np.full(6, 9)), RATES, bars(6), "largest")
    assert np.isnan(found.trains)
    assert found.high == pytest.approx(RATES[0])
    assert str(found) == "largest lr that trains: none of those tested"


def test_a_fractal_boundary_is_no_edge() -> None:
    rng = np.random.default_rng(0)
    scores = curves(np.full(8, -9), np.full(8, 9))
    scores[:, LOG > -0.5] = np.where(rng.random((8, int((LOG > -0.5).sum()))) < 0.5, 0.9, 0.1)
    scores[:, -3:] = 0.1
    assert not edge(scores, RATES, bars(8), "largest").is_sharp
    assert "no edge at this resolution" in str(edge(scores, RATES, bars(8), "largest"))
    assert edge(curves(np.full(8, -9), rng.normal(-0.5, 0.3, 8)), RATES, bars(8), "largest").is_sharp


def test_one_seed_that_trains_again_makes_no_edge_vanish() -> None:
    scores = curves(np.full(8, -9), np.full(8, -0.5))
    scores[0, LOG > 0.2] = 0.9
    found = edge(scores, RATES, bars(8), "largest")
    assert found.is_sharp
    assert found.trains == pytest.approx(10**-0.5)


def test_rates_that_were_not_tested_make_it_coarser_only() -> None:
    highs = np.random.default_rng(1).normal(-0.5, 0.3, 8)
    scores = curves(np.full(8, -9), highs)
    whole = edge(scores, RATES, bars(8), "largest")
    scores[:, 1::2] = np.nan
    coarse = edge(scores, RATES, bars(8), "largest")
    assert coarse.low <= whole.low
    assert coarse.high >= whole.high
