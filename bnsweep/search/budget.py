"""A budget: a search that ends after so many trials, or hours of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bnsweep.search.rounds import End, History, Search, Setting, num_asked


@dataclass(frozen=True)
class Budget:
    """A search with a bound on its trials, or on the time that they take together.

    The round that would exceed the trials is cut off: its first ones run, and then the search ends. By time it ends
    with a round: what its trials took is a part of their outcomes, so that whoever walks the rounds again ends there.

    Args:
        search: what is bounded.
        trials: it asks for at most.
        hours: after these no round begins.
    """

    search: Search
    trials: int | None = None
    hours: float | None = None

    def __call__(self, history: History) -> Sequence[Setting] | End:
        """Return what the search asks for, as far as the budget goes."""
        left = None if self.trials is None else self.trials - num_asked(history)
        if left is not None and left <= 0:
            return End(f"the budget of {self.trials} trials is spent")
        if self.hours is not None and (spent := hours_of(history)) >= self.hours:
            return End(f"the budget of {self.hours:g} hours is spent: trials took {spent:.4g}")
        settings = self.search(history)
        return settings if isinstance(settings, End) else settings[:left]


def hours_of(history: History) -> float:
    """Return what the trials of the rounds took together."""
    return sum(outcome.seconds for one_round in history for _, outcome in one_round) / 3600
