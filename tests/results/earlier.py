"""A results directory as earlier versions wrote it: files that have no number, and a manifest for each commit."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from bnsweep.results import Store
from bnsweep.results.declaration import seal
from bnsweep.spec import TrialSpec
from tests.results.rows import as_tables, rows_of_specs, tables_of


def put_table(store: Store, name: str, rows: pa.Table) -> None:
    """Write a table as any program would."""
    sink = pa.BufferOutputStream()
    pq.write_table(rows, sink, compression="zstd")
    store.files.put(name, sink.getvalue())


def write_batch(store: Store, tables: Mapping[str, pa.Table]) -> str:
    """Write the files of one commit, all of the same name; return it."""
    keys = sorted(tables["trials"]["trial_key"].to_pylist())
    batch = hashlib.sha256("\n".join(keys).encode()).hexdigest()[:16]
    for table, rows in tables.items():
        put_table(store, f"{table}/{batch}.parquet", rows)
    store.files.put(f"_commits/{batch}.json", seal({"batch": batch, "trial_keys": keys, "files": []}))
    return batch


def write_earlier(store: Store, specs: Sequence[TrialSpec], pack: int = 2) -> None:
    """Write a finished sweep, with a failed attempt of its first trial."""
    store.files.put("_run.json", seal({"token": "x"}))
    store.files.put("_commit_lock", b"")
    keys = [spec.trial_key for spec in specs]
    store.files.put("_sweep.json", seal({"name": "few", "trial_keys": keys, "sweep_file": ""}))
    for start in range(0, len(specs), pack):
        write_batch(store, tables_of(specs[start : start + pack]))
    failed = {"trial_key": specs[0].trial_key, "attempt": 1, "error": "ValueError: x"}
    put_table(store, f"failures/{specs[0].trial_key}-1.parquet", as_tables({"failures": [failed]})["failures"])


def without_columns(tables: Mapping[str, pa.Table], *names: str) -> dict[str, pa.Table]:
    """Return tables as a version wrote them that did not have some columns yet."""
    return {
        table: rows.drop_columns([name for name in names if name in rows.column_names])
        for table, rows in tables.items()
    }


def rows_as_pandas_would(specs: Sequence[TrialSpec]) -> dict[str, pa.Table]:
    """Return tables with the documented columns, of the types that pandas gives them."""
    return {
        table: pa.Table.from_pandas(pa.Table.from_pylist(rows).to_pandas(), preserve_index=False)
        for table, rows in rows_of_specs(specs).items()
        if table in ("trials", "curves", "ics")
    }
