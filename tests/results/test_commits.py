"""The files of a commit."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest

from bnsweep.errors import InputError
from bnsweep.results import Store, commits
from bnsweep.results.commits import commit_name, encode_metrics, number_of
from bnsweep.results.verify import verify
from tests.results.rows import commit, few_specs, rows, tables_of


def test_no_two_tries_to_commit_share_a_name_even_at_one_number() -> None:
    """What a writer that was cut off uploads late, for a number that is another's by then, replaces nothing."""
    tables = [(name, table) for name, table in rows("a").items() if name != "trials"]
    (first, _), (second, _) = encode_metrics(7, tables), encode_metrics(7, tables)
    assert len(first) == len(second) == len(tables)
    assert not first.keys() & second.keys()
    assert {number_of(name) for name in (*first, *second)} == {7}


def test_a_commit_of_many_rows_is_read_in_parts(local: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader decodes a row group beside what it makes of it: one of a million specs takes a gigabyte more."""
    monkeypatch.setattr(commits, "ROW_GROUP_SIZE", 2)
    commit(local, tables_of(few_specs(5)))
    for table in ("trials", "curves"):
        groups = [
            pq.ParquetFile(local.files.open(f"{table}/{entry.name}")).metadata for entry in local.files.entries(table)
        ]
        assert max(one.num_row_groups for one in groups) > 2
        assert all(one.row_group(k).num_rows <= 2 for one in groups for k in range(one.num_row_groups))


def test_a_commit_under_another_number_is_no_commit(local: Store) -> None:
    """As by a copy of a file by hand: it would name the metric files of the other as its own."""
    commit(local, rows("a"))
    names = [entry.name for entry in local.files.entries("trials")]
    copy = commit_name(90)
    local.files.put(copy, local.files.read(f"trials/{names[-1]}") or b"")
    with pytest.raises(
        InputError, match=r"trials: a file is damaged \(.*90.parquet: it is not the commit of this number"
    ):
        Store.open(local.root).finished()
    assert copy in {problem.path for problem in verify(local)}
