"""The rows of tables: what tells them apart, and how they become a table; and the tables of users' own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pyarrow as pa
import pyarrow.parquet as pq

from bnsweep.results.columns import AXIS_COLUMNS, KEY, STEP, table
from bnsweep.results.schema import Row

ROW_KEYS: dict[str, tuple[str, ...]] = {
    "trials": ("trial_key",),
    "curves": ("trial_key", "step"),
    "landscape": ("trial_key", "step", "given_as", "lr_multiple", "alpha"),
    "ics": ("trial_key", "step", "layer"),
    "moments": ("trial_key", "step", "layer"),
    "layers": ("trial_key", "step", "layer"),
    "curvature": ("trial_key", "step"),
    "flatness": ("trial_key", "step"),
    "failures": ("trial_key", "attempt"),
}
"""By table, the columns that tell its rows apart.

In `landscape` one length may be asked for both as a multiple of lr and in absolute terms, which are two quantities;
rows written before `given_as` was stored do not say which they are. Users' own tables have no key: equal rows may be
meant there.
"""

CIRCUMSTANCES = (
    *("sweep", "wall_time_s", "probe_time_s", "peak_memory_bytes", "device", "host", "attempt", "started_at"),
    *("git_sha", "versions"),
)
"""The columns of `trials` about when, where and with which code a trial ran, which its numbers do not depend on."""


def custom_schema(name: str, columns: Mapping[str, pa.DataType]) -> pa.Schema:
    """Return the schema of a table of the user's own: the columns that name the trial and the step, then `columns`."""
    own = (pa.field(column, kind) for column, kind in columns.items())
    return table(name, KEY, *AXIS_COLUMNS, STEP, *own)


def to_table(schema: pa.Schema, rows: Iterable[Row]) -> pa.Table:
    """Return `rows` as a table; a column that a row lacks is null, a key that is no column an error."""
    rows = list(rows)
    for row in rows:
        if unknown := row.keys() - set(schema.names):
            raise KeyError(f"table {schema.metadata[b'table'].decode()} has no column {sorted(unknown)}")
    columns = [pa.array([row.get(field.name) for row in rows], field.type) for field in schema]
    return pa.table(columns, schema=schema)


def is_storable(kind: pa.DataType) -> bool:
    """Return whether a column of a user's own table may be of this type: Parquet holds it, and a merge sorts it."""
    try:
        rows = pa.table({"column": pa.array([None], kind)})
        sink = pa.BufferOutputStream()
        pq.write_table(rows, sink)
        pq.ParquetFile(pa.BufferReader(sink.getvalue())).read().combine_chunks().take([0])
    except pa.ArrowException:
        return False
    return True
