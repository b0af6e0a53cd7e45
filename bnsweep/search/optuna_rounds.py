"""The best configuration of each mode, by Optuna's samplers: `tpe` and `gp`, asked and told a round at a time.

Each cell has a search of its own for each seed: its tuning cost is known with an interval over seeds, and no mode's
search looks at another's. A round asks each search for a few points at once, which Optuna keeps apart (TPE by taking
those under way as bad, the Gaussian process by its expected improvement over them).

Nothing of a sampler outlives a round: each has a fresh study, with the trials of the rounds before in the order in
which they were asked, and a sampler whose seed is of the search, the seed and the round. So a round follows from the
ones before. TPE's points are arithmetic that every machine does alike but for the last digits, which rounding to six
takes away; a Gaussian process is fitted by linear algebra whose last digits may decide, and takes a second a point. So
what was answered can be kept in a record, by what was asked: whoever walks the rounds again with it walks the same way
at once, whatever machine that is on; without it, `gp` may walk another where versions or machines differ.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections import defaultdict
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from bnsweep.search.rounds import End, History, Setting, Told
from bnsweep.search.space import SEED, Space, stream

if TYPE_CHECKING:
    from optuna.distributions import FloatDistribution
    from optuna.samplers import BaseSampler


Record = MutableMapping[str, list[dict[str, float]]]
"""The points that were answered, by a digest of all that they follow from."""


@dataclass(frozen=True)
class OptunaRounds:
    """Optuna's TPE (Watanabe 2023) or Gaussian process, which maximize the score.

    Args:
        space: looked through.
        sampler: which.
        points: of each search, in all.
        per_round: of each search at once; the first round is drawn at random.
        search_seed: of the samplers.
        record: what was answered before, and is not computed again; answers are added.
    """

    space: Space
    sampler: Literal["tpe", "gp"]
    points: int = 64
    per_round: int = 8
    search_seed: int = 0
    record: Record = field(default_factory=dict, compare=False, repr=False)

    def __call__(self, history: History) -> Sequence[Setting] | End:
        """Return the next points of each search."""
        count = min(self.per_round, self.points - len(history) * self.per_round)
        if count <= 0:
            return End("all points have a result")
        told: defaultdict[tuple[Any, ...], list[Told]] = defaultdict(list)
        for one_round in history:
            for one in one_round:
                told[tuple(one.setting[name] for name in (SEED, *self.space.crossed))].append(one)
        settings = list[Setting]()
        for seed in self.space.seeds:
            sampler_seed = int(stream(self.search_seed, self.sampler, seed, len(history)).generate_state(1)[0])
            for cell in self.space.cells():
                points = self._recorded(told[seed, *cell.values()], count, sampler_seed)
                settings += [{**cell, **point, SEED: seed} for point in points]
        return settings

    def _recorded(self, told: Sequence[Told], count: int, sampler_seed: int) -> list[dict[str, float]]:
        """Return the next points of one search, as they were answered before where they were."""
        ranges = [[name, span.low, span.high, span.log] for name, span in self.space.searched.items()]
        given = [[*(setting[name] for name in self.space.searched), outcome.worth] for setting, outcome in told]
        asked = json.dumps([self.sampler, self.per_round, ranges, given, count, sampler_seed])
        digest = hashlib.sha256(asked.encode()).hexdigest()
        if digest not in self.record:
            with _quiet():
                self.record[digest] = self._ask(told, count, sampler_seed)
        return self.record[digest]

    def _ask(self, told: Sequence[Told], count: int, sampler_seed: int) -> list[dict[str, float]]:
        """Return the next points of one search."""
        import optuna

        study = optuna.create_study(direction="maximize", sampler=self._made(sampler_seed))
        spaces = self._distributions()
        for setting, outcome in told:
            params = {name: setting[name] for name in spaces}
            study.add_trial(optuna.create_trial(params=params, distributions=dict(spaces), value=outcome.worth))
        asked = [study.ask(dict(spaces)).params for _ in range(count)]
        return [{name: self.space.searched[name].rounded(value) for name, value in point.items()} for point in asked]

    def _made(self, seed: int) -> BaseSampler:
        from optuna import samplers

        if self.sampler == "tpe":
            return samplers.TPESampler(seed=seed, n_startup_trials=self.per_round)
        return samplers.GPSampler(seed=seed, n_startup_trials=self.per_round)

    def _distributions(self) -> dict[str, FloatDistribution]:
        from optuna.distributions import FloatDistribution

        return {
            name: FloatDistribution(span.low, span.high, log=span.log) for name, span in self.space.searched.items()
        }


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Optuna from announcing every study, and tqdm from asking for widgets when it is imported in a notebook."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="IProgress not found")
        from optuna import logging

    before = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)  # it warns that a speed-up lacks
    try:
        yield
    finally:
        logging.set_verbosity(before)
