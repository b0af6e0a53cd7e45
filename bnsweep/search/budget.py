"""A budget: a search that ends after so many trials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bnsweep.search.rounds import End, History, Search, Setting, num_asked


@dataclass(frozen=True)
class Budget:
    """A search with a bound on its trials.

    The round that would exceed it is cut off: its first trials run, and then the search ends.

    Args:
        search: what is bounded.
        trials: it asks for at most.
    """

    search: Search
    trials: int

    def __call__(self, history: History) -> Sequence[Setting] | End:
        """Return what the search asks for, as far as the budget goes."""
        left = self.trials - num_asked(history)
        if left <= 0:
            return End(f"the budget of {self.trials} trials is spent")
        settings = self.search(history)
        return settings if isinstance(settings, End) else settings[:left]
