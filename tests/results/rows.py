"""Rows of small commits, and tables compared whatever the order of their rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from bnsweep.results import SCHEMAS, Store
from bnsweep.results.tables import custom_schema, to_table
from bnsweep.results.takeover import tables
from bnsweep.results.writer import Writer
from bnsweep.spec import TrialSpec
from tests.synthetic import make_specs, rows_of

Rows = dict[str, list[dict[str, Any]]]
OWN = custom_schema("noise", {"scale": pa.float64()})
"""The table of a user's own probe."""


def key(name: str) -> str:
    """Return the trial_key of a trial that never ran."""
    return hashlib.sha256(name.encode()).hexdigest()[:16]


def as_tables(
    rows: Mapping[str, Sequence[Mapping[str, Any]]], own: Mapping[str, pa.Schema] | None = None
) -> dict[str, pa.Table]:
    """Return rows as tables."""
    schemas = {"noise": OWN, **(own or {}), **SCHEMAS}
    return {table: to_table(schemas[table], some) for table, some in rows.items()}


def rows(*names: str) -> dict[str, pa.Table]:
    """Return the tables of trials that never ran."""
    keys = [key(name) for name in names]
    return as_tables(
        {
            "curves": [{"trial_key": key, "step": step, "train_loss": 1.5} for key in keys for step in range(3)],
            "trials": [{"trial_key": key, "norm": "batch", "lr": 0.1, "seed": 3} for key in keys],
        }
    )


def failure(name: str, attempt: int = 1) -> dict[str, pa.Table]:
    """Return the table of a failed attempt."""
    return as_tables({"failures": [{"trial_key": key(name), "attempt": attempt, "error": "ValueError: x"}]})


def few_specs(number: int = 6) -> list[TrialSpec]:
    """Return specs of short trials under several modes and learning rates."""
    specs = make_specs(norms=("none", "batch"), gains=[1.0], lrs=(0.01, 0.1, 1.0), num_seeds=8, steps=50)
    return specs[:number]


def rows_of_specs(specs: Iterable[TrialSpec]) -> Rows:
    """Return the rows of trials as a run would write them, with a table of the user's own."""
    found: Rows = {}
    for spec in specs:
        for table, some in {**rows_of(spec, diverged=False), "noise": own_rows(spec)}.items():
            found.setdefault(table, []).extend(some)
    return found


def tables_of(specs: Iterable[TrialSpec]) -> dict[str, pa.Table]:
    """Return the tables of trials as a run would commit them."""
    return as_tables(rows_of_specs(specs))


def own_rows(spec: TrialSpec) -> list[dict[str, Any]]:
    return [{"trial_key": spec.trial_key, "norm": spec.norm, "step": step, "scale": 0.5} for step in range(2)]


def commit(store: Store, *commits: Mapping[str, pa.Table]) -> None:
    """Take a store over for some commits."""
    with store.take_over() as writer:
        for one in commits:
            writer.commit(one)


@contextmanager
def killed(store: Store) -> Iterator[Writer]:
    """Yield a writer that is killed afterwards: its lease is left, as that of a process that is there no more."""
    writer = store.take_over(run="killed")
    yield writer
    writer.lease._done.set()
    store.files.delete(["_lease.json"])


def declare(store: Store, specs: Iterable[TrialSpec], name: str = "few") -> None:
    """Take a store over to declare trials."""
    with store.take_over() as writer:
        writer.declare(name, [spec.trial_key for spec in specs], f"name: {name}\n")


def write_store(store: Store, pack: int = 2, number: int = 6) -> list[TrialSpec]:
    """Write a finished sweep with two failures on the way; return its specs."""
    specs = few_specs(number)
    with store.take_over() as writer:
        writer.declare("few", [spec.trial_key for spec in specs], "name: few\n")
        for start in range(0, number, pack):
            writer.commit(tables_of(specs[start : start + pack]))
        for spec in specs[:2]:
            row = {"trial_key": spec.trial_key, "attempt": 1, "error": "ValueError: x"}
            writer.commit(as_tables({"failures": [row]}))
    return specs


def contents(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of the tables that have some, sorted, as bnsweep reads them."""
    found = {table: sorted_rows(store.read(table)) for table in sorted(tables(store.files) - {"report"})}
    return {table: rows for table, rows in found.items() if rows}


def sorted_rows(table: pa.Table) -> list[tuple[Any, ...]]:
    """Return the rows of a table, as text, sorted."""
    return sorted(tuple(map(str, row.values())) for row in table.to_pylist())
