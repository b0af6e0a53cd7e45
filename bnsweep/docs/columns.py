"""Every table's columns, as their Arrow schemas have them."""

from __future__ import annotations

import pyarrow as pa

from bnsweep.docs.markdown import Lines, code, table
from bnsweep.results.columns import AXIS_COLUMNS, KEY
from bnsweep.results.schema import SCHEMAS

ONE_ROW_PER = {
    "trials": "trial that has a result",
    "curves": "logged step",
    "landscape": "step and step length",
    "ics": "step and layer",
    "moments": "step and layer",
    "layers": "step and layer",
    "curvature": "step",
    "flatness": "completed trial",
    "failures": "failed attempt; of the columns that all others share it has `trial_key` alone",
}
SHARED = {field.name for field in (KEY, *AXIS_COLUMNS)}
HEAD = ("column", "type", "meaning", "unit")


def columns_of_tables() -> Lines:
    """Yield the lines of the reference."""
    yield from ("", "## Columns that tables share")
    yield from table(HEAD, map(_row, (KEY, *AXIS_COLUMNS)))
    for name, schema in SCHEMAS.items():
        yield from ("", f"## {name}", "", f"One row per {ONE_ROW_PER[name]}.")
        yield from table(HEAD, (_row(field) for field in schema if field.name not in SHARED))


def _row(field: pa.Field) -> tuple[str, ...]:
    """Return a column's name, type, meaning and unit."""
    said = {key.decode(): text.decode() for key, text in field.metadata.items()}
    return code(field.name), type_in_words(field.type), said["meaning"], said["unit"]


def type_in_words(kind: pa.DataType) -> str:
    """Return what a column's type is called.

    >>> type_in_words(pa.dictionary(pa.int32(), pa.string())), type_in_words(pa.timestamp("us", tz="UTC"))
    ('string, as category', 'timestamp[us, tz=UTC]')
    """
    return f"{kind.value_type}, as category" if pa.types.is_dictionary(kind) else str(kind)
