"""Whether seeds that go where verdicts are open give the verdicts of as many seeds everywhere, at what share of them.

Of 13 modes, 12 are compared with the one without normalization, by the mean accuracy of each seed: whether it is above
or below. Seeds are drawn from the normal distribution with the means and covariances of the study in
`docs/studies/data/robustness_cpu`, or of modes without any difference. A verdict is that of the report's interval.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis import load
from analysis.loading.order import BASELINE
from analysis.measures.comparison import of_mode
from analysis.measures.grid import make_grid
from analysis.measures.pooling import pool_all
from analysis.statistics.intervals import CONFIDENCE, seed_interval
from analysis.statistics.nan_aware import Floats
from analysis.statistics.spending import MIN_SEEDS
from benchmarks.verdicts.tally import share
from bnsweep.search import Adaptive, History, Outcome, Space, ask
from bnsweep.search.rounds import Setting, num_asked

STUDY = "docs/studies/data/robustness_cpu"
MEASURE = "mean_accuracy"
MAX_SEEDS = 20
HEAD = (
    "world | trials of as many seeds everywhere | same verdicts | resolved | resolved by seeds everywhere | "
    "false | false by seeds everywhere"
)


@dataclass(frozen=True, eq=False)
class Modes:
    """What modes give with each seed: normal, with these means and covariances.

    Args:
        norms: their names, the baseline first.
        mean: shape N.
        factor: a matrix F of shape (N, K); what seeds give is mean + F times K standard normal numbers.
        grid_sd: what the tested rates leave open of each difference from the baseline, shape N - 1.
    """

    norms: list[str]
    mean: Floats
    factor: Floats
    grid_sd: Floats

    @classmethod
    def of_study(cls) -> Modes:
        """Return what the study found."""
        grid = make_grid(load(STUDY).trials)
        norms = [BASELINE, *(norm for norm in grid.norms if norm != BASELINE)]
        found = [of_mode(grid, norm, pool_all(grid), names=[MEASURE])[MEASURE][1] for norm in norms]
        by_seed = np.array([one.smooth for one in found])
        mean = by_seed.mean(axis=1)
        factor = (by_seed - mean[:, None]) / np.sqrt(by_seed.shape[1] - 1)
        of_grid = np.array([one.of_grid for one in found])
        return cls(norms, mean, factor, np.hypot(of_grid[0], of_grid[1:]))

    def without_differences(self) -> Modes:
        """Return as many modes that are all like the baseline, with seeds of their own."""
        sd = np.linalg.norm(self.factor[0])
        return Modes(self.norms, np.full_like(self.mean, self.mean[0]), sd * np.eye(len(self.mean)), self.grid_sd)

    def on_a_fine_grid(self) -> Modes:
        """Return the same where the tested rates leave nothing open."""
        return Modes(self.norms, self.mean, self.factor, np.zeros_like(self.grid_sd))

    @property
    def truth(self) -> Floats:
        """The differences from the baseline, shape N - 1."""
        return np.asarray(np.round(self.mean[1:] - self.mean[0], 12))

    def draw(self, rng: np.random.Generator, num_seeds: int) -> Floats:
        """Return the differences from the baseline by seed, shape (N - 1, S)."""
        values = self.mean[:, None] + self.factor @ rng.normal(size=(self.factor.shape[1], num_seeds))
        return np.asarray(values[1:] - values[0])

    def verdicts(self, differences: Floats, num_seeds: int) -> NDArray[np.int64]:
        """Return 1 or -1 for what the first seeds resolve to be above or below the baseline, else 0, shape N - 1."""
        if num_seeds < MIN_SEEDS:
            return np.zeros(len(differences), dtype=np.int64)
        first = differences[:, :num_seeds]
        low, high = seed_interval(first, grid_sd=self.grid_sd, least=-1.0, most=1.0, confidence=CONFIDENCE)
        return np.asarray((low > 0).astype(np.int64) - (high < 0))


@dataclass(frozen=True, eq=False)
class Judge:
    """Says which modes have an open verdict; each is judged by the seeds that it has."""

    modes: Modes
    differences: Floats

    def __call__(self, history: History) -> list[str]:
        """Return these modes, and the baseline if there are any."""
        is_open = self.verdicts(history) == 0
        still = [norm for norm, one in zip(self.modes.norms[1:], is_open, strict=True) if one]
        return [self.modes.norms[0], *still] if still else []

    def verdicts(self, history: History) -> NDArray[np.int64]:
        """Return the verdict on each mode."""
        counts = dict.fromkeys(self.modes.norms, 0)
        for one_round in history:
            for setting, _ in one_round:
                counts[setting["norm"]] += 1
        found = {count: self.modes.verdicts(self.differences, count) for count in {*counts.values()}}
        return np.array([found[counts[norm]][k] for k, norm in enumerate(self.modes.norms[1:])])


class Everything(dict[tuple[str, int], Outcome]):
    """Outcomes of all trials: here the judge knows what they are."""

    def __contains__(self, key: object) -> bool:
        return True

    def __missing__(self, key: object) -> Outcome:
        return Outcome(1.0)


def adaptive_lines(repeats: int, seed: int, only: str = "") -> Iterator[str]:
    """Yield the table."""
    yield HEAD
    study = Modes.of_study()
    worlds = {
        "the study": study,
        "the study, fine grid": study.on_a_fine_grid(),
        "no differences": study.without_differences(),
        "no differences, fine grid": study.without_differences().on_a_fine_grid(),
    }
    for name, modes in ((name, modes) for name, modes in worlds.items() if only in name):
        yield " | ".join([name, *replays(modes, repeats, np.random.default_rng(seed))])


def replays(modes: Modes, repeats: int, rng: np.random.Generator) -> list[str]:
    """Return what became of so many searches and sweeps of the same seeds."""
    trials, ours, everywhere = list[float](), list[NDArray[np.int64]](), list[NDArray[np.int64]]()
    for _ in range(repeats):
        judge = Judge(modes, modes.draw(rng, MAX_SEEDS))
        search = Adaptive(Space({"norm": modes.norms}, {}, range(MAX_SEEDS)), judge)
        history = ask(search, Everything(), _key).history
        trials.append(num_asked(history) / (MAX_SEEDS * len(modes.norms)))
        ours.append(judge.verdicts(history))
        everywhere.append(modes.verdicts(judge.differences, MAX_SEEDS))
    return [
        f"{100 * np.mean(trials):.1f} %",
        _share(np.array(ours) == np.array(everywhere)),
        *(_share(np.array(found) != 0) for found in (ours, everywhere)),
        *(_share((np.array(found) != 0) & (np.array(found) != np.sign(modes.truth))) for found in (ours, everywhere)),
    ]


def _key(setting: Setting) -> tuple[str, int]:
    return setting["norm"], setting["seed"]


def _share(is_so: NDArray[np.bool_]) -> str:
    return share(int(is_so.sum()), is_so.size)
