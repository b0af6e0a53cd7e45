"""How often intervals hold the truth, in thousands of synthetic sweeps: at least 93 in 100.

`python -m benchmarks.verdicts` asks the same of whole verdicts, in worse worlds.
"""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import bootstrap

from analysis.measures import MEASURES, Measure, Runs
from analysis.measures.curves import Measured, trainable_decades
from analysis.statistics.intervals import seed_interval, share_interval
from analysis.statistics.nan_aware import Floats, nan_mean
from analysis.statistics.spending import MIN_SEEDS
from tests.analysis.statistics.simulated_sweeps import LRS, TRUTHS

SWEEPS = 500
AT_LEAST = 0.93
DENSE = [float(lr) for lr in np.logspace(np.log10(LRS[0]), np.log10(LRS[-1]), 161)]
WITH_INTERVAL = [name for name, measure in MEASURES.items() if measure.interval == "t"]
TESTED_AND_DENSE = ((6000, LRS), (600, DENSE))
Ends = tuple[Floats, Floats]


def value_of(measure: Measure, sweeps: Runs) -> Measured:
    """Return a measure by sweep, mode and seed, with what the grid leaves open."""
    if measure.grid:
        return measure.grid(sweeps)
    value = measure.compute(sweeps)
    return Measured(value, value, value, np.zeros_like(value), value)


@pytest.fixture(scope="module")
def truths() -> dict[str, dict[str, Floats]]:
    """The mean of every measure over so many seeds that it has no error to speak of, by mode.

    Of measures about all rates in the tested range, at dense rates.
    """
    means = {}
    for name, truth in TRUTHS.items():
        tested, dense = (truth.sweeps(np.random.default_rng(1), 1, seeds, lrs) for seeds, lrs in TESTED_AND_DENSE)
        means[name] = {
            key: nan_mean(value_of(measure, dense if measure.grid else tested).value[0], -1)
            for key, measure in MEASURES.items()
        }
    return means


def of_mode(measure: Measure, sweeps: Runs) -> Ends:
    """Return an interval for each mode, shape (sweeps, modes)."""
    found = value_of(measure, sweeps)
    most = measure.max_value(sweeps.lrs)
    return seed_interval(found.value, found.smooth, nan_mean(found.grid_sd, -1), least=0.0, most=most)


def of_difference(measure: Measure, sweeps: Runs) -> Ends:
    """Return an interval for each mode minus the first."""
    found = value_of(measure, sweeps)
    value, smooth = (one[:, 1:] - one[:, :1] for one in (found.value, found.smooth))
    sd = np.hypot(found.grid_sd[:, 1:], found.grid_sd[:, :1])
    most = measure.max_value(sweeps.lrs)
    return seed_interval(value, smooth, nan_mean(sd, -1), least=-most, most=most)


def covered(ends: Ends, true: Floats) -> Floats:
    """Return by mode the share of the intervals that there are that hold the truth; 1 where there are next to none."""
    (low, high), given = ends, np.isfinite(ends[0])
    held = ((low <= true) & (true <= high)).sum(axis=0)
    return np.where(given.sum(axis=0) > 100, held / np.maximum(given.sum(axis=0), 1), 1.0)


@pytest.mark.parametrize("num_seeds", [MIN_SEEDS, 5, 10])
@pytest.mark.parametrize("name", TRUTHS)
def test_intervals_of_modes_and_of_differences_cover(
    truths: dict[str, dict[str, Floats]], name: str, num_seeds: int
) -> None:
    sweeps = TRUTHS[name].sweeps(np.random.default_rng(2), SWEEPS, num_seeds)
    for key in WITH_INTERVAL:
        measure, true = MEASURES[key], truths[name][key]
        assert covered(of_mode(measure, sweeps), true).min() >= AT_LEAST, key
        assert covered(of_difference(measure, sweeps), true[1:] - true[0]).min() >= AT_LEAST, f"{key}, difference"


@pytest.mark.parametrize("num_seeds", [MIN_SEEDS, 5, 10])
@pytest.mark.parametrize("name", TRUTHS)
def test_the_interval_of_the_divergence_rate_covers(
    truths: dict[str, dict[str, Floats]], name: str, num_seeds: int
) -> None:
    sweeps = TRUTHS[name].sweeps(np.random.default_rng(3), SWEEPS // 2, num_seeds)
    counts = sweeps.diverged.sum(axis=(2, 3, 4, 5)).astype(int)
    totals = np.full_like(counts, sweeps.diverged[0, 0].size)
    low, high = share_interval(counts, totals, MEASURES["divergence_rate"].compute(sweeps))
    assert np.isfinite(low).all()
    assert covered((low, high), truths[name]["divergence_rate"]).min() >= AT_LEAST


@pytest.mark.parametrize("method", ["percentile", "BCa"])
def test_a_bootstrap_over_few_seeds_does_not_cover_which_is_why_none_is_used(method: str) -> None:
    minus = np.random.default_rng(4).normal(size=(400, 5))
    found = bootstrap((minus,), np.mean, axis=-1, n_resamples=499, method=method, rng=np.random.default_rng(4))
    low, high = found.confidence_interval.low, found.confidence_interval.high
    assert ((low <= 0) & (high >= 0)).mean() < 0.9


def test_what_the_grid_leaves_open_must_be_counted() -> None:
    """Plateaus of one width, half a spacing apart: without it their widths differ for certain."""
    rng, starts = np.random.default_rng(0), np.linspace(-1.5, -0.5, 200)[:, None, None, None, None, None]
    places, shift = np.linspace(-3, 1, 5), np.array([0, 0.5]).reshape(2, 1, 1, 1, 1)
    low = starts + shift + 0.02 * rng.normal(size=(200, 2, 5, 1, 1, 1))
    accuracy = np.where((places >= low) & (places <= low + 1.5), 0.95, 0.1)
    found = trainable_decades(accuracy + 0.001 * rng.normal(size=accuracy.shape), 10**places, 0.5)
    value, smooth = (one[:, 1, :, 0, 0] - one[:, 0, :, 0, 0] for one in (found.value, found.smooth))
    sd = np.hypot(found.grid_sd[:, 1, :, 0, 0], found.grid_sd[:, 0, :, 0, 0]).mean(axis=-1)
    false = [(low > 0) | (high < 0) for low, high in (seed_interval(value, smooth, one) for one in (0.0, sd))]
    assert false[0].mean() > 0.7
    assert not false[1].any()


def test_a_range_of_noisy_runs_has_no_interval() -> None:
    """It depends on how many there are: seeds that are alike in all but noise, and gains too, have a range."""
    measure, sweeps = MEASURES["gain_sensitivity"], TRUTHS["seeds alike"].sweeps(np.random.default_rng(2), 200, 5)
    assert measure.interval is None
    alike = replace(sweeps, accuracy=0.9 + 0.01 * np.random.default_rng(3).normal(size=sweeps.accuracy.shape))
    assert covered(seed_interval(measure.compute(alike)), np.zeros(4)).max() < AT_LEAST
