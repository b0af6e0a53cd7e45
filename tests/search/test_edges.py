"""Bisection finds the edges that a whole grid of the same rates has."""

from __future__ import annotations

from math import log10

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnsweep.search import Edges, History, Outcome, Setting, Space
from bnsweep.search.bisection import coarse, middles, trains
from bnsweep.search.rounds import num_asked
from tests.search.worlds import World, plateau, walk

FINE = np.geomspace(1e-3, 10, 1025).tolist()


def search(seeds: int = 1, num_first: int = 9, rates: list[float] = FINE, norms: tuple[str, ...] = ("none",)) -> Edges:
    return Edges(Space({"norm": norms}, {}, range(seeds)), rates, num_first)


def by_rate(history: History, norm: str) -> dict[float, list[Outcome]]:
    found: dict[float, list[Outcome]] = {}
    for one_round in history:
        for setting, outcome in one_round:
            if setting["norm"] == norm:
                found.setdefault(setting["lr"], []).append(outcome)
    return dict(sorted(found.items()))


@settings(max_examples=50, deadline=None)
@given(ends=st.tuples(st.floats(-3, 1), st.floats(-3, 1)).map(sorted).filter(lambda ends: ends[1] - ends[0] > 0.5))
def test_both_edges_are_found_to_the_spacing_of_the_rates(ends: list[float]) -> None:
    low, high = ends
    history, _, _ = walk(search(), plateau(low, high))
    rates = list(by_rate(history, "none"))
    on_grid = [rate for rate in FINE if low <= log10(rate) <= high]
    for rate in (on_grid[0], on_grid[-1]):
        place = FINE.index(rate)
        assert {*FINE[max(place - 1, 0) : place + 2]} & {*rates} >= {rate}
    beyond = [FINE[place] for place in (FINE.index(on_grid[0]) - 1, FINE.index(on_grid[-1]) + 1) if 0 <= place < 1025]
    assert {*beyond} <= {*rates}
    assert len(rates) <= 9 + 2 * 7


def test_one_round_halves_every_open_gap() -> None:
    history, reason, _ = walk(search(), plateau(-2, -0.3))
    assert [len(one_round) for one_round in history] == [9, *[2] * 7]
    assert reason == "every edge is found to the spacing of the rates"


def test_two_islands_have_four_edges() -> None:
    def give(setting: Setting) -> Outcome:
        x = log10(setting["lr"])
        return Outcome(0.9 if -2.6 < x < -1.9 or -0.7 < x < 0.3 else 0.1)

    history, _, _ = walk(search(), give)
    does_train = np.array([outcomes[0].score > 0.5 for outcomes in by_rate(history, "none").values()])
    crossings = np.flatnonzero(does_train[1:] != does_train[:-1])
    assert len(crossings) == 4
    places = np.array([FINE.index(rate) for rate in by_rate(history, "none")])
    assert (places[crossings + 1] - places[crossings] == 1).all()


@pytest.mark.parametrize("world", [plateau(-9, 9), plateau(5, 9)], ids=["everywhere", "nowhere"])
def test_where_nothing_changes_only_coarse_rates_run(world: World) -> None:
    assert num_asked(walk(search(), world)[0]) == 9


def test_all_seeds_have_the_same_rates_and_the_middle_one_decides() -> None:
    history, _, _ = walk(search(seeds=5), plateau(-9, -1.0, drift=0.1))
    assert {len(outcomes) for outcomes in by_rate(history, "none").values()} == {5}
    rates = np.array(list(by_rate(history, "none")))
    trained = [sum(not outcome.diverged for outcome in outcomes) for outcomes in by_rate(history, "none").values()]
    last = np.flatnonzero(np.array(trained) >= 3)[-1]
    assert np.log10(rates[last]) <= -0.8 < np.log10(rates[last + 1])
    assert FINE.index(rates[last + 1]) == FINE.index(rates[last]) + 1


def test_no_mode_moves_the_rates_of_another() -> None:
    def beside(other: float) -> World:
        one, two = plateau(-2, -0.3), plateau(-2, -0.3 + other, score=0.5 + other / 10)
        return lambda setting: (one if setting["norm"] == "none" else two)(setting)

    asked = [by_rate(walk(search(norms=("none", "batch")), beside(other))[0], "none") for other in (0.0, 1.0)]
    assert asked[0] == asked[1]


def test_a_mode_is_judged_by_its_own_best() -> None:
    history, _, _ = walk(search(), plateau(-2, -0.3, score=0.3))
    assert num_asked(history) == 9 + 2 * 7


def test_what_is_hardly_above_chance_trains_nowhere() -> None:
    history, _, _ = walk(search(), plateau(-2, -0.3, score=0.14))
    assert num_asked(history) == 9


def test_divergence_as_the_bar_lets_train_what_learns_nothing() -> None:
    edges = Edges(Space({"norm": ["none"]}, {}, [0]), FINE, 9, bar="divergence")
    history, _, _ = walk(edges, plateau(-2, -0.3))
    assert num_asked(history) == 9 + 7
    assert min(rate for rate, (outcome,) in by_rate(history, "none").items() if outcome.diverged) == pytest.approx(
        10**-0.3, 0.01
    )


@given(does_train=st.lists(st.booleans(), min_size=2, max_size=40), num_first=st.integers(2, 40))
def test_bisection_ends_with_neighbours_and_keeps_the_number_of_edges(does_train: list[bool], num_first: int) -> None:
    truth = np.array(does_train)
    at = coarse(len(truth), num_first)
    edges = (truth[at][1:] != truth[at][:-1]).sum()
    while len(new := middles(at, truth[at])):
        assert not {*new} & {*at}
        at = np.sort(np.concatenate([at, new]))
    crossed = truth[at][1:] != truth[at][:-1]
    assert crossed.sum() == edges
    assert (np.diff(at)[crossed] == 1).all()


def test_half_of_the_seeds_are_enough() -> None:
    worth = np.array([[0.9, 0.9, 0.1], [0.9, 0.1, 0.1]])
    assert trains(worth, np.array([0.5, 0.5])).tolist() == [True, True, False]


def test_ends_of_the_interval_are_found_too_where_they_are_asked_for() -> None:
    world = plateau(-9, -1.0, drift=0.1)
    edges = Edges(Space({"norm": ["none"]}, {}, range(6)), FINE, 9, levels=(1.0, 0.5, 1 / 6))
    rates = np.array(list(by_rate(walk(edges, world)[0], "none")))
    for high in (-1.0, -0.7, -0.5):  # six, three and one of the seeds train up to here
        below, above = rates[np.log10(rates) <= high].max(), rates[np.log10(rates) > high].min()
        assert FINE.index(above) == FINE.index(below) + 1
