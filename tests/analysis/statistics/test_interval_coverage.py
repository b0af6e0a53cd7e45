"""How often intervals hold the truth, in thousands of synthetic sweeps: at least 93 in 100 where 95 is claimed."""

import numpy as np
import pytest
from scipy.stats import bootstrap

from analysis.measures import MEASURES
from analysis.statistics.intervals import MIN_SEEDS, seed_interval, share_interval
from analysis.statistics.nan_aware import Floats
from tests.analysis.statistics.simulated_sweeps import TRUTHS

SWEEPS = 2000
AT_LEAST = 0.93
WITH_INTERVAL = [name for name, measure in MEASURES.items() if measure.interval == "t"]


Measured = dict[str, Floats]
"""Values by measure."""


@pytest.fixture(scope="module")
def truths() -> dict[str, Measured]:
    """The mean of every measure over so many seeds that it has no error to speak of, by mode."""
    means = {}
    for name, truth in TRUTHS.items():
        one = truth.sweeps(np.random.default_rng(1), 1, 40_000)
        means[name] = {key: measure.compute(one)[0].mean(axis=-1) for key, measure in MEASURES.items()}
    return means


def measured(name: str, num_seeds: int) -> Measured:
    """Return every measure that has an interval, of many sweeps."""
    sweeps = TRUTHS[name].sweeps(np.random.default_rng(2), SWEEPS, num_seeds)
    return {key: measure.compute(sweeps) for key, measure in MEASURES.items() if measure.interval}


@pytest.fixture(scope="module")
def differing() -> dict[int, Measured]:
    """Sweeps whose seeds differ, measured, by their number of seeds."""
    return {num_seeds: measured("seeds differ", num_seeds) for num_seeds in (MIN_SEEDS, 5)}


def covered(low: Floats, high: Floats, true: Floats) -> Floats:
    """Return by mode the share of the intervals that there are that hold the truth; 1 where there are next to none."""
    given = np.isfinite(low)
    held = ((low <= true) & (true <= high)).sum(axis=0)
    return np.where(given.sum(axis=0) > 100, held / np.maximum(given.sum(axis=0), 1), 1.0)


@pytest.mark.parametrize("num_seeds", [MIN_SEEDS, 5, 10])
@pytest.mark.parametrize("name", TRUTHS)
def test_intervals_of_modes_and_of_differences_cover(truths: dict[str, Measured], name: str, num_seeds: int) -> None:
    found = measured(name, num_seeds)
    for key in WITH_INTERVAL:
        values, true = found[key], truths[name][key]
        assert covered(*seed_interval(values), true).min() >= AT_LEAST, key
        minus = values[:, 1:] - values[:, :1]
        assert covered(*seed_interval(minus), true[1:] - true[0]).min() >= AT_LEAST, f"{key}, difference"


@pytest.mark.parametrize("num_seeds", [MIN_SEEDS, 5, 10])
@pytest.mark.parametrize("name", TRUTHS)
def test_the_interval_of_the_divergence_rate_covers(truths: dict[str, Measured], name: str, num_seeds: int) -> None:
    sweeps = TRUTHS[name].sweeps(np.random.default_rng(3), SWEEPS // 4, num_seeds)
    counts = sweeps.diverged.sum(axis=(2, 3, 4, 5)).astype(int)
    totals = np.full_like(counts, sweeps.diverged[0, 0].size)
    low, high = share_interval(counts, totals, MEASURES["divergence_rate"].compute(sweeps))
    assert np.isfinite(low).all()
    assert covered(low, high, truths[name]["divergence_rate"]).min() >= AT_LEAST


@pytest.mark.parametrize("num_seeds", [MIN_SEEDS, 5])
def test_simultaneous_intervals_all_hold_at_once(
    truths: dict[str, Measured], differing: dict[int, Measured], num_seeds: int
) -> None:
    for key in ("trainable_decades", "mean_accuracy"):
        values, true = differing[num_seeds][key], truths["seeds differ"][key]
        minus, differences = values[:, 1:] - values[:, :1], true[1:] - true[0]
        for confidence, enough in ((1 - 0.05 / minus.shape[1], True), (0.95, False)):
            low, high = seed_interval(minus, confidence)
            together = ((low <= differences) & (differences <= high)).all(axis=1).mean()
            assert (together >= AT_LEAST) == enough, (key, together)


@pytest.mark.parametrize("method", ["percentile", "BCa"])
def test_a_bootstrap_over_few_seeds_does_not_cover_which_is_why_none_is_used(
    truths: dict[str, Measured], differing: dict[int, Measured], method: str
) -> None:
    minus = differing[5]["trainable_decades"]
    minus = (minus[:, 1] - minus[:, 0])[:400]
    true = truths["seeds differ"]["trainable_decades"]
    found = bootstrap(
        (minus,), np.mean, axis=-1, n_resamples=499, method=method, rng=np.random.default_rng(4)
    ).confidence_interval
    assert covered(found.low[:, None], found.high[:, None], true[1:2] - true[0])[0] < 0.9


@pytest.mark.parametrize(
    ("key", "name"), [("worst_init", "one run in fifty fails"), ("gain_sensitivity", "seeds differ")]
)
def test_extremes_have_no_interval_because_none_covers(truths: dict[str, Measured], key: str, name: str) -> None:
    measure, sweeps = MEASURES[key], TRUTHS[name]
    assert measure.interval is None
    true = truths[name][key]
    values = measure.compute(sweeps.sweeps(np.random.default_rng(2), SWEEPS, MIN_SEEDS))
    assert covered(*seed_interval(values), true).min() < AT_LEAST
