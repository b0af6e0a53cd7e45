"""Probes of the user's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import pyarrow as pa

from bnsweep.errors import InputError
from bnsweep.plugins import load_callable
from bnsweep.probes.context import StepContext
from bnsweep.results.schema import SCHEMAS, Row

TRIAL_COLUMNS = frozenset(("trial_key", "norm", "init", "init_gain", "lr", "seed"))


class CustomProbe(Protocol):
    """What the callable that a sweep file names must return.

    Attributes:
        table: name of the table for its rows.
        columns: type of each column beside those that name the trial and the step.
    """

    table: str
    columns: Mapping[str, pa.DataType]

    def __call__(self, ctx: StepContext) -> list[Row]:
        """Return rows with `step` and the columns."""
        ...


def load_probe(name: str, options: Mapping[str, Any]) -> CustomProbe:
    """Call what `name` names with `options` and check what it returns.

    Raises:
        InputError: it cannot be loaded or called, or what it returns has no table, no columns or a name that is taken.
    """
    key = f"probes.{name}"
    factory = load_callable(name, key)
    try:
        probe: CustomProbe = factory(**options)
    except TypeError as error:
        raise InputError(f"{key}: {name} does not take these options ({error})") from error
    table, columns = getattr(probe, "table", None), getattr(probe, "columns", None)
    if not (callable(probe) and isinstance(table, str) and isinstance(columns, Mapping)):
        raise InputError(f"{key}: what it returns should be callable and have a table and columns")
    if table in SCHEMAS or not table.isidentifier() or table.startswith("_") or table == "report":
        raise InputError(f"{key}: its table is {table!r}; it should be a name of its own, none of {', '.join(SCHEMAS)}")
    if taken := sorted({*TRIAL_COLUMNS, "step"} & set(columns)):
        raise InputError(f"{key}: its columns include {', '.join(taken)}, which every table has already")
    if wrong := sorted(name for name, kind in columns.items() if not isinstance(kind, pa.DataType)):
        raise InputError(f"{key}: the types of its columns {', '.join(wrong)} should be pyarrow types")
    return probe
