"""Compaction: few large files with the same rows, in an order in which filters skip most of them."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest

from bnsweep.errors import InputError
from bnsweep.results import SCHEMAS, Store
from bnsweep.results import compact as module
from bnsweep.results.batches import join
from bnsweep.results.compact import Compaction, compact
from bnsweep.results.verify import verify
from tests.results.rows import commit, contents, few_specs, plain_rows, write_store


def test_many_batches_become_one_with_the_same_rows(store: Store) -> None:
    write_store(store, pack=2)
    before, attempts = contents(store), store.attempts()
    assert compact(store) == Compaction(before=5, after=2)
    assert contents(store) == before
    assert {len(store.batches(table)) for table in before} == {1}
    assert store.attempts() == attempts
    assert store.finished() == {spec.trial_key for spec in few_specs()}
    assert verify(store) == []


def test_compacting_again_changes_nothing_and_what_came_since_is_taken_in(store: Store) -> None:
    write_store(store, pack=1)
    compact(store)
    files = {table: store.batches(table) for table in contents(store)}
    journal = store.files.read("_replace.json")
    assert compact(store) == Compaction(2, 2)
    assert store.files.read("_replace.json") == journal
    commit(store, few_specs(8)[6:])
    before = contents(store)
    assert compact(store) == Compaction(3, 2)
    assert contents(store) == before
    assert store.batches("failures") == files["failures"]
    assert store.batches("trials") != files["trials"]


def test_no_batch_exceeds_the_limit_and_no_two_would_fit_into_one(store: Store) -> None:
    write_store(store, pack=1)
    before = contents(store)
    rows = sum(len(some) for table, some in before.items() if table != "failures") // 6
    assert compact(store, max_rows=2 * rows + 1) == Compaction(8, 4)
    assert compact(store, max_rows=2 * rows + 1) == Compaction(4, 4)
    assert contents(store) == before


def test_rows_are_sorted_so_that_filters_skip_row_groups(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROW_GROUP_SIZE", 8)
    write_store(store, pack=3)
    compact(store)
    (batch,) = store.batches("ics")
    file = pq.ParquetFile(store.path("ics", f"{batch}.parquet"), filesystem=store.fs)
    assert file.metadata.num_row_groups > 3
    names = file.schema_arrow.names
    for column in ("norm", "lr"):
        bounds = [
            file.metadata.row_group(group).column(names.index(column)).statistics
            for group in range(file.metadata.num_row_groups)
        ]
        assert any(bound.max < max(other.max for other in bounds) for bound in bounds)
    rows = file.read().to_pylist()
    keys = [tuple(row[name] for name in ("norm", "lr", "step", "init", "init_gain", "seed", "layer")) for row in rows]
    assert keys == sorted(keys)
    assert file.schema_arrow.equals(SCHEMAS["ics"], check_metadata=True)


def test_a_damaged_batch_is_not_made_to_look_sound(store: Store) -> None:
    write_store(store)
    name = f"ics/{store.files.entries('ics')[0].name}"
    content = bytearray(store.files.read(name) or b"")
    content[100] ^= 1
    with store.files.staged({name: bytes(content)}) as put:
        put([name])
    before = plain_rows(store, "trials")
    with pytest.raises(InputError, match=r"results/ics: a file is damaged \(.*differs from what was written\); `bnsw"):
        compact(store)
    assert plain_rows(store, "trials") == before


def test_a_batch_without_a_manifest_is_looked_into_first(store: Store) -> None:
    write_store(store)
    store.files.delete([f"_commits/{store.files.entries('_commits')[0].name}"])
    with pytest.raises(InputError, match=r"1 files, such as .*without a manifest; `bnsweep verify --repair` looks"):
        compact(store)


def test_keys_sort_as_text_whichever_version_wrote_them(store: Store) -> None:
    write_store(store, pack=2)
    earlier, later = store.read("trials"), store.read("trials")
    place = earlier.schema.get_field_index("trial_key")
    earlier = earlier.set_column(place, "trial_key", earlier["trial_key"].dictionary_encode())
    keys = join(store.files, "trials", [earlier, later]).to_pandas()["trial_key"].sort_values()
    assert keys.tolist() == sorted(2 * [spec.trial_key for spec in few_specs()])
