"""Searches beyond the grid: which trials to run next, from what the ones before gave, as pure functions.

`rounds.py` says what a search is and how it is asked; each sampler is a frozen dataclass that is one.
"""

from __future__ import annotations

from bnsweep.search.budget import Budget
from bnsweep.search.draws import Qmc, Random
from bnsweep.search.edges import Edges
from bnsweep.search.optuna_rounds import OptunaRounds
from bnsweep.search.replicate import Adaptive
from bnsweep.search.rounds import Answer, End, History, Outcome, Round, Search, Setting, Told, ask
from bnsweep.search.space import Space

__all__ = [
    "Adaptive",
    "Answer",
    "Budget",
    "Edges",
    "End",
    "History",
    "OptunaRounds",
    "Outcome",
    "Qmc",
    "Random",
    "Round",
    "Search",
    "Setting",
    "Space",
    "Told",
    "ask",
]
