"""The rows of tables: what tells them apart, and how they become a table; and the tables of users' own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from bnsweep.errors import InputError
from bnsweep.results.columns import AXIS_COLUMNS, KEY, STEP, table
from bnsweep.results.schema import SCHEMAS, Row

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


def drift(table: str, schema: pa.Schema) -> str | None:
    """Return how a file's schema differs from the one that bnsweep has for the table; None where it does not.

    Columns may be missing, since later versions add some. Tables of users' own probes have any columns.
    """
    ours = SCHEMAS.get(table)
    if ours is None:
        return None
    for field in schema:
        if field.name not in ours.names:
            return f"column {field.name} is none of table {table}"
        found, expected = _plain(field.type), _plain(ours.field(field.name).type)
        if not _holds(expected, found):
            return f"column {field.name} is of type {found}, not {expected}"
    return None


def _holds(expected: pa.DataType, found: pa.DataType) -> bool:
    """Return whether a column of one type can take the values of another, as pandas may have written them."""
    if pa.types.is_integer(found):
        return bool(pa.types.is_integer(expected) or pa.types.is_floating(expected))
    if pa.types.is_floating(found):
        return bool(pa.types.is_floating(expected))
    return found in (expected, pa.null()) or (pa.types.is_timestamp(found) and pa.types.is_timestamp(expected))


def _plain(kind: pa.DataType) -> pa.DataType:
    """Return the type of the values, however they are encoded."""
    if pa.types.is_dictionary(kind):
        return _plain(kind.value_type)
    return pa.string() if pa.types.is_large_string(kind) or pa.types.is_string_view(kind) else kind


def conformed(table: str, rows: pa.Table) -> pa.Table:
    """Return rows with the columns, types and metadata of their table; what they lack is null.

    Of a user's own table only the trial_key is made text; earlier versions wrote a dictionary.
    """
    schema = SCHEMAS.get(table)
    if schema is None:
        place = rows.schema.get_field_index("trial_key")
        if rows.schema.field(place).type == pa.string():
            return rows
        key = rows.schema.field(place).with_type(pa.string())
        return rows.set_column(place, key, rows["trial_key"].cast(pa.string()))
    if rows.schema.equals(schema, check_metadata=True):
        return rows
    columns = [
        _encoded(rows[field.name], field.type) if field.name in rows.column_names else pa.nulls(len(rows), field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def _encoded(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    if pa.types.is_dictionary(kind) and not pa.types.is_dictionary(column.type):
        column = column.cast(kind.value_type).dictionary_encode()
    return column.cast(kind)


def joined_rows(table: str, parts: Sequence[pa.Table]) -> pa.Table:
    """Return the rows of all parts of a table as one.

    Raises:
        InputError: their columns do not agree.
    """
    if table in SCHEMAS:
        parts = [SCHEMAS[table].empty_table(), *parts]
    try:
        return pa.concat_tables(parts, promote_options="permissive").unify_dictionaries().combine_chunks()
    except pa.ArrowException as error:
        raise InputError(f"{table}: commits whose columns differ in type cannot be merged ({error})") from error
