import numpy as np
import pytest

from analysis.statistics.intervals import CONFIDENCE, seed_error, seed_interval, t_quantile
from analysis.statistics.spending import MIN_SEEDS, spent

MAX_SEEDS = 200


def test_less_is_spent_at_every_number_of_seeds() -> None:
    assert spent(np.array([3, 4, 5, 10])).tolist() == [0.05, 0.1, 0.2, 0.1]
    later = spent(np.arange(5, MAX_SEEDS))
    assert (np.diff(later) < 0).all()


@pytest.mark.parametrize("confidence", [0.95, CONFIDENCE])
def test_who_adds_seeds_until_it_resolves_errs_no_more_often_than_is_said(confidence: float) -> None:
    values = np.random.default_rng(0).normal(size=(10_000, MAX_SEEDS))
    count = np.arange(1, MAX_SEEDS + 1)
    mean = np.cumsum(values, axis=-1) / count
    squares = np.cumsum(values**2, axis=-1) - count * mean**2
    error = np.sqrt(squares / np.maximum(count - 1, 1) / count)
    looks = count >= MIN_SEEDS
    resolved = (np.abs(mean) > t_quantile(count, confidence) * error)[:, looks].any(axis=-1)
    assert 0.5 * (1 - confidence) < resolved.mean() < 1 - confidence
    assert error[0, 9] == pytest.approx(float(seed_error(values[0, :10])))


def test_intervals_for_one_look_would_err_twice_as_often() -> None:
    """Which is why the error is spent."""
    values = np.random.default_rng(1).normal(size=(10_000, 10))
    spending, blind = [], []
    for count in range(MIN_SEEDS, 11):
        whole = 1 - (1 - CONFIDENCE) / float(spent(np.array(count)))
        for found, confidence in ((spending, CONFIDENCE), (blind, whole)):
            low, high = seed_interval(values[:, :count], confidence=confidence)
            found.append((low > 0) | (high < 0))
    allowed = 1 - CONFIDENCE
    assert np.any(spending, axis=0).mean() < allowed < 2 * allowed < np.any(blind, axis=0).mean()
