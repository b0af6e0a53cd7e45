"""Ranges of hyperparameters, and the values that are drawn from them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnsweep.spec.ranges import Range, rounded

ends = st.floats(1e-6, 1e6).map(rounded)


@given(low=ends, high=ends, share=st.floats(0, 1), log=st.booleans())
def test_a_value_stays_in_its_range_and_is_typed_in_six_digits(
    low: float, high: float, share: float, log: bool
) -> None:
    low, high = sorted((low, high))
    value = Range(low, high, log).at(share)
    assert low <= value <= high
    assert float(f"{value:.6g}") == value


@given(low=ends, high=ends, shares=st.tuples(st.floats(0, 1), st.floats(0, 1)), log=st.booleans())
def test_more_of_the_way_is_no_less(low: float, high: float, shares: tuple[float, float], log: bool) -> None:
    span = Range(*sorted((low, high)), log)
    less, more = sorted(shares)
    assert span.at(less) <= span.at(more)


def test_half_of_the_way_is_the_mean_or_the_geometric_one() -> None:
    assert Range(0.5, 2).at(0.5) == 1.25
    assert Range(0.5, 2, log=True).at(0.5) == pytest.approx(1)


def test_a_value_is_not_rounded_beyond_an_end() -> None:
    span = Range(0.1234562, 0.9999999)
    assert (span.at(0), span.at(1)) == (0.1234562, 0.9999999)
