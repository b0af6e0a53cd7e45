"""Which verdicts are open, by the report's own intervals: what decides where a sweep with adaptive seeds gets more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bnsweep.api.own_analysis import import_own_analysis
from bnsweep.spec.search import SearchSpec

if TYPE_CHECKING:
    import pyarrow as pa


def open_modes(rows: pa.Table, search: SearchSpec) -> list[str]:
    """Return the modes that open verdicts concern, of rows of `trials`: a `bnsweep.running.replicating.Judge`."""
    import_own_analysis()
    from analysis.tables.open_verdicts import open_modes as found

    return found(rows.to_pandas(), search.baseline, search.verdicts)
