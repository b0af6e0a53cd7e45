"""The columns of users' own tables, in which trials must agree: two types of one column could not be read together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from bnsweep.results.schema import SCHEMAS


class Misfit(NamedTuple):
    """A column whose type does not go with that in trials before."""

    table: str
    column: str
    here: pa.DataType
    before: pa.DataType

    def __str__(self) -> str:
        return (
            f"table {self.table}: its column {self.column} is {self.here} in this trial, and {self.before} in another; "
            "give it one type in all"
        )


@dataclass(frozen=True)
class OwnColumns:
    """The columns of users' own tables, as several trials have them.

    Args:
        schemas: by table.
    """

    schemas: dict[str, pa.Schema] = field(default_factory=dict)

    def add(self, schemas: Mapping[str, pa.Schema]) -> bool:
        """Take the columns of one more trial in; return False, and take none, where one does not go with the others."""
        own = {table: schema for table, schema in schemas.items() if table not in SCHEMAS}
        if any(misfit for table, schema in own.items() for misfit in self._misfits(table, schema)):
            return False
        for table, schema in own.items():
            self.schemas[table] = _unified(self.schemas.get(table, schema), schema)
        return True

    def fitting(self, tables: Mapping[str, pa.Table]) -> tuple[dict[str, pa.Table], dict[str, Misfit]]:
        """Take the columns of several trials in; return their tables without columns that do not go with the others.

        Also, by trial_key, what does not of the trials that have values in such columns.
        """
        left, found = dict(tables), dict[str, Misfit]()
        for table, rows in tables.items():
            for misfit in [] if table in SCHEMAS else self._misfits(table, rows.schema):
                keys = rows["trial_key"].filter(pc.is_valid(rows[misfit.column])).unique().to_pylist()
                found = dict.fromkeys(keys, misfit) | found
                left[table] = left[table].drop_columns([misfit.column])
        self.add({table: rows.schema for table, rows in left.items()})
        return left, found

    def _misfits(self, table: str, schema: pa.Schema) -> Iterator[Misfit]:
        if (before := self.schemas.get(table)) is None or before.equals(schema):
            return
        for column in schema:
            if column.name in before.names and not _go_together(before.field(column.name), column):
                yield Misfit(table, column.name, column.type, before.field(column.name).type)


def _go_together(one: pa.Field, other: pa.Field) -> bool:
    try:
        _unified(pa.schema([one]), pa.schema([other]))
    except pa.ArrowException:
        return False
    return True


def _unified(one: pa.Schema, other: pa.Schema) -> pa.Schema:
    return pa.unify_schemas([one, other], promote_options="permissive")
