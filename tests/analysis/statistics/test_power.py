import numpy as np
import pytest

from analysis.statistics.intervals import seed_interval
from analysis.statistics.power import power_curve


def test_seeds_needed_are_those_of_a_paired_t_test() -> None:
    # G*Power 3.1, difference from constant, two-sided, alpha 0.05, power 0.8: effect sizes 0.5 and 1.
    power = power_curve()
    assert power.seeds_needed(np.array([0.5, -1.0]), np.array([1.0, 1.0])) == pytest.approx([34, 10])
    few, many = (curve.seeds_needed(np.array(0.5), np.array(1.0)) for curve in (power, power_curve(0.99)))
    assert many > few
    assert power.seeds_needed(np.array([9.0, 1e-9]), np.array([1.0, 1.0])).tolist() == [3, np.inf]
    assert np.isnan(power.seeds_needed(np.array([0.0, 1.0, np.nan]), np.array([1.0, 0.0, 1.0]))).all()


def test_that_many_seeds_do_resolve_the_difference() -> None:
    count = int(power_curve().seeds_needed(np.array(0.8), np.array(1.0)))
    low, _ = seed_interval(np.random.default_rng(0).normal(0.8, 1.0, size=(20_000, count)))
    assert (low > 0).mean() == pytest.approx(0.8, abs=0.03)
