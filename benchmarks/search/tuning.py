"""How many trials `tpe` takes to find the best configuration of a mode, beside random points.

A search is over log lr and log gain, or all four of a hill; a point of a stored grid gives what the nearest trial gave.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from analysis.statistics.nan_aware import Floats
from benchmarks.search.worlds import Stored
from bnsweep.search import OptunaRounds, Outcome, Random, Search, Setting, Space, ask
from bnsweep.spec.ranges import Range

POINTS, PER_ROUND = 32, 4
LOOKS = (8, 16, 32)
NEAR = 0.99
"""A search has found the best when it is at this fraction of it."""
GAINS = (0.25, 4.0)
RATES = (1e-3, 10.0)
HEAD = (
    "world | sampler | "
    + " | ".join(f"best of {look}, of the whole's" for look in LOOKS)
    + f" | found by trial {POINTS} | median trial"
)


@dataclass(frozen=True)
class Problem:
    """What is to be tuned; each replay is a seed of its own.

    Args:
        name: of the world.
        searched: the ranges.
        gives: what a setting gives, as a fraction of the best that there is.
    """

    name: str
    searched: dict[str, Range]
    gives: Callable[[Setting], float]


def tuning_lines(repeats: int, seed: int, stored: Stored | None, only: str = "") -> Iterator[str]:
    """Yield the table."""
    yield HEAD
    problems = [*(_of_grid(stored) if stored else ()), _hill(2), _hill(4)]
    for problem in (one for one in problems if only in one.name):
        space = Space({}, problem.searched, range(repeats))
        searches: dict[str, Search] = {
            "random": Random(space, POINTS, seed),
            "tpe": OptunaRounds(space, "tpe", POINTS, PER_ROUND, seed),
        }
        for name, search in searches.items():
            yield " | ".join([problem.name, name, *_columns(_best_so_far(search, problem.gives, repeats))])


def _best_so_far(search: Search, gives: Callable[[Setting], float], repeats: int) -> Floats:
    """Return the best after each trial of each search, shape (repeats, POINTS)."""
    by_seed: list[list[float]] = [[] for _ in range(repeats)]
    for one_round in ask(search, _World(gives), _key).history:
        for setting, outcome in one_round:
            by_seed[setting["seed"]].append(outcome.worth)
    return np.asarray(np.maximum.accumulate(np.array(by_seed), axis=1))


def _columns(best: Floats) -> list[str]:
    found = best >= NEAR
    first = np.where(found.any(axis=1), found.argmax(axis=1) + 1, np.inf)
    error = best.std(axis=0) / np.sqrt(len(best))
    means = [f"{best[:, look - 1].mean():.3f} ± {error[look - 1]:.3f}" for look in LOOKS]
    share, middle = found[:, -1].mean(), np.median(first)
    share_error = np.sqrt(share * (1 - share) / len(best))
    return [*means, f"{share:.3f} ± {share_error:.3f}", f"{middle:.0f}" if np.isfinite(middle) else f"over {POINTS}"]


class _World(dict[tuple[tuple[str, float], ...], Outcome]):
    """Outcomes of all settings, computed when they are looked up."""

    def __init__(self, gives: Callable[[Setting], float]) -> None:
        super().__init__()
        self._gives = gives

    def __contains__(self, key: object) -> bool:
        return True

    def __missing__(self, key: tuple[tuple[str, float], ...]) -> Outcome:
        return Outcome(self._gives(dict(key)))


def _key(setting: Setting) -> tuple[tuple[str, float], ...]:
    return tuple(setting.items())


def _of_grid(stored: Stored) -> Iterator[Problem]:
    """Yield a problem for each mode; replay k is of the k-th stored seed, over and over."""
    log_rates = np.log(stored.rates)
    num_modes, num_gains, num_seeds, _ = stored.worth.shape
    log_gains = np.log(np.geomspace(*GAINS, num_gains))
    ranges = {"lr": Range(*RATES, log=True), "init_gain": Range(*GAINS, log=True)}
    for mode in range(num_modes):
        worth = stored.worth[mode]

        def gives(setting: Setting, worth: Floats = worth) -> float:
            gain = int(np.abs(log_gains - np.log(setting["init_gain"])).argmin())
            rate = int(np.abs(log_rates - np.log(setting["lr"])).argmin())
            of_seed = worth[:, int(setting["seed"]) % num_seeds]
            return float(of_seed[gain, rate] / of_seed.max())

        yield Problem(f"mini net, {stored.norms[mode]}", ranges, gives)


def _hill(dimensions: int) -> Problem:
    """Return a hill in the unit cube, off its middle, beyond whose steep side training diverges."""
    top = np.linspace(0.3, 0.6, dimensions)

    def gives(setting: Setting) -> float:
        x = np.array([setting[f"x{k}"] for k in range(dimensions)])
        return 0.0 if x[0] > 0.45 else float(np.exp(-4 * ((x - top) ** 2).sum()))

    return Problem(f"hill in {dimensions} dimensions", {f"x{k}": Range(0, 1) for k in range(dimensions)}, gives)
