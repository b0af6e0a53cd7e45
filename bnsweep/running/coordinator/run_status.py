"""How far a run is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from bnsweep.running.coordinator.news import News
from bnsweep.running.tally import Tally


class RunStatus(NamedTuple):
    """How far a run is.

    Args:
        coordinator: who says so.
        num_trials: what was missing when it began, or when it was added.
        tally: how trials ended since.
        working: how many workers have a pack, by host.
        num_waiting: trials that no worker has.
        num_waiting_whole: those of them that need whole GPUs.
        is_over: nothing is left to do, and all rows are committed.
        num_declared: trials that the run has, those with a result before it began and those added since included.
        news: what it is at.
        is_searching: more trials may follow, as the results of these decide.
        num_at_rung: trials that wait until all others have come as far.
    """

    coordinator: str
    num_trials: int
    tally: Tally
    working: Mapping[str, int]
    num_waiting: int
    num_waiting_whole: int
    is_over: bool
    num_declared: int = 0
    news: News = News()
    is_searching: bool = False
    num_at_rung: int = 0

    @property
    def num_of_use(self) -> int:
        """How many workers that have no whole GPUs have something to do, or may get it before others go.

        What waits at a rung goes on after what needs whole GPUs has come there, to which they leave theirs.
        """
        at_rung = self.num_at_rung if self.num_waiting_whole else 0
        return self.num_waiting - self.num_waiting_whole - at_rung + sum(self.working.values())
