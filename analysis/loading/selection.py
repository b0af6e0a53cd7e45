"""What a caller asks to be read, checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from numbers import Integral
from operator import and_

import pandas as pd
import pyarrow.dataset as pds

from bnsweep.errors import InputError, did_you_mean
from bnsweep.results import SCHEMAS
from bnsweep.results.schema import AXES

IDENTIFYING = ("trial_key", *AXES, "step", "layer", "given_as", "lr_multiple")
"""The columns that tell the rows of a table apart: always read."""

NEEDED = {"trials": ("spec", "semantics_version")}
"""Columns that tell which trials may be measured together: always read too."""

LONG_COLUMNS = ("traceback", "log_tail", "spec")
"""Of failures, up to 64 KiB a row: only read where they are asked for."""

Steps = tuple[int, int]
EXAMPLE = "{'trials': ['test_acc']}"


def checked_columns(columns: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return the columns to read by table: those asked for, after those that identify a row; always of failures.

    Raises:
        InputError: no such table or column.
    """
    if not isinstance(columns, Mapping) or any(isinstance(names, str) for names in columns.values()):
        raise InputError(f"columns: given {columns!r}; give lists of names by table, such as {EXAMPLE}")
    chosen = {"failures": [name for name in SCHEMAS["failures"].names if name not in LONG_COLUMNS]}
    for table, names in columns.items():
        if table not in SCHEMAS:
            raise InputError(f"columns: no table {table!r}; {did_you_mean(table, SCHEMAS)}")
        existing = SCHEMAS[table].names
        identifying = (*IDENTIFYING, *NEEDED.get(table, ()))
        for name in names:
            if name not in existing:
                raise InputError(f"columns: table {table} has no column {name!r}; {did_you_mean(name, existing)}")
        chosen[table] = list(dict.fromkeys([*(name for name in identifying if name in existing), *names]))
    return chosen


def checked_steps(steps: Steps | None) -> Steps | None:
    """Return the first and the last step to read.

    Raises:
        InputError: the first comes after the last.
    """
    if steps is None:
        return None
    wanted = "give the first step and the last, (0, 1000)"
    is_pair = isinstance(steps, Sequence) and len(steps) == 2 and all(isinstance(step, Integral) for step in steps)
    if not is_pair:
        raise InputError(f"steps: given {steps!r}; {wanted}")
    if not steps[0] <= steps[1]:
        raise InputError(f"steps: {steps[0]} to {steps[1]} is no range; {wanted}")
    return steps


def checked_norms(norms: Iterable[str] | None, trials: pd.DataFrame) -> list[str] | None:
    """Return the normalization modes to read; None for all.

    Raises:
        InputError: no trial has such a mode.
    """
    if norms is None:
        return None
    present = set(trials["norm"].astype(str))
    chosen = [norms] if isinstance(norms, str) else list(norms) if isinstance(norms, Iterable) else []
    if not chosen:
        raise InputError(f"norms: given {norms!r}; name one at least, of {', '.join(sorted(present))}")
    for norm in chosen:
        if norm not in present:
            raise InputError(f"norms: no trial has norm {norm!r}; {did_you_mean(norm, present)}")
    return chosen


def row_filter(norms: Sequence[str] | None, steps: Steps | None) -> pds.Expression | None:
    """Return which measurements to read; None for all."""
    parts = [pds.field("norm").isin(list(norms))] if norms is not None else []
    if steps is not None:
        parts += [pds.field("step") >= steps[0], pds.field("step") <= steps[1]]
    return reduce(and_, parts) if parts else None
