"""Compaction: few large files with the same rows, in an order in which filters skip most of them."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest

from bnsweep.errors import InputError
from bnsweep.results import SCHEMAS, Store, commits
from bnsweep.results.compact import Compaction, compact
from bnsweep.results.trial import StoredTrial
from bnsweep.results.writer import last_attempts
from tests.results.rows import commit, contents, few_specs, killed, tables_of, write_store


def folder(store: Store, table: str) -> list[str]:
    return [f"{table}/{entry.name}" for entry in store.files.entries(table)]


def test_many_commits_become_one_with_the_same_rows(store: Store) -> None:
    specs = write_store(store, pack=2)
    before, attempts, said = contents(store), store.use(last_attempts), list[str]()
    assert compact(store, say=said.append) == Compaction(before=5, after=1)
    assert said == [f"reading which commits are in {store.root}", "merging 5 commits into one, 1 of 1"]
    assert contents(store) == before
    assert {len(folder(store, table)) for table in set(before) - {"trials"}} == {1}
    assert store.use(last_attempts) == attempts
    assert store.finished() == {spec.trial_key for spec in specs}
    assert StoredTrial.find(store, specs[0].trial_key).rows("noise").num_rows == 2


def test_compacting_again_changes_nothing_and_what_came_since_is_taken_in(store: Store) -> None:
    write_store(store, pack=1)
    compact(store)
    files = folder(store, "trials")
    assert compact(store) == Compaction(1, 1)
    assert folder(store, "trials") == files
    commit(store, tables_of(few_specs(8)[6:]))
    before = contents(store)
    assert compact(store) == Compaction(2, 1)
    assert contents(store) == before
    replaces = [footer.replaces for footer in store.snapshot().commits if footer.replaces]
    assert len(replaces) == 1
    assert len(set(replaces[0])) == len(replaces[0]) == 8 + 1 + 1
    assert compact(store) == Compaction(1, 1)


def test_a_take_over_and_the_number_before_it_never_go(local: Store) -> None:
    specs = few_specs(4)
    with killed(local) as writer:
        writer.commit(tables_of(specs[:1]))
        writer.commit(tables_of(specs[1:2]))
    commit(local, tables_of(specs[2:3]), tables_of(specs[3:]))
    before = contents(local)
    compact(local)
    assert contents(local) == before
    assert folder(local, "trials") == [f"trials/{number:08d}.parquet" for number in (1, 3, 4, 7, 8, 9, 10)]


def test_no_commit_exceeds_the_limit_and_no_two_would_fit_into_one(local: Store) -> None:
    write_store(local, pack=1)
    before = contents(local)
    rows = sum(len(some) for table, some in before.items() if table != "failures") // 6
    assert compact(local, max_rows=2 * rows + 1) == Compaction(8, 3)
    assert compact(local, max_rows=2 * rows + 1) == Compaction(3, 3)
    assert contents(local) == before


def test_rows_are_sorted_so_that_filters_skip_row_groups(local: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commits, "ROW_GROUP_SIZE", 8)
    write_store(local, pack=3)
    compact(local)
    (name,) = folder(local, "ics")
    file = pq.ParquetFile(local.files.open(name))
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


@pytest.mark.parametrize("table", ["ics", "trials"])
def test_a_damaged_commit_is_not_made_to_look_sound(local: Store, table: str) -> None:
    write_store(local)
    name = folder(local, table)[1]
    content = bytearray(local.files.read(name) or b"")
    content[content.rindex(b"parquet-cpp")] ^= 1  # in no row
    local.files.put(name, bytes(content))
    before = contents(local)
    with pytest.raises(
        InputError, match=rf"results/{table}: a file is damaged \(.*differs from what was written\); `bn"
    ):
        compact(local)
    assert contents(local) == before


def test_a_run_at_work_is_left_alone(local: Store) -> None:
    write_store(local)
    with (
        local.take_over(),
        pytest.raises(InputError, match=r"held by another run \(host .*, pid .*\); wait for it or stop"),
    ):
        compact(local)
