"""Sweeps whose trials a search drew from ranges.

Such trials are at no grid, so that what is measured on one, a curve over the learning rate for example, they have not.
"""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from bnsweep.errors import InputError
from bnsweep.results.drawn_search import DrawnSearch

INSTEAD = "analysis.share_table tells of qmc and random, analysis.tuning_table of all that draw"


def drawn_values(trials: pd.DataFrame, search: DrawnSearch) -> pd.DataFrame:
    """Return where each trial is: a column for each range, by the name of its axis."""
    return pd.DataFrame([search.values(spec) for spec in trials["spec"]], trials.index, list(search.ranges))


def require_grid(search: DrawnSearch | None) -> None:
    """Raise InputError where trials are at no grid."""
    if search:
        raise InputError(
            f"search {search.name} drew the trials from ranges ({', '.join(search.ranges)}), which is no grid to "
            f"measure on; {INSTEAD}"
        )


def require_drawn(search: DrawnSearch | None, names: Collection[str]) -> DrawnSearch:
    """Return the search.

    Raises:
        InputError: it is none of these.
    """
    if search is None or search.name not in names:
        given = f"search: {search.name}" if search else "a sweep whose axes are all lists"
        raise InputError(f"given {given}; this is of searches that draw from ranges: {', '.join(names)}")
    return search
