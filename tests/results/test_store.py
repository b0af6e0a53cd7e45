"""What is committed, what is recovered, and what readers see."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from bnsweep.errors import InputError
from bnsweep.results import SCHEMAS, Store
from bnsweep.results.schema import to_table


def rows(*keys: str) -> dict[str, list[dict[str, object]]]:
    return {
        "curves": [{"trial_key": key, "step": step, "train_loss": 1.5} for key in keys for step in range(3)],
        "trials": [{"trial_key": key, "norm": "batch", "lr": 0.1, "seed": 3} for key in keys],
    }


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "results")


def test_opening_and_reading_write_nothing(store: Store) -> None:
    store.check_writable()
    assert store.finished() == set()
    assert store.declared() is None
    assert store.read("ics").num_rows == 0
    assert not os.path.exists(store.root)


def test_committed_rows_come_back(store: Store) -> None:
    store.commit(rows("a", "b"))
    store.commit(rows("c"))
    assert store.finished() == {"a", "b", "c"}
    frame = pd.read_parquet(store.path("curves"))
    assert sorted(frame.trial_key) == sorted("abc" * 3)
    assert list(frame.columns) == SCHEMAS["curves"].names


def test_committing_again_changes_nothing(store: Store) -> None:
    store.commit(rows("a", "b"))
    store.commit(rows("b", "a"))
    assert store.read("trials").num_rows == 2
    assert store.read("curves").num_rows == 6


def test_recovery_removes_what_was_not_committed_and_nothing_else(store: Store) -> None:
    store.commit(rows("a"))
    store.commit(rows("b"))
    (torn,) = store.batches("trials") - {name for name in store.batches("trials") if _holds(store, name, "a")}
    os.remove(store.path("trials", f"{torn}.parquet"))
    staged = Path(store.path("_staging", "half"))
    staged.write_bytes(b"PAR1")
    assert set(store.recover()) == {store.path("curves", f"{torn}.parquet"), str(staged)}
    assert store.finished() == {"a"}
    assert set(store.read("curves")["trial_key"].to_pylist()) == {"a"}
    assert store.recover() == []


def _holds(store: Store, batch: str, key: str) -> bool:
    return key in pq.read_table(store.path("trials", f"{batch}.parquet"))["trial_key"].to_pylist()


def test_files_carry_schema_version_units_and_meaning(store: Store) -> None:
    store.commit(rows("a"))
    (batch,) = store.batches("trials")
    schema = pq.read_schema(store.path("trials", f"{batch}.parquet"))
    assert schema.metadata[b"schema_version"] == b"1"
    assert schema.field("wall_time_s").metadata[b"unit"] == b"s"
    assert all(field.metadata[b"meaning"] for field in schema)


def test_every_table_can_be_plotted_without_a_join() -> None:
    for name in set(SCHEMAS) - {"failures"}:
        assert {"trial_key", "norm", "init", "init_gain", "lr", "seed"} <= set(SCHEMAS[name].names)


def test_a_row_with_an_unknown_column_is_a_bug() -> None:
    with pytest.raises(KeyError, match=r"table ics has no column \['ics_l3'\]"):
        to_table(SCHEMAS["ics"], [{"ics_l3": 1.0}])


def test_failures_are_counted_and_are_no_results(store: Store) -> None:
    for attempt in (1, 2):
        store.record_failure({"trial_key": "a", "attempt": attempt, "error": "ValueError: x"})
    assert store.attempts() == {"a": 2}
    assert store.finished() == set()
    assert store.read("failures")["host"].null_count == 0


def test_what_was_declared_is_remembered(store: Store) -> None:
    store.declare("mini", ["a", "b"], "name: mini")
    assert store.declared() == {"name": "mini", "trial_keys": ["a", "b"], "sweep_file": "name: mini"}


def test_a_store_travels_to_a_worker(store: Store) -> None:
    pickle.loads(pickle.dumps(store)).commit(rows("a"))
    assert store.finished() == {"a"}


def test_a_damaged_file_is_named(store: Store) -> None:
    store.commit(rows("a"))
    (batch,) = store.batches("trials")
    Path(store.path("trials", f"{batch}.parquet")).write_bytes(b"not parquet")
    with pytest.raises(InputError, match=r"results/trials: a file is damaged \(.*" + batch):
        store.finished()


def test_two_runs_cannot_hold_one_directory(store: Store) -> None:
    with (
        store.lock(),
        pytest.raises(InputError, match=r"held by another run \(host .*, pid \d+, since \d{4}-.* UTC\)"),
        store.lock(),
    ):
        pass
    with store.lock():
        pass


@pytest.mark.parametrize("content", ["{", "[1]", "{}"])
def test_a_damaged_declaration_is_named(store: Store, content: str) -> None:
    store.declare("mini", ["a"], "")
    Path(store.path("_sweep.json")).write_text(content)
    with pytest.raises(InputError, match=r"_sweep\.json: damaged \("):
        store.declared()


def test_a_table_that_is_a_file_is_named(store: Store) -> None:
    os.makedirs(store.root)
    Path(store.path("trials")).write_text("")
    with pytest.raises(InputError, match=r"results/trials: cannot be read \(.*it should be a directory"):
        store.finished()


def test_an_output_that_cannot_be_a_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"--out .*/file/x: .*/file is not a directory"):
        Store.open(tmp_path / "file" / "x").check_writable()


def test_an_unknown_filesystem_is_refused() -> None:
    with pytest.raises(InputError, match=r"--out gopher://x: cannot be opened"):
        Store.open("gopher://x")
