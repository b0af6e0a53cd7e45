"""Probes of the user's own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any, Protocol

import pyarrow as pa

from bnsweep.errors import InputError
from bnsweep.plugins import load_callable, require_signature, user_code
from bnsweep.probes.context import StepContext
from bnsweep.probes.no_trace import untouched
from bnsweep.probes.state import remember, remembered
from bnsweep.results.schema import SCHEMAS, Row
from bnsweep.results.tables import custom_schema, is_storable
from bnsweep.spec import AXES

SHARED_COLUMNS = ("trial_key", *AXES, "step")
"""The columns of every table."""

TABLE = re.compile(r"[a-z][a-z0-9_]*")
"""Lower case, because some file systems cannot tell `ICS` from `ics`."""


class CustomProbe(Protocol):
    """What the callable that a sweep file names must return.

    Attributes:
        table: name of the table for its rows.
        columns: type of each column beside those that name the trial and the step; or a `pyarrow.Field`, whose metadata
            may say unit and meaning.
    """

    table: str
    columns: Mapping[str, pa.DataType | pa.Field]

    def __call__(self, ctx: StepContext) -> list[Row]:
        """Return rows with `step` and every column."""
        ...


@dataclass(frozen=True)
class CheckedProbe:
    """A probe of the user's own that leaves no trace, and whose rows fit its table.

    Args:
        name: what the sweep file calls it.
        probe: what it names.
    """

    name: str
    probe: CustomProbe

    def __call__(self, ctx: StepContext) -> list[Row]:
        """Return its rows as plain values.

        Raises:
            InputError: they do not fit; what the probe itself raises has a note that names it.
        """
        try:
            with untouched(ctx), ExitStack() as kept:
                rows = self.probe(replace(ctx, kept=kept))
        except Exception as error:
            error.add_note(f"probes.{self.name}, at step {ctx.step}")
            raise
        return self._checked(rows, ctx.step)

    def state_dict(self) -> dict[str, Any]:
        """Return what the user's probe remembers.

        Raises:
            NotPlain: it may remember something that cannot be seen from outside.
        """
        return remembered(self.probe)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Have the user's probe remember what another did."""
        remember(self.probe, state)

    @property
    def schema(self) -> pa.Schema:
        """The schema of its table."""
        schema = custom_schema(self.probe.table, {})
        for column in self._fields():
            schema = schema.append(column)
        return schema

    def _fields(self) -> list[pa.Field]:
        """Return its own columns; a value may be missing in every one of them."""
        columns = self.probe.columns.items()
        given = ((name, kind if isinstance(kind, pa.Field) else pa.field(name, kind)) for name, kind in columns)
        return [field.with_name(name).with_nullable(True) for name, field in given]

    def _checked(self, rows: Any, step: int) -> list[Row]:
        names = ["step", *self.probe.columns]
        if not (isinstance(rows, Sequence) and all(isinstance(row, Mapping) for row in rows)):
            raise self._refusal(f"returned {rows!r:.80}; it should return a list of rows, each {{column: value}}")
        for row in rows:
            if row.keys() != set(names):
                given = ", ".join(map(str, row)) or "no columns"
                raise self._refusal(f"returned a row with {given}; it should have {', '.join(names)}")
            if row["step"] != step:
                raise self._refusal(f"returned a row of step {row['step']} at step {step}; it should be ctx.step")
        schema = pa.schema([pa.field("step", pa.int64()), *self._fields()])
        try:
            plain: list[Row] = pa.Table.from_pylist(list(rows), schema).to_pylist()
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
            raise self._refusal(f"returned a value that its column cannot hold ({error})") from error
        return plain

    def _refusal(self, reason: str) -> InputError:
        return InputError(f"probes.{self.name}: {reason}")


def load_probe(name: str, options: Mapping[str, Any]) -> CheckedProbe:
    """Call what `name` names with `options` and check what it returns.

    Raises:
        InputError: it cannot be loaded or called, or what it returns has no table, no columns or a name that is taken.
    """
    key = f"probes.{name}"
    factory = load_callable(name, key)
    require_signature(name, key, factory, options)
    with user_code(name, key, "when called", Exception):
        probe: CustomProbe = factory(**options)
    table, columns = getattr(probe, "table", None), getattr(probe, "columns", None)
    if not (callable(probe) and isinstance(table, str) and isinstance(columns, Mapping)):
        raise InputError(f"{key}: what it returns should be callable and have a table and columns")
    if table in SCHEMAS or table == "report" or not TABLE.fullmatch(table):
        raise InputError(
            f"{key}: its table is {table!r}; it should be a name of its own in lower case, none of {', '.join(SCHEMAS)}"
        )
    if taken := sorted(set(SHARED_COLUMNS) & set(columns)):
        raise InputError(f"{key}: its columns include {', '.join(taken)}, which every table has already")
    if wrong := sorted(column for column, kind in columns.items() if not isinstance(kind, pa.DataType | pa.Field)):
        raise InputError(f"{key}: the types of its columns {', '.join(wrong)} should be pyarrow types")
    checked = CheckedProbe(name, probe)
    for column in checked.schema:
        if not is_storable(column.type):
            raise InputError(
                f"{key}: its column {column.name} is of type {column.type}, which cannot be stored as Parquet"
            )
    return checked
