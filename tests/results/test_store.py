"""The contract of a store: what is committed, what is recovered, and what readers see, wherever it is."""

from __future__ import annotations

import pickle

import pandas as pd
import pyarrow.parquet as pq
import pytest

from bnsweep.errors import InputError, Superseded
from bnsweep.results import SCHEMAS, Store
from bnsweep.results.batches import names_of
from bnsweep.results.files import write
from bnsweep.results.reading import manifests, trial_keys
from bnsweep.results.replace import replace
from bnsweep.results.tables import to_table
from tests.results.rows import commit, few_specs, plain_rows, rows


def test_opening_and_reading_write_nothing(store: Store) -> None:
    store.check_writable()
    assert store.finished() == set()
    assert store.outcomes() == store.attempts() == {}
    assert store.declared() is None
    assert store.read("ics").num_rows == 0
    assert not any(entry.is_file for folder in ("", "_staging") for entry in store.files.entries(folder))


def test_committed_rows_come_back(store: Store) -> None:
    assert not store.is_there()
    store.commit(rows("a", "b"))
    store.commit(rows("c"))
    assert store.is_there()
    assert store.finished() == {"a", "b", "c"}
    frame = pd.read_parquet(store.path("curves"), filesystem=store.fs)
    assert sorted(frame.trial_key) == sorted("abc" * 3)
    assert list(frame.columns) == SCHEMAS["curves"].names
    assert store.is_committed(["b", "a"])
    assert not store.is_committed(["a"])


def test_committing_again_changes_nothing(store: Store) -> None:
    store.commit(rows("a", "b"))
    before = plain_rows(store, "curves")
    again = rows("b", "a")
    again["curves"][0]["train_loss"] = 2.5
    store.commit(again)
    assert plain_rows(store, "curves") == before
    assert store.read("trials").num_rows == 2


def test_recovery_removes_what_was_not_committed_and_nothing_else(store: Store) -> None:
    store.commit(rows("a"))
    (kept,) = store.batches("trials")
    store.commit(rows("b"))
    (torn,) = store.batches("trials") - {kept}
    store.files.delete([f"trials/{torn}.parquet"])
    write(store.files, "_staging/half", b"PAR1")
    removed = {f"curves/{torn}.parquet", f"_commits/{torn}.json", "_staging/half"}
    assert set(store.recover()) == {store.path(name) for name in removed}
    assert store.finished() == {"a"}
    assert set(store.read("curves")["trial_key"].to_pylist()) == {"a"}
    assert store.recover() == []


def test_recovery_moves_a_file_that_is_not_bnsweeps_out_of_the_way(store: Store) -> None:
    for content in (b"first", b"second"):
        write(store.files, "ics/mine.parquet", content)
        assert store.recover() == [store.path("ics/mine.parquet")]
    assert store.read("ics").num_rows == 0
    assert store.files.read("_foreign/ics/mine.parquet") == b"first"
    assert store.files.read("_foreign/ics/mine.parquet~") == b"second"


def test_recovery_leaves_each_trial_in_one_batch(store: Store) -> None:
    first, second, third = specs = few_specs(3)
    commit(store, specs[:2])
    before = {table: plain_rows(store, table) for table in ("ics", "noise", "trials")}
    for batch in ([first], [second], [second, third], [third]):
        commit(store, batch)
    assert store.read("trials").num_rows == 7
    store.recover()
    assert sorted(store.read("trials")["trial_key"].to_pylist()) == sorted(spec.trial_key for spec in specs)
    for table, rows_before in before.items():
        after = plain_rows(store, table)
        assert [row for row in after if row[0] != third.trial_key] == rows_before
        assert len(after) * 2 == len(rows_before) * 3
    assert store.recover() == []


def test_batches_can_give_way_to_nothing(store: Store) -> None:
    store.commit(rows("a"))
    store.commit(rows("b"))
    (second,) = (name for name, keys in trial_keys(store.files).items() if keys == ["b"])
    manifest = manifests(store.files, [second])[second]
    assert manifest
    replace(store.files, names_of([manifest]), [])
    assert store.finished() == {"a"}
    (left,) = store.batches("trials")
    assert [entry.name for entry in store.files.entries("_commits")] == [f"{left}.json"]


def test_files_carry_schema_version_units_and_meaning(store: Store) -> None:
    store.commit(rows("a"))
    (batch,) = store.batches("trials")
    schema = pq.read_schema(store.path("trials", f"{batch}.parquet"), filesystem=store.fs)
    assert schema.metadata[b"schema_version"] == b"3"
    assert schema.field("wall_time_s").metadata[b"unit"] == b"s"
    assert all(field.metadata[b"meaning"] for field in schema)


def test_every_table_can_be_plotted_without_a_join() -> None:
    for name in set(SCHEMAS) - {"failures"}:
        assert {"trial_key", "norm", "init", "init_gain", "lr", "seed"} <= set(SCHEMAS[name].names)


