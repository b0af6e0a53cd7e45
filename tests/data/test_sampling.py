"""Stratified samples: every class has its share, and the larger sample holds the smaller one."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bnsweep.data.sampling import sampled

LABELS = st.lists(st.integers(0, 5), min_size=1, max_size=60).map(np.array)


def sainte_lague(counts: dict[int, int], limit: int) -> dict[int, int]:
    """Return the seats, given one after the other to the class with the largest n / (2 seats + 1)."""
    seats = dict.fromkeys(counts, 0)
    for _ in range(limit):
        quotients = {label: Fraction(n, 2 * seats[label] + 1) for label, n in counts.items() if seats[label] < n}
        seats[max(quotients, key=lambda label: quotients[label])] += 1
    return seats


@given(LABELS, st.integers(1, 60), st.integers(0, 9))
def test_every_class_has_its_share(labels: np.ndarray, limit: int, seed: int) -> None:
    rows = sampled(labels, limit, seed, "train")
    limit = min(limit, len(labels))
    assert len(set(rows.tolist())) == limit
    assert rows.tolist() == sorted(rows.tolist())
    found, counts = Counter(labels[rows].tolist()), Counter(labels.tolist())
    for label, n in counts.items():
        assert abs(found[label] - limit * n / len(labels)) < len(counts) / 2 + 1e-9


@given(LABELS, st.integers(1, 59))
def test_the_shares_are_those_of_sainte_lague(labels: np.ndarray, limit: int) -> None:
    limit = min(limit, len(labels))
    counts, found = Counter(labels.tolist()), Counter(labels[sampled(labels, limit, 0, "train")].tolist())
    expected = sainte_lague(counts, limit)
    worst = max(Fraction(2 * expected[label] - 1, n) for label, n in counts.items() if expected[label])
    assert all(Fraction(2 * found[label] - 1, n) <= worst for label, n in counts.items())


@given(LABELS, st.integers(1, 59))
def test_a_larger_sample_holds_the_smaller_one(labels: np.ndarray, limit: int) -> None:
    smaller, larger = (set(sampled(labels, count, 3, "test").tolist()) for count in (limit, limit + 1))
    assert smaller <= larger


def test_the_seed_and_the_part_choose_which() -> None:
    labels = np.arange(200) % 2
    samples = [tuple(sampled(labels, 20, seed, part)) for seed in (0, 1) for part in ("train", "test")]
    assert len(set(samples)) == 4
    assert samples[0] == tuple(sampled(labels, 20, 0, "train"))


def test_without_a_limit_all_rows_stay_in_their_order() -> None:
    assert sampled(np.array([2, 0, 1]), None, 0, "train").tolist() == [0, 1, 2]
