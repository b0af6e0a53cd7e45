"""How objects are read: whole, also the large ones, while others are merged, and by a process that ends at once."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bnsweep.results import Store
from bnsweep.results.compact import Compaction, compact
from bnsweep.results.objects import ObjectFiles
from tests.results.rows import commit, contents, rows


def test_large_files_are_written_and_read_whole(new_uri: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bnsweep.results.objects.LARGE", 1000)
    files = Store.open(new_uri()).files
    sink = io.BytesIO()
    table = pa.table({"a": range(10_000), "b": [str(number) for number in range(10_000)]})
    pq.write_table(table, sink)
    files.put("large", sink.getvalue())
    assert files.read("large") == sink.getvalue()
    with files.open("large") as source:
        assert pq.ParquetFile(source).read(["a"]).equals(table.select(["a"]))
    with pytest.raises(FileNotFoundError):
        files.open("nothing")


def test_a_file_that_is_replaced_while_others_are_read_is_read_anew(
    new_uri: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, read = Store.open(new_uri()), ObjectFiles.open
    commit(store, rows("a"), rows("b"))
    before, merged = contents(store), list[object]()

    def merge_first(files: ObjectFiles, name: str) -> pa.NativeFile:
        if not merged and name.startswith("curves"):
            merged.append(None)
            merged.append(compact(Store.open(store_uri)))
        return read(files, name)

    store_uri = store.root + "?" + new_uri().partition("?")[2]
    monkeypatch.setattr(ObjectFiles, "open", merge_first)
    assert contents(store)["curves"] == before["curves"]
    assert merged[1:] == [Compaction(2, 1)]


def test_a_process_that_ends_right_after_it_has_read_ends_well(new_uri: Callable[[], str]) -> None:
    """Arrow's threads may let go of what they read when Python is no more."""
    uri = new_uri()
    commit(Store.open(uri), rows("a"), rows("b"))
    code = f"from bnsweep.results import Store; assert Store.open({uri!r}).read('trials').num_rows == 2"
    readers = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE) for _ in range(2)]
    assert [(reader.communicate()[1], reader.returncode) for reader in readers] == [(b"", 0)] * 2
