"""Seeds where verdicts are open: one seed everywhere, then more for the modes of which a question is not resolved yet.

A round is one more seed, the next of the list, for every setting of these modes. Whoever asks for the verdicts judges
the rounds so far, and says which modes they still concern: both of a pair that is compared, so that seeds stay paired.

Looking after every seed, and stopping where one is content, is what makes intervals for one look lie. So the judge must
use intervals that hold however many seeds are added: those of the report do (`analysis.statistics.spending`: a share
1/n of the error at n seeds, spent as by Lan & DeMets 1983), so that search and report say the same. A mode stops for
what its own verdicts say, after whole seeds; within a seed nothing is chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from bnsweep.search.rounds import End, History, Setting
from bnsweep.search.space import SEED, Space

Judge = Callable[[History], Collection[Any]]
"""Returns the modes that open verdicts concern; a pure function."""


@dataclass(frozen=True)
class Adaptive:
    """One seed a round.

    Args:
        space: crossed axes, and the seeds in the order in which they are spent; nothing is searched.
        judge: says of which modes verdicts are open.
        names: of the modes, where the axis has their places.
        mode: the crossed axis whose values are the modes.
    """

    space: Space
    judge: Judge
    names: Sequence[str] = ()
    mode: str = "norm"

    def __call__(self, history: History) -> Sequence[Setting] | End:
        """Return the next seed of every setting of the modes with open verdicts."""
        open_modes = self.judge(history) if history else self.space.crossed[self.mode]
        if not open_modes:
            return End("every verdict is resolved")
        if len(history) == len(self.space.seeds):
            still = [self.names[mode] if self.names else str(mode) for mode in open_modes]
            return End(f"no seeds are left; still open: {', '.join(sorted(still))}")
        seed = self.space.seeds[len(history)]
        return [{**cell, SEED: seed} for cell in self.space.cells() if cell[self.mode] in open_modes]
