"""Sweeps of which a pruner stopped trials: what these would have come to is not known.

They are censored, and not at random: those that were worst. So nothing is measured on the grid that is left.
"""

from __future__ import annotations

import pandas as pd

from bnsweep.errors import InputError

PRUNED = "pruned"


def is_pruned(trials: pd.DataFrame) -> pd.Series[bool]:
    """Return which trials a pruner stopped."""
    return trials["status"] == PRUNED


def require_unpruned(trials: pd.DataFrame) -> None:
    """Raise InputError where a pruner stopped any of these trials."""
    count = int(is_pruned(trials).sum())
    if count:
        raise InputError(
            f"a pruner stopped {count} of {len(trials)} trials, and what they would have come to is not known: neither "
            f"is which learning rates train. analysis.best_configurations and analysis.pruning_table tell of such a "
            f"sweep; run without `pruner` it trains them to the end"
        )
