"""The share of the hyperparameters that trains, by `qmc` and by random points, against that of a whole grid.

A point of the grid stands for the rates and gains that are nearest to it, in logarithms; those at its border for half.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from analysis.statistics.intervals import share_interval
from analysis.statistics.nan_aware import Floats
from benchmarks.search.tuning import GAINS, RATES
from benchmarks.search.worlds import Stored, bars
from benchmarks.verdicts.tally import share
from bnsweep.search import End, Qmc, Random, Search, Space
from bnsweep.spec.ranges import Range

Positions = NDArray[np.intp]
SEEDS, LOG2_POINTS = 6, 6
HEAD = "world | points | mean | truth | error by points alone (RMS) | error (RMS) | interval of 95 % holds the truth"


def share_lines(repeats: int, seed: int, stored: Stored | None, only: str = "") -> Iterator[str]:
    """Yield the table."""
    yield HEAD
    for mode, norm in enumerate(stored.norms) if stored else ():
        for name in ("random", "qmc") if only in f"mini net, {norm}" else ():
            assert stored
            yield " | ".join([f"mini net, {norm}", name, *_replays(stored, mode, name, repeats, seed)])


def _replays(stored: Stored, mode: int, name: str, repeats: int, seed: int) -> list[str]:
    """Return what became of so many searches with six seeds each."""
    trains_GSL = stored.worth[mode] >= bars(stored.worth)[mode][:, None]
    of_seed = np.einsum("gsl,g,l->s", trains_GSL, _weights(trains_GSL.shape[0]), _weights(trains_GSL.shape[2]))
    drawn = np.random.default_rng(seed).integers(trains_GSL.shape[1], size=(repeats, SEEDS))
    by_seed = _shares(trains_GSL, drawn.reshape(-1), name, seed).reshape(repeats, SEEDS)
    count = SEEDS * 2**LOG2_POINTS
    low, high = share_interval(
        (by_seed.sum(axis=1) * 2**LOG2_POINTS).round().astype(np.int64),
        np.full(repeats, count),
        by_seed,
        confidence=0.95,
    )
    truth, means = of_seed.mean(), by_seed.mean(axis=1)
    by_points = np.sqrt(np.mean((means - of_seed[drawn].mean(axis=1)) ** 2))
    holds = int(((low <= truth) & (truth <= high)).sum())
    error = np.sqrt(np.mean((means - truth) ** 2))
    return [f"{means.mean():.4f}", f"{truth:.4f}", f"{by_points:.4f}", f"{error:.4f}", share(holds, repeats)]


def _shares(trains_GSL: NDArray[np.bool_], drawn: Positions, name: str, search_seed: int) -> Floats:
    """Return the share of the points of each search that trains; each has points of its own, shape of `drawn`."""
    ranges = {"init_gain": Range(*GAINS, log=True), "lr": Range(*RATES, log=True)}
    space = Space({}, ranges, range(len(drawn)))
    sampler: Search = (
        Qmc(space, LOG2_POINTS, search_seed) if name == "qmc" else Random(space, 2**LOG2_POINTS, search_seed)
    )
    settings = sampler([])
    assert not isinstance(settings, End)
    gain, lr = (
        _nearest(np.array([setting[axis] for setting in settings]), span, size)
        for (axis, span), size in zip(ranges.items(), (trains_GSL.shape[0], trains_GSL.shape[2]), strict=True)
    )
    seeds = np.repeat(drawn, 2**LOG2_POINTS)
    return np.asarray(trains_GSL[gain, seeds, lr].reshape(len(drawn), -1).mean(axis=1))


def _nearest(values: Floats, span: Range, size: int) -> Positions:
    """Return the index of the nearest of so many evenly spaced logarithms."""
    low, high = np.log([span.low, span.high])
    return np.asarray(np.rint((np.log(values) - low) / (high - low) * (size - 1)), dtype=np.intp)


def _weights(size: int) -> Floats:
    weights = np.ones(size)
    weights[[0, -1]] = 0.5
    return np.asarray(weights / weights.sum())
