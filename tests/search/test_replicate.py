"""Seeds go where verdicts are open."""

from __future__ import annotations

from bnsweep.search import Adaptive, History, Outcome, Space
from tests.search.worlds import walk

SPACE = Space({"norm": ["none", "batch", "layer"], "lr": [0.1, 1.0]}, {}, [7, 3, 5, 9])


def until(seeds: dict[str, int]) -> Adaptive:
    return Adaptive(SPACE, lambda history: [norm for norm, count in seeds.items() if len(history) < count])


def seeds_of(history: History) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for one_round in history:
        for setting, _ in one_round:
            if setting["lr"] == 0.1:
                found.setdefault(setting["norm"], []).append(setting["seed"])
    return found


def test_each_mode_runs_until_its_verdicts_are_resolved() -> None:
    history, reason, _ = walk(until({"none": 3, "batch": 3, "layer": 2}), lambda _: Outcome(0.5))
    assert seeds_of(history) == {"none": [7, 3, 5], "batch": [7, 3, 5], "layer": [7, 3]}
    assert sum(map(len, history)) == 2 * 8
    assert reason == "every verdict is resolved"


def test_every_mode_has_one_seed_even_where_nothing_is_asked() -> None:
    history, _, _ = walk(until({}), lambda _: Outcome(0.5))
    assert seeds_of(history) == {"none": [7], "batch": [7], "layer": [7]}


def test_what_stays_open_is_named_when_seeds_run_out() -> None:
    history, reason, _ = walk(until({"none": 9, "layer": 9}), lambda _: Outcome(0.5))
    assert len(history) == 4
    assert reason == "no seeds are left; still open: layer, none"
