"""Directories that earlier versions wrote, or an analyst: they are read as they are, and a writer takes them in."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest

import analysis
from bnsweep.errors import InputError
from bnsweep.results import Store, convert
from bnsweep.results.compact import Compaction, compact
from bnsweep.results.declaration import seal
from bnsweep.results.trial import StoredTrial
from bnsweep.results.writer import last_attempts
from bnsweep.spec import TrialSpec
from tests.results.earlier import put_table, rows_as_pandas_would, without_columns, write_batch, write_earlier
from tests.results.rows import commit, contents, few_specs, sorted_rows, tables_of, write_store


def keys(specs: list[TrialSpec]) -> set[str]:
    return {spec.trial_key for spec in specs}


def files(store: Store) -> list[str]:
    """Return the names of all files but those that have a number."""
    folders = ["", *(entry.name for entry in store.files.entries() if not entry.is_file)]
    entries = [(folder, entry) for folder in folders for entry in store.files.entries(folder) if entry.is_file]
    names = [f"{folder}/{entry.name}".lstrip("/") for folder, entry in entries if not entry.name.startswith("000")]
    return [name for name in names if name != "_lease.json"]


def test_a_directory_of_an_earlier_version_is_read_as_it_is_and_converted_by_a_compaction(store: Store) -> None:
    specs = few_specs()
    write_earlier(store, specs)
    assert store.finished() == keys(specs)
    assert store.use(last_attempts) == {specs[0].trial_key: 1}
    before = contents(store)
    assert set(before) >= {"trials", "ics", "noise", "failures"}
    assert compact(store) == Compaction(before=3, after=1)
    assert contents(store) == before
    assert files(store) == ["_sweep.json"]
    assert store.use(last_attempts) == {specs[0].trial_key: 1}
    assert compact(store) == Compaction(1, 1)


def test_a_run_into_a_directory_of_an_earlier_version_converts_it_first(store: Store) -> None:
    specs = few_specs(8)
    write_earlier(store, specs[:6])
    with store.take_over() as writer:
        assert len(writer.keys) == 6
        assert writer.attempts == {specs[0].trial_key: 1}
        assert files(store) == ["_sweep.json"]
        writer.commit(tables_of(specs[6:]))
    assert store.finished() == keys(specs)


def test_columns_that_an_earlier_version_did_not_have_are_there_for_whoever_reads_the_folder(tmp_path: str) -> None:
    store, specs = Store.open(tmp_path), few_specs(4)
    write_batch(store, without_columns(tables_of(specs[:2]), "test_loss_running", "layer_name", "given_as"))
    commit(store, tables_of(specs[2:]))
    for table in ("trials", "ics", "landscape"):
        assert list(pd.read_parquet(store.path(table)).columns) == store.read(table).schema.names
    assert pd.read_parquet(store.path("ics"))["layer_name"].notna().sum() == store.read("ics").num_rows / 2


def test_what_an_earlier_version_did_not_commit_is_not_read_and_moved_out_of_the_way(local: Store) -> None:
    specs = few_specs(4)
    write_earlier(local, specs[:2])
    torn = write_batch(local, tables_of(specs[2:]))
    local.files.delete([f"trials/{torn}.parquet"])
    assert set(local.read("ics")["trial_key"].to_pylist()) == keys(specs[:2])
    commit(local, tables_of(specs[2:]))
    assert local.files.read(f"_uncommitted/ics/{torn}.parquet")
    assert local.read("ics").num_rows == len(tables_of(specs)["ics"])


def test_a_trial_that_an_earlier_version_committed_twice_is_taken_in_once(local: Store) -> None:
    specs = few_specs(3)
    for some in (specs[:2], specs[1:]):
        write_batch(local, tables_of(some))
    commit(local)
    for table, rows in tables_of(specs).items():
        assert sorted_rows(local.read(table)) == sorted_rows(rows)


def test_many_files_become_several_commits(local: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convert, "MAX_BYTES", 150_000)
    write_earlier(local, few_specs(), pack=1)
    before = contents(local)
    commit(local)
    assert 1 < len([file for file in local.snapshot().live if file.rows]) < 6
    assert contents(local) == before


def test_a_compaction_that_an_earlier_version_left_undone_is_left_to_it(local: Store) -> None:
    write_earlier(local, few_specs(2))
    local.files.put("_replace.json", seal({"id": "x", "is_pending": True, "folders": {}}))
    with pytest.raises(InputError, match="`bnsweep compact` of an earlier version was cut off here; finish"):
        local.take_over()


@pytest.fixture
def analysts(local: Store) -> Store:
    """Plain files with the documented columns: trials in one, metrics in others."""
    specs = few_specs()
    for number, some in enumerate((specs[:4], specs[4:])):
        put_table(local, f"trials/part-{number}.parquet", rows_as_pandas_would(some)["trials"])
    for table in ("curves", "ics"):
        put_table(local, f"{table}/all.parquet", rows_as_pandas_would(specs)[table])
    return local


def test_plain_files_of_an_analyst_are_read_and_taken_in(analysts: Store) -> None:
    specs, before = few_specs(8), contents(analysts)
    assert analysts.finished() == keys(specs[:6])
    assert set(analysts.read("trials")["status"].to_pylist()) == {"completed"}
    stored = StoredTrial.find(analysts, specs[0].trial_key)
    assert stored.rows("ics").num_rows == len(tables_of(specs[:1])["ics"])
    commit(analysts, tables_of(specs[6:]))
    assert analysts.finished() == keys(specs)
    for table in ("trials", "curves", "ics"):
        rows = sorted_rows(analysts.read(table))
        assert {row for row in rows if row[0] in keys(specs[:6])} == set(before[table])
        assert len(rows) * 6 == len(before[table]) * 8
    assert files(analysts) == []


def test_analysis_loads_plain_files(tmp_path: str) -> None:
    specs = few_specs()
    store = Store.open(tmp_path)
    for table, rows in rows_as_pandas_would(specs).items():
        put_table(store, f"{table}/mine.parquet", rows)
    results = analysis.load(tmp_path)
    assert set(results.trials["trial_key"]) == keys(specs)
    assert len(results.ics) == len(tables_of(specs)["ics"])


def test_a_file_of_the_same_name_that_is_put_there_later_counts(analysts: Store) -> None:
    specs = few_specs(8)
    commit(analysts)
    put_table(analysts, "trials/part-0.parquet", rows_as_pandas_would(specs[6:])["trials"])
    assert analysts.finished() == keys(specs)
    commit(analysts)
    assert analysts.finished() == keys(specs)


def test_a_table_of_metrics_that_an_analyst_adds_stays_where_it_is(local: Store) -> None:
    specs = write_store(local)
    rows = pa.table({"trial_key": [spec.trial_key for spec in specs], "mine": [0.5] * 6})
    put_table(local, "mine/file.parquet", rows)
    compact(local)
    commit(local)
    assert files(local) == ["_sweep.json", "mine/file.parquet"]
    assert sorted_rows(local.read("mine")) == sorted_rows(rows)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            pa.table({"trial_key": ["a"], "mine": [1]}),
            "a.parquet: column mine is none of table trials; move away",
        ),
        (pa.table({"trial_key": ["a"], "lr": ["1"]}), "column lr is of type string, not double; move away"),
        (pa.table({"trial_key": [None]}, pa.schema({"trial_key": pa.string()})), "has rows without a trial_key"),
    ],
)
def test_files_of_another_schema_are_refused(local: Store, rows: pa.Table, message: str) -> None:
    put_table(local, "trials/a.parquet", rows)
    with pytest.raises(InputError, match=message):
        local.take_over()
    assert local.files.read("trials/a.parquet")
