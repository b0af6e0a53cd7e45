"""`load`: the results of a run as pandas frames."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from bnsweep.api.arguments import place_text
from bnsweep.api.own_analysis import import_own_analysis

if TYPE_CHECKING:
    from analysis import Results


def load(
    directory: str | os.PathLike[str],
    *,
    norms: Iterable[str] | None = None,
    columns: Mapping[str, Sequence[str]] | None = None,
    steps: tuple[int, int] | None = None,
) -> Results:
    """Return the tables of a results directory, filtered as they are read: `analysis.load`, which says more.

    >>> import bnsweep
    >>> results = bnsweep.load("results/mini", norms=["none", "batch"], columns={"trials": ["test_acc"]})
    >>> len(results.trials)
    120

    Raises:
        InputError: there are no such results, or not what is asked of them.
    """
    place = place_text("directory", directory)
    import_own_analysis()
    from analysis import load as load_results

    return load_results(place, norms=norms, columns=columns, steps=steps)
