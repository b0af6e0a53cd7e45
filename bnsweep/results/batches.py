"""Whole batches: loaded with every byte checked, and taken together."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from bnsweep.errors import InputError
from bnsweep.results.files import Files
from bnsweep.results.manifest import COMMITS, Manifest, file_name
from bnsweep.results.reading import PARQUET, damaged
from bnsweep.results.replace import Names
from bnsweep.results.schema import SCHEMAS


def load_rows(files: Files, table: str, manifests: Sequence[Manifest]) -> list[pa.Table]:
    """Return the rows that batches have in a table, of each that has some.

    Raises:
        InputError: a file is missing, or differs from what was written.
    """
    records = [(manifest.batch, record) for manifest in manifests if (record := manifest.record(table))]
    contents = files.read_many([file_name(table, batch) for batch, _ in records])
    for (batch, record), content in zip(records, contents, strict=True):
        if content is None or not record.matches(content):
            problem = "is missing" if content is None else "differs from what was written"
            raise damaged(files, table, f"{batch}{PARQUET} {problem}")
    return [pq.ParquetFile(pa.BufferReader(content)).read() for content in contents]


def names_of(manifests: Sequence[Manifest]) -> Names:
    """Return the names of all files of batches, by folder."""
    names: Names = {COMMITS: [f"{manifest.batch}.json" for manifest in manifests]}
    for manifest in manifests:
        for record in manifest.files:
            names.setdefault(record.table, []).append(f"{manifest.batch}{PARQUET}")
    return names


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
        if found != expected:
            return f"column {field.name} is of type {found}, not {expected}"
    return None


def _with_text_keys(part: pa.Table) -> pa.Table:
    """Return a table with its trial_key as text; earlier versions wrote a dictionary."""
    place = part.schema.get_field_index("trial_key")
    if place < 0 or part.schema.field(place).type == pa.string():
        return part
    return part.set_column(place, part.schema.field(place).with_type(pa.string()), part["trial_key"].cast(pa.string()))


def _plain(kind: pa.DataType) -> pa.DataType:
    """Return the type of the values, however they are encoded."""
    if pa.types.is_dictionary(kind):
        return _plain(kind.value_type)
    return pa.string() if pa.types.is_large_string(kind) else kind


def join(files: Files, table: str, parts: Sequence[pa.Table]) -> pa.Table:
    """Return the rows of all parts of a table as one.

    Raises:
        InputError: their columns do not agree with each other, or with the table's schema.
    """
    if differs := next((found for part in parts if (found := drift(table, part.schema))), None):
        raise InputError(f"{files.path(table)}: {differs}; move away what is not bnsweep's")
    if table in SCHEMAS:
        parts = [SCHEMAS[table].empty_table(), *parts]  # so that all columns are there
    parts = [_with_text_keys(part) for part in parts]
    try:
        return pa.concat_tables(parts, promote_options="default").unify_dictionaries().combine_chunks()
    except pa.ArrowException as error:
        raise InputError(
            f"{files.path(table)}: commits whose columns differ in type cannot be merged ({error})"
        ) from error


def is_storable(kind: pa.DataType) -> bool:
    """Return whether a column of a user's own table may be of this type: Parquet holds it, and compaction sorts it."""
    try:
        rows = pa.table({"column": pa.array([None], kind)})
        sink = pa.BufferOutputStream()
        pq.write_table(rows, sink)
        pq.ParquetFile(pa.BufferReader(sink.getvalue())).read().combine_chunks().take([0])
    except pa.ArrowException:
        return False
    return True
