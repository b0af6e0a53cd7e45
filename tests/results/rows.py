"""Rows of small batches, and tables compared whatever the order of their rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa

from bnsweep.results import SCHEMAS, Store
from bnsweep.results.tables import custom_schema
from bnsweep.spec import TrialSpec
from tests.synthetic import make_specs, rows_of

Tables = dict[str, list[dict[str, Any]]]
OWN = custom_schema("noise", {"scale": pa.float64()})
"""The table of a user's own probe."""


def rows(*keys: str) -> Tables:
    """Return rows of trials that never ran."""
    return {
        "curves": [{"trial_key": key, "step": step, "train_loss": 1.5} for key in keys for step in range(3)],
        "trials": [{"trial_key": key, "norm": "batch", "lr": 0.1, "seed": 3} for key in keys],
    }


def few_specs(number: int = 6) -> list[TrialSpec]:
    """Return specs of short trials under several modes and learning rates."""
    specs = make_specs(norms=("none", "batch"), gains=[1.0], lrs=(0.01, 0.1, 1.0), num_seeds=8, steps=50)
    return specs[:number]


def tables_of(specs: Iterable[TrialSpec]) -> Tables:
    """Return the rows of trials as a run would write them, with a table of the user's own."""
    tables: Tables = {}
    for spec in specs:
        for table, some in {**rows_of(spec, diverged=False), "noise": own_rows(spec)}.items():
            tables.setdefault(table, []).extend(some)
    return tables


def own_rows(spec: TrialSpec) -> list[dict[str, Any]]:
    return [{"trial_key": spec.trial_key, "norm": spec.norm, "step": step, "scale": 0.5} for step in range(2)]


def commit(store: Store, specs: Sequence[TrialSpec], token: str | None = None) -> None:
    store.commit(tables_of(specs), {"noise": OWN}, token)


def write_store(store: Store, pack: int = 2, number: int = 6) -> list[TrialSpec]:
    """Write a finished sweep with one failure on the way; return its specs."""
    specs = few_specs(number)
    with store.lock() as hold:
        store.begin(hold.token)
        store.declare("few", [spec.trial_key for spec in specs], "name: few\n")
        for start in range(0, number, pack):
            commit(store, specs[start : start + pack], hold.token)
        for spec in specs[:2]:
            store.record_failure({"trial_key": spec.trial_key, "attempt": 1, "error": "ValueError: x"})
    return specs


def contents(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of all tables, sorted, as pandas reads them."""
    return {table: plain_rows(store, table) for table in [*SCHEMAS, "noise"] if store.files.entries(table)}


def plain_rows(store: Store, table: str) -> list[tuple[Any, ...]]:
    """Return the rows of one table as anyone with pandas sees them, sorted."""
    frame = pd.read_parquet(store.path(table), filesystem=store.fs)
    return sorted((tuple(row) for row in frame.astype(str).itertuples(index=False)), key=str)
