"""The rows that a loop of the user's own logs: columns by their names, numbers, text or truths by the first value.

A number is floating point, whole ones too: one trial may log 0 where another logs 0.5, and files with both types in one
column could not be read together.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from torch import Tensor

from bnsweep.errors import InputError, did_you_mean
from bnsweep.probes.custom import SHARED_COLUMNS, TABLE
from bnsweep.results.schema import CURVES, SCHEMAS
from bnsweep.results.tables import custom_schema
from bnsweep.training.result import TrialResult

OF_CURVES = tuple(name for name in CURVES.names if name not in SHARED_COLUMNS)
TYPES: dict[type, pa.DataType] = {bool: pa.bool_(), float: pa.float64(), str: pa.string()}
"""By the type of a value; None may be any."""
NAMES: dict[type | None, str] = {bool: "true or false", float: "a number", str: "text"}
MAX_WHOLE = 2**53
"""Beyond it floating point does not hold every whole number."""


@dataclass(frozen=True)
class OwnTables:
    """The tables of a trial that its loop logs to.

    Args:
        result: what the trial gave so far.
        taken: names of tables that are others'.
        columns: by table the type of each column of the user's own, None as long as it has no value.
    """

    result: TrialResult
    taken: Collection[str]
    columns: dict[str, dict[str, type | None]] = field(default_factory=dict)

    def add(self, table: str, step: int, row: Mapping[str, Any]) -> None:
        """Add a row; to `curves` what it lacks so far of the step's.

        Raises:
            InputError: the table is not for users, a column has another name or type than it may have, or a value is
                none that a table holds.
        """
        plain = {column: _plain(table, column, value) for column, value in row.items()}
        if table == "curves":
            self._add_to_curves(step, plain)
        else:
            self._check_name(table)
            self._check_columns(table, plain)
            self.result.tables[table].append({"step": step, **plain})

    def state_dict(self) -> dict[str, dict[str, str | None]]:
        """Return the types of the columns by name."""
        return {
            table: {name: None if kind is None else kind.__name__ for name, kind in kinds.items()}
            for table, kinds in self.columns.items()
        }

    def load_state_dict(self, state: dict[str, dict[str, str | None]]) -> None:
        """Continue tables of these types."""
        by_name = {kind.__name__: kind for kind in TYPES}
        for table, kinds in state.items():
            self.columns[table] = {name: by_name[kind] if kind else None for name, kind in kinds.items()}
            self._declare(table)

    def _add_to_curves(self, step: int, row: Mapping[str, Any]) -> None:
        for column, value in row.items():
            if column not in OF_CURVES:
                raise InputError(f"ctx.log: curves has no column {column!r}; {did_you_mean(column, OF_CURVES)}")
            if value is not None and type(value) is not float:
                raise InputError(f"ctx.log: column {column} of curves is given {value!r}; it should be a number")
        rows = self.result.tables["curves"]
        if rows and rows[-1]["step"] == step:
            rows[-1] = {**rows[-1], **row}
        else:
            rows.append({"step": step, **dict.fromkeys(OF_CURVES), **row})

    def _check_name(self, table: str) -> None:
        if table in self.columns:
            return
        if table in self.taken or table in SCHEMAS or table == "report" or not TABLE.fullmatch(table):
            raise InputError(
                f"ctx.log: given table {table!r}; it should be curves, or a name of its own in lower case, none of "
                f"{', '.join(sorted({*SCHEMAS, *self.taken}))}"
            )
        self.columns[table] = {}
        self.result.tables.setdefault(table, [])

    def _check_columns(self, table: str, row: dict[str, Any]) -> None:
        """Check the row's values against the columns, of which it may bring more."""
        columns, before = self.columns[table], dict(self.columns[table])
        for column, value in row.items():
            if column in SHARED_COLUMNS:
                raise InputError(
                    f"ctx.log: every table has {column} already, as {table} would; give yours another name"
                )
            kind, expected = type(value), columns.get(column)
            if value is None or expected is kind:
                columns.setdefault(column, None)
            elif expected is None:
                columns[column] = kind
            else:
                raise InputError(
                    f"ctx.log: column {column} of {table} is given {value!r}, and held {NAMES[expected]} before; "
                    "give it one type"
                )
        if columns != before or table not in self.result.schemas:
            self._declare(table)

    def _declare(self, table: str) -> None:
        kinds = {name: TYPES[kind] if kind else pa.null() for name, kind in self.columns[table].items()}
        self.result.schemas[table] = custom_schema(table, kinds)


def _plain(table: str, column: str, value: Any) -> Any:
    """Return a number of any kind as Python's floating point; text, truths and None as they are."""
    if isinstance(value, np.generic) or (isinstance(value, Tensor | np.ndarray) and value.ndim == 0):
        value = value.item()
    if type(value) is int and abs(value) <= MAX_WHOLE:
        return float(value)
    if type(value) is int:
        raise InputError(f"ctx.log: column {column} of {table} is given {value}, too large a number; give it as text")
    if value is not None and type(value) not in TYPES:
        raise InputError(
            f"ctx.log: column {column} of {table} is given a {type(value).__name__}; "
            "it should be a number, text, true or false, or None"
        )
    return value
