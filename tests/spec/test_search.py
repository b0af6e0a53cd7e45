"""The section `search` of a sweep file."""

from __future__ import annotations

import pytest

from bnsweep.errors import InputError
from bnsweep.spec.search import GRID
from bnsweep.spec.sweep import Sweep
from tests.conftest import TINY

RATES = TINY.replace("[0.1, 1.0e+9]", "[0.001, 0.01, 0.1, 1.0]")


def read(search: str, sweep: str = RATES) -> Sweep:
    return Sweep.from_text(f"{sweep}search: {search}\n")


def test_the_default_is_the_grid() -> None:
    assert Sweep.from_text(RATES).search == read("grid").search == read("{name: grid}").search == GRID


def test_a_search_leaves_the_declared_trials_and_their_keys_as_they_are() -> None:
    assert list(read("edges").trials.trial_keys()) == list(Sweep.from_text(RATES).trials.trial_keys())
    assert read("edges").search == read("{name: edges, first: 9, bar: own, ends: false}").search


@pytest.mark.parametrize(
    ("search", "named"),
    [
        ("egdes", ["search", "given 'egdes'", "edges"]),
        ("{name: edges, frist: 5}", ["search.frist", "unknown key", "first"]),
        ("{name: edges, first: 1}", ["search.first", "given 1", "2"]),
        ("{name: edges, first: 5.5}", ["search.first", "given 5.5"]),
        ("{name: edges, bar: mine}", ["search.bar", "mine", "own", "divergence"]),
        ("{first: 5}", ["search", "first", "name: edges"]),
        ("{name: grid, budget: 5}", ["search", "budget", "name: edges"]),
        ("{name: edges, budget: 0}", ["search.budget", "given 0"]),
        ("[edges]", ["search", "given ['edges']"]),
    ],
)
def test_what_is_wrong_is_said_in_one_message(search: str, named: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        read(search)
    assert all(part in str(caught.value) for part in named), str(caught.value)


def test_edges_need_rates_to_bisect() -> None:
    with pytest.raises(InputError, match=r"axes\.lr.*3 rates"):
        read("edges", TINY)
