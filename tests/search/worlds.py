"""Known truths to search: what a trial gives, as a function of its setting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import log10

from bnsweep.search import End, History, Outcome, Search, Setting, ask

World = Callable[[Setting], Outcome]


def key_of(setting: Setting) -> str:
    """Return a name of a setting, whatever the order of its axes."""
    return repr(sorted(setting.items()))


def plateau(low: float, high: float, score: float = 0.9, drift: float = 0.0) -> World:
    """Return a world in which a rate trains from `low` to `high`, in log10; each seed moves both by `drift`."""

    def give(setting: Setting) -> Outcome:
        x, moved = log10(setting["lr"]), drift * setting["seed"]
        if x > high + moved:
            return Outcome(0.0, diverged=True)
        return Outcome(score if x >= low + moved else 0.1, chance=0.1)

    return give


def walk(search: Search, world: World, told: Mapping[str, Outcome] | None = None) -> tuple[History, str, list[int]]:
    """Run a search to its end; return its rounds, why it ended, and how many trials each round lacked."""
    known, lacked = dict(told or {}), list[int]()
    history: History = ()
    while not isinstance((answer := ask(search, known, key_of, history)).step, End):
        history = answer.history
        lacked.append(len(answer.step.missing))
        known |= {key_of(setting): world(setting) for setting in answer.step.missing}
    return answer.history, answer.step.reason, lacked
