import numpy as np
import pytest
from scipy.stats import chi2, nct

from analysis.statistics.intervals import CONFIDENCE, seed_interval, t_quantile
from analysis.statistics.power import POWER, SPREAD_LIMIT, seeds_needed, smallest_effects


def test_the_smallest_effect_has_the_power_of_a_t_test_at_the_level_that_is_spent() -> None:
    counts, effects = smallest_effects()
    for k in (0, 5, 20):
        count = int(counts[k])
        edge = float(t_quantile(np.array(count), CONFIDENCE))
        assert nct.sf(edge, count - 1, effects[k] * np.sqrt(count)) == pytest.approx(POWER, abs=1e-6)
    assert (np.diff(effects) < 0).all()


def test_the_spread_is_taken_at_its_upper_limit() -> None:
    limit = np.sqrt(4 / chi2.ppf(1 - SPREAD_LIMIT, 4))
    counts, effects = smallest_effects()
    needed = seeds_needed(1.0, 1.0, 5)
    assert needed == counts[np.flatnonzero(effects <= 1 / limit)[0]]
    assert seeds_needed(2.0, 2.0, 5) == needed
    assert seeds_needed(1.0, 1.0, 40) < needed  # 40 seeds know their spread


def test_it_is_more_than_there_are_and_nothing_is_promised_by_too_few() -> None:
    assert seeds_needed(1e9, 1.0, 5) == 6
    assert seeds_needed(1e-9, 1.0, 5) == np.inf
    assert seeds_needed(1.0, 1.0, 2) == seeds_needed(1.0, 0.0, 5) == np.inf


@pytest.mark.parametrize("effect", [0.8, 1.5])
def test_that_many_seeds_resolve_the_difference_as_often_as_promised(effect: float) -> None:
    rng, resolved = np.random.default_rng(0), []
    for pilot in rng.normal(size=(1000, 5)):
        count = int(seeds_needed(effect, float(pilot.std(ddof=1)), 5))
        low, _ = seed_interval(effect + np.append(pilot, rng.normal(size=count - 5)))
        resolved.append(low > 0)
    assert np.mean(resolved) >= POWER