def test_a_row_with_an_unknown_column_is_a_bug() -> None:
    with pytest.raises(KeyError, match=r"table ics has no column \['ics_l3'\]"):
        to_table(SCHEMAS["ics"], [{"ics_l3": 1.0}])


def test_failures_are_counted_and_are_no_results(store: Store) -> None:
    for attempt in (1, 2, 2):
        store.record_failure({"trial_key": "a", "attempt": attempt, "error": "ValueError: x"})
    assert store.attempts() == {"a": 2}
    assert store.finished() == set()
    assert store.read("failures")["host"].null_count == 0
    assert store.recover() == []
    assert store.attempts() == {"a": 2}


def test_outcomes_are_the_statuses_of_committed_trials(store: Store) -> None:
    tables = rows("a", "b")
    tables["trials"][0]["status"], tables["trials"][1]["status"] = "completed", "diverged"
    store.commit(tables)
    store.commit(rows("c"))
    assert store.outcomes() == {"a": "completed", "b": "diverged", "c": None}
    assert store.outcomes(["b", "never ran"]) == {"b": "diverged"}


def test_what_was_declared_is_remembered(store: Store) -> None:
    store.declare("mini", ["a", "b"], "name: mini")
    assert store.declared() == {"name": "mini", "trial_keys": ["a", "b"], "sweep_file": "name: mini"}


@pytest.mark.parametrize("content", [b"{", b"[1]", b"{}", b"\xff"])
def test_a_damaged_declaration_is_named(store: Store, content: bytes) -> None:
    store.declare("mini", ["a"], "")
    write(store.files, "_sweep.json", content)
    with pytest.raises(InputError, match=r"_sweep\.json: damaged \("):
        store.declared()


def test_a_store_travels_to_a_worker(store: Store) -> None:
    pickle.loads(pickle.dumps(store)).commit(rows("a"))
    assert store.finished() == {"a"}


@pytest.mark.parametrize("content", [b"not parquet", b""])
def test_a_damaged_file_is_named(store: Store, content: bytes) -> None:
    store.commit(rows("a"))
    (batch,) = store.batches("trials")
    write(store.files, f"trials/{batch}.parquet", content)
    for use in (store.finished, lambda: store.read("trials")):
        with pytest.raises(InputError, match=rf"results/trials: a file is damaged \(.*{batch}.*verify --repair"):
            use()


def test_two_runs_cannot_hold_one_directory(store: Store) -> None:
    held = r"results: held by another run \(host .*, pid \d+, since \d{4}-.* UTC\); wait for it or stop it"
    with store.lock() as hold:
        with pytest.raises(InputError, match=held), store.lock():
            pass
        assert not hold.is_lost()
    with store.lock() as again:
        assert again.token != hold.token


def test_only_the_run_that_began_last_can_commit(store: Store) -> None:
    store.begin("old")
    store.commit(rows("a"), token="old")
    store.begin("new")
    with pytest.raises(
        Superseded, match=r"another run \(host .*, pid .*\) has taken it over; this one commits nothing"
    ):
        store.commit(rows("b"), token="old")
    assert store.finished() == {"a"}
    assert {row[0] for row in plain_rows(store, "curves")} == {"a"}
    store.commit(rows("b"), token="new")
    assert store.finished() == {"a", "b"}


def test_nothing_is_committed_to_a_directory_that_was_taken_away(store: Store) -> None:
    with pytest.raises(Superseded, match="it was taken away"):
        store.commit(rows("a"), token="token")
    assert store.batches("trials") == store.batches("curves") == set()


def test_workers_hear_that_their_run_is_to_stop(store: Store) -> None:
    assert not store.is_stopping("token")
    store.request_stop("token")
    assert store.is_stopping("token")
    assert not store.is_stopping("another")


def test_checkpoints_are_kept_until_their_trial_is_committed(store: Store) -> None:
    assert store.load_checkpoint("a") is None
    for content in (b"early", b"late"):
        store.save_checkpoint("a", content)
    for key in "bc":
        store.save_checkpoint(key, bytes(10**6))
    assert store.load_checkpoint("a") == b"late"
    assert store.checkpoints() == {"a", "b", "c"}
    store.drop_checkpoints(["b", "never saved"])
    store.commit(rows("a"))
    assert store.recover() == [store.path("_checkpoints/a")]
    assert store.checkpoints() == {"c"}
    assert store.load_checkpoint("c") == bytes(10**6)


def test_a_damaged_checkpoint_counts_as_none(store: Store) -> None:
    store.save_checkpoint("a", b"content")
    stored = store.files.read("_checkpoints/a") or b""
    for damaged in (stored[:-1], stored[:10], b"", stored[:-1] + b"?", b"?" + stored[1:]):
        write(store.files, "_checkpoints/a", damaged)
        assert store.load_checkpoint("a") is None
