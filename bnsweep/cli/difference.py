"""How two versions of one trial's rows in a table differ, to the bit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from bnsweep.results.tables import CIRCUMSTANCES
from bnsweep.spec import TrainSpec

NOT_COMPARED = {
    "trials": {*CIRCUMSTANCES, *TrainSpec.model_fields, "log_curves", "data_sha256", "code_sha256"},
    "curves": {"step_lr"},
}
"""By table: when and where a trial ran, and what follows of its spec; rows may be older than a column of that."""

ORDER = {"trial_key": pa.string(), "step": pa.int64()}


@dataclass(frozen=True)
class Difference:
    """How one table differs.

    Args:
        table: its name.
        num_stored: rows of the trial that are stored.
        num_again: rows that running it again gave.
        column: where the difference is largest; None where the rows are the same, or cannot be compared.
        largest: that difference; for anything but numbers 1, for a number against none inf.
        relative: the same, over the larger of the two numbers.
        step: the updates made before that row; None in `trials`.
        problem: why the columns cannot be compared.
    """

    table: str
    num_stored: int
    num_again: int
    column: str | None = None
    largest: float = 0.0
    relative: float = 0.0
    step: int | None = None
    problem: str | None = None

    @property
    def is_same(self) -> bool:
        """Whether every bit is the same."""
        return self.column is None and self.problem is None and self.num_stored == self.num_again

    def __str__(self) -> str:
        if self.problem is not None:
            return f"{self.table}: {self.problem}"
        if self.num_stored != self.num_again:
            return f"{self.table}: {self.num_stored} rows stored, {self.num_again} now"
        if self.column is None:
            return f"{self.table}: {self.num_stored} rows, the same bits"
        where = "" if self.step is None else f" at step {self.step}"
        return (
            f"{self.table}: {self.num_stored} rows, largest difference {self.largest:.3g} "
            f"({self.relative:.1g} relative) in {self.column}{where}"
        )


def difference(table: str, stored: pa.Table, again: pa.Table) -> Difference:
    """Return the largest difference between two versions of the same trials' rows, NaN equal to itself."""
    counts = stored.num_rows, again.num_rows
    if counts[0] != counts[1]:
        return Difference(table, *counts)
    if stored.column_names != again.column_names:
        names = ", ".join(stored.column_names), ", ".join(again.column_names)
        return Difference(table, *counts, problem=f"columns {names[0]} stored, {names[1]} now")
    stored, again = _in_order(table, stored), _in_order(table, again)
    found, steps = Difference(table, *counts), again["step"].to_pylist() if "step" in again.column_names else None
    for column in again.column_names:
        for row, pair in enumerate(zip(stored[column].to_pylist(), again[column].to_pylist(), strict=True)):
            if not _is_same(*pair) and (found.is_same or _gap(*pair) > found.largest):
                step = steps[row] if steps else None
                found = Difference(table, *counts, column, _gap(*pair), _relative(*pair), step)
    return found


def _in_order(table: str, rows: pa.Table) -> pa.Table:
    """Return the rows by trial and step; those of one step stay as they were written, since users' have no key."""
    rows = rows.drop_columns([name for name in rows.column_names if name in NOT_COMPARED.get(table, ())])
    by = {name: rows[name].cast(kind) for name, kind in ORDER.items() if name in rows.column_names}
    return rows.take(pc.sort_indices(pa.table(by), sort_keys=[(name, "ascending") for name in by]))


def _is_same(left: Any, right: Any) -> bool:
    """Return whether two values have the same bits: their texts tell -0.0 from 0.0, and take NaN for itself."""
    return left is right or repr(left) == repr(right)


def _gap(left: Any, right: Any) -> float:
    if not (_is_number(left) or _is_number(right)):
        return 1.0
    if not (_is_number(left) and _is_number(right)):
        return math.inf
    gap = float(abs(left - right))
    return math.inf if math.isnan(gap) else gap


def _relative(left: Any, right: Any) -> float:
    gap = _gap(left, right)
    if not (math.isfinite(gap) and _is_number(left)):
        return gap
    scale = max(abs(left), abs(right))
    return float(gap / scale) if scale else gap


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
