"""The search of a sweep whose axes are ranges in part, and the trials that are at the points that it draws."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from bnsweep.search import OptunaRounds, Qmc, Random, Search, Setting, Space
from bnsweep.search.optuna_rounds import Record
from bnsweep.spec.drawn import SEED, Drawn
from bnsweep.spec.listed import Listed
from bnsweep.spec.search import SearchSpec
from bnsweep.spec.trial import TrialSpec


def drawing_search(search: SearchSpec, drawn: Drawn, record: Record) -> Search:
    """Return a search in whose settings a listed value, but for a seed, is called by its place on the axis.

    `record` is what its sampler answered before, where it learns; answers are added.
    """
    crossed = {name: range(len(values)) for name, values in drawn.listed.items() if name != SEED}
    space = Space(crossed, drawn.ranges, drawn.listed.get(SEED, [drawn.fixed.get(SEED, 0)]))
    match search.name:
        case "qmc":
            return Qmc(space, search.points.bit_length() - 1, search.draw)
        case "random":
            return Random(space, search.points, search.draw)
        case "tpe" | "gp":
            return OptunaRounds(space, search.name, search.points, search.per_round, search.draw, record)
        case "grid" | "edges":
            raise ValueError(f"{search.name} draws nothing")
    assert_never(search.name)


class Draws:
    """The trials at the points that are drawn."""

    def __init__(self, drawn: Drawn) -> None:
        self._drawn = drawn
        self._made = dict[tuple[object, ...], TrialSpec]()

    def key(self, setting: Setting) -> int:
        """Return the key of a trial as a number."""
        return int(self._trial(setting).trial_key, 16)

    def trials(self, settings: Iterable[Setting]) -> Listed:
        """Return the trials with these settings, each once."""
        return Listed.each_once(self._drawn.listed, self._drawn.ranges, map(self._trial, settings))

    def _trial(self, setting: Setting) -> TrialSpec:
        known = tuple(setting.values())
        if known not in self._made:
            listed = {name: values[setting[name]] for name, values in self._drawn.listed.items() if name != SEED}
            self._made[known] = self._drawn.trial({**setting, **listed})
        return self._made[known]
