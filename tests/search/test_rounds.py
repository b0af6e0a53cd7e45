"""A search asks for the same trials whatever was told first, by whom, and of which other trials."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnsweep.search import Adaptive, Budget, Edges, End, OptunaRounds, Outcome, Qmc, Random, Search, Space, ask
from bnsweep.spec.ranges import Range
from tests.search.worlds import key_of, plateau, walk

MODES = {"norm": ["none", "batch"], "init_gain": [0.5, 2.0]}
RATES = np.geomspace(1e-3, 10, 21).tolist()
LISTED = Space(MODES | {"lr": RATES}, {}, range(4))
RANGES = Space({"norm": ["none", "batch"]}, {"lr": Range(1e-3, 10, log=True), "momentum": Range(0, 0.9)}, range(2))
SEARCHES: dict[str, Search] = {
    "edges": Edges(Space(MODES, {}, range(3)), RATES, num_first=6),
    "edges by divergence": Edges(Space(MODES, {}, range(3)), RATES, num_first=6, bar="divergence"),
    "qmc": Qmc(RANGES, 3),
    "random": Random(RANGES, 5),
    "tpe": OptunaRounds(RANGES, "tpe", points=12, per_round=4),
    "gp": OptunaRounds(Space({"norm": ["none"]}, RANGES.searched, [0]), "gp", points=4, per_round=2),
    "adaptive": Adaptive(LISTED, lambda history: ["none"] if len(history) < 3 else []),
    "budget": Budget(OptunaRounds(RANGES, "tpe", points=12, per_round=4), 30),
}
WORLD = plateau(-2, -0.5, drift=0.1)
cheap = pytest.mark.parametrize("name", [name for name in SEARCHES if name not in ("tpe", "gp", "budget")])
every = pytest.mark.parametrize("name", SEARCHES)


@every
def test_it_ends_and_is_over_when_it_is_asked_again(name: str) -> None:
    history, reason, _ = walk(SEARCHES[name], WORLD)
    told = {key_of(setting): outcome for one_round in history for setting, outcome in one_round}
    assert ask(SEARCHES[name], told, key_of).step == End(reason)


@cheap
@settings(max_examples=25, deadline=None)
@given(order=st.integers(0, 2**32))
def test_what_was_told_first_changes_nothing(name: str, order: int) -> None:
    shuffled_walk_is_the_same(SEARCHES[name], random.Random(order))


@pytest.mark.parametrize("name", ["tpe", "gp", "budget"])
def test_what_optuna_is_told_first_changes_nothing(name: str) -> None:
    shuffled_walk_is_the_same(SEARCHES[name], random.Random(3))


def shuffled_walk_is_the_same(search: Search, rng: random.Random) -> None:
    """Tell one outcome at a time, in any order, and after each start anew from what is stored."""
    whole, _, _ = walk(search, WORLD)
    told, asked = dict[str, Outcome](), set[str]()
    while not isinstance(step := ask(search, told, key_of).step, End):
        one_round = [setting for setting, _ in whole[step.number]]
        assert list(step.settings) == one_round
        missing = list(step.missing)
        rng.shuffle(missing)
        some = missing[: rng.randint(1, len(missing))]
        told = {key_of(setting): WORLD(setting) for setting in some} | told
        asked |= {key_of(setting) for setting in some}
    assert asked == {key_of(setting) for one_round in whole for setting, _ in one_round}


@every
def test_other_trials_in_the_directory_change_nothing(name: str) -> None:
    search, other = SEARCHES[name], {"norm": "none", "init_gain": 2.0, "lr": 0.0123, "seed": 1}
    whole, _, _ = walk(search, WORLD)
    told = {key_of({**other, "seed": seed}): Outcome(1.0) for seed in range(9)}
    assert walk(search, WORLD, told)[0] == whole


@every
def test_a_search_that_goes_on_runs_only_what_lacks(name: str) -> None:
    search = SEARCHES[name]
    history, _, lacked = walk(search, WORLD)
    stored = {key_of(setting): outcome for one_round in history[:1] for setting, outcome in one_round}
    assert walk(search, WORLD, stored)[2] == lacked[1:]


def test_a_round_with_one_trial_missing_stays_open() -> None:
    search = SEARCHES["qmc"]
    first = ask(search, {}, key_of).step
    assert not isinstance(first, End)
    told = {key_of(setting): WORLD(setting) for setting in first.settings[1:]}
    step = ask(search, told, key_of).step
    assert not isinstance(step, End)
    assert (step.number, list(step.missing)) == (0, [first.settings[0]])


def test_a_trial_that_is_asked_for_twice_runs_once() -> None:
    twice = {"lr": 0.1, "seed": 0}

    def search(history: object) -> list[dict[str, float]] | End:
        return End("done") if history else [twice, twice]

    step = ask(search, {}, key_of).step
    assert not isinstance(step, End)
    assert list(step.missing) == [twice]


def test_a_search_that_asks_for_nothing_and_does_not_end_is_refused() -> None:
    with pytest.raises(ValueError, match="asks for no trial"):
        ask(lambda _: [], {}, key_of)


def test_a_diverged_trial_is_the_worst_whatever_its_score() -> None:
    assert Outcome(float("nan"), diverged=True).worth == 0.0
    assert Outcome(0.3).worth == 0.3


def test_a_budget_cuts_the_round_that_exceeds_it() -> None:
    history, reason, _ = walk(Budget(Random(RANGES, 5), 7), WORLD)
    assert [len(one_round) for one_round in history] == [7]
    assert reason == "the budget of 7 trials is spent"
