"""Taking in what has no number: files of an earlier version of bnsweep, or of another program.

Whoever takes a directory over merges them into commits before anything else, as `compact` merges commits. So nobody who
reads a whole folder is given a file of an older schema first, and from then on there is one kind of file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bnsweep.errors import InputError
from bnsweep.results.files import Files
from bnsweep.results.keys import to_texts
from bnsweep.results.reading import damaged, parquet_entries
from bnsweep.results.seal import read_sealed
from bnsweep.results.snapshot import EARLIER_BATCH, Snapshot
from bnsweep.results.tables import conformed, drift, joined_rows
from bnsweep.results.writer import Writer, tables

MAX_BYTES = 250_000_000
"""Bytes of Parquet that become one commit."""
ROW_GROUP_SIZE = 128 * 1024
UNCOMMITTED = "_uncommitted"
JOURNAL = "_replace.json"
EARLIER_RECORDS = ("_run.json", "_stop.json", JOURNAL, "_lock", "_commit_lock")
EARLIER_FOLDERS = ("_claims", "_commits", "_replace")


@dataclass(frozen=True)
class _Batch:
    """Files without a number that become one commit, by name, with their bytes; trials in the order of their names."""

    files: dict[str, int]

    def of(self, table: str) -> list[str]:
        return [name for name in self.files if name.startswith(f"{table}/")]

    @property
    def tables(self) -> list[str]:
        return sorted({name.partition("/")[0] for name in self.files})


def convert(writer: Writer) -> bool:
    """Take in what has no number, after a take-over; return whether there was anything.

    Raises:
        InputError: a file is damaged or not of bnsweep's schema, or an earlier version's compaction was cut off.
    """
    snapshot, files = writer.snapshot, writer.files
    if snapshot.is_converted:
        return False
    _check_journal(files)
    files.delete(EARLIER_RECORDS)  # an earlier version's workers commit nothing any more without them
    seen = set(to_texts(snapshot.numbered_keys))
    for batch in _batches(files, snapshot):
        writer.merge(_rows(files, batch, seen), (), batch.files, ROW_GROUP_SIZE)
    for name in _torn(files):
        files.move(name, f"{UNCOMMITTED}/{name}")
    for folder in EARLIER_FOLDERS:
        files.delete([f"{folder}/{entry.name}" for entry in files.entries(folder)])
    return True


def _check_journal(files: Files) -> None:
    try:
        journal = read_sealed(files, JOURNAL)
    except ValueError:
        journal = {"is_pending": True}
    if journal and journal.get("is_pending"):
        raise InputError(
            f"{files.root}: `bnsweep compact` of an earlier version was cut off here; finish it with that version"
        )


def _batches(files: Files, snapshot: Snapshot) -> Iterator[_Batch]:
    """Yield what becomes a commit each: a file in `trials/` with its namesakes in other tables.

    Where metrics are in files of other names, everything becomes one commit, so that no row is there twice in between.
    """
    found = {table: dict(snapshot.unnumbered(table)) for table in sorted(tables(files) | {"trials"})}
    trials, failures = found.pop("trials"), found.pop("failures", {})
    stems = {name.partition("/")[2] for name in trials}
    metrics = {name: size for sizes in found.values() for name, size in sizes.items()}
    loose = [name for name in metrics if name.partition("/")[2] not in stems]
    keys = pa.chunked_array([_column(files, name) for name in (trials if loose else ())], pa.string())
    batch = dict(failures) | {name: metrics[name] for name in loose if _are_all_of(_column(files, name), keys)}
    is_whole = len(batch) > len(failures)
    for name, size in sorted(trials.items()):
        own = {f"{table}/{name.partition('/')[2]}" for table in found}
        batch |= {name: size} | {metric: metrics[metric] for metric in sorted(own & metrics.keys())}
        if not is_whole and sum(batch.values()) > MAX_BYTES:
            yield _Batch(batch)
            batch = {}
    if batch:
        yield _Batch(batch)


def _are_all_of(some: pa.ChunkedArray, keys: pa.ChunkedArray) -> bool:
    return len(some) > 0 and bool(pc.all(pc.is_in(some, keys.combine_chunks())).as_py())


def _rows(files: Files, batch: _Batch, seen: set[str]) -> Iterator[tuple[str, pa.Table]]:
    """Yield the rows of a batch by table; of a trial that is there twice those of the first file. Adds to `seen`."""
    dropped, parts = dict[str, pa.Array](), []
    for name in batch.of("trials"):
        rows = _read(files, "trials", name)
        is_new = pa.array([not (key in seen or seen.add(key)) for key in rows["trial_key"].to_pylist()], pa.bool_())  # type: ignore[func-returns-value]  # adds it
        if not pc.all(is_new).as_py() and len(rows):
            dropped[name.partition("/")[2]] = rows["trial_key"].filter(pc.invert(is_new)).combine_chunks()
        parts.append(rows.filter(is_new))
    yield "trials", joined_rows("trials", parts)
    for table in batch.tables:
        if table != "trials":
            yield (
                table,
                joined_rows(
                    table,
                    [
                        _without(_read(files, table, name), dropped.get(name.partition("/")[2]))
                        for name in batch.of(table)
                    ],
                ),
            )


def _without(rows: pa.Table, keys: pa.Array | None) -> pa.Table:
    return rows if keys is None else rows.filter(pc.invert(pc.is_in(rows["trial_key"], keys)))


def _read(files: Files, table: str, name: str) -> pa.Table:
    try:
        with files.open(name) as source:
            rows = pq.ParquetFile(source, page_checksum_verification=True).read()
    except (pa.ArrowException, OSError) as error:
        raise damaged(files, table, f"{name}: {error}") from error
    if differs := drift(table, rows.schema):
        raise InputError(f"{files.path(name)}: {differs}; move away what is not bnsweep's")
    if "trial_key" not in rows.column_names or rows["trial_key"].null_count:
        raise damaged(files, table, f"{name} has rows without a trial_key")
    return conformed(table, rows)


def _column(files: Files, name: str) -> pa.ChunkedArray:
    """Return the keys in a file; none of one that has no such column, which is not taken in."""
    try:
        with files.open(name) as source:
            file = pq.ParquetFile(source)
            if "trial_key" not in file.schema_arrow.names:
                return pa.chunked_array([], pa.string())
            return file.read(["trial_key"])["trial_key"].cast(pa.string())
    except (pa.ArrowException, OSError) as error:
        raise damaged(files, name.partition("/")[0], f"{name}: {error}") from error


def _torn(files: Files) -> list[str]:
    """Return what an earlier version wrote and did not commit: no file in `trials/` is called as it."""
    return [
        f"{table}/{entry.name}"
        for table in sorted(tables(files) - {"trials", "failures"})
        for entry in parquet_entries(files, table)
        if EARLIER_BATCH.fullmatch(entry.name)
    ]
