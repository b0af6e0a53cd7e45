"""Seeds where verdicts are open: the search of a sweep with `replicate: adaptive`, over the rows of its trials.

Who judges is handed in: the verdicts are those of the report, and `analysis` lies above this room.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import pyarrow as pa
import pyarrow.compute as pc

from bnsweep.results.schema import AXES
from bnsweep.search import Adaptive, History, Setting, Space
from bnsweep.search.space import SEED
from bnsweep.spec.grid import Grid
from bnsweep.spec.search import SearchSpec

JUDGED = (*AXES, "spec")
"""Columns of `trials` that a judge needs, beside what every search does."""

Judge = Callable[[pa.Table, SearchSpec], Collection[str]]
"""Returns, of rows of `trials`, the modes that open verdicts concern; a pure function, which travels by its name."""


def adaptive(
    search: SearchSpec, grid: Grid, rows: pa.Table, key_of: Callable[[Setting], int], judge: Judge
) -> Adaptive:
    """Return the search, in whose settings a value is called by its place on the axis.

    Args:
        search: as the sweep file has it.
        grid: all trials that it may ask for.
        rows: of `trials`.
        key_of: the key of a trial as a number.
        judge: of these rows.
    """
    axes, keys = grid.product.axes, rows["trial_key"].cast(pa.string())
    norms = [str(norm) for norm in axes["norm"]]

    def open_modes(history: History) -> list[int]:
        told = [f"{key_of(setting):016x}" for one_round in history for setting, _ in one_round]
        found = judge(rows.filter(pc.is_in(keys, value_set=pa.array(told, pa.string()))), search)
        return [norms.index(norm) for norm in found]

    crossed = {name: range(len(values)) for name, values in axes.items() if name != SEED}
    return Adaptive(Space(crossed, {}, range(len(axes[SEED]))), open_modes, norms)
