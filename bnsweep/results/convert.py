"""Taking in what has no number: files of an earlier version of bnsweep, or of another program.

Whoever takes a directory over merges them into commits before anything else. So nobody who reads a whole folder is
given a file of an older schema first, and from then on there is one kind of file.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bnsweep.errors import InputError
from bnsweep.results.commits import number_of
from bnsweep.results.declaration import unseal
from bnsweep.results.keys import to_texts
from bnsweep.results.locations import Files
from bnsweep.results.merging import Group, merge
from bnsweep.results.reading import damaged
from bnsweep.results.snapshot import Role, Snapshot
from bnsweep.results.takeover import tables
from bnsweep.results.trials_files import keys_of
from bnsweep.results.writer import Writer

MAX_BYTES = 250_000_000
"""Bytes of Parquet that become one commit."""
UNCOMMITTED = "_uncommitted"
JOURNAL = "_replace.json"
EARLIER_RECORDS = ("_run.json", "_stop.json", JOURNAL, "_lock", "_commit_lock")
EARLIER_FOLDERS = ("_claims", "_commits", "_replace")


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
    torn = [name for table in sorted(tables(files) - {"trials"}) for name in _torn(snapshot, table)]
    seen = set(to_texts(keys_of(file for file in snapshot.live if file.footer)))
    for group in _groups(snapshot):
        merge(writer, group, seen)
    for name in torn:
        files.move(name, f"{UNCOMMITTED}/{name}")
    for folder in EARLIER_FOLDERS:
        files.delete([f"{folder}/{entry.name}" for entry in files.entries(folder)])
    return True


def _torn(snapshot: Snapshot, table: str) -> list[str]:
    """Return what an earlier version wrote and did not commit."""
    metrics = snapshot.metrics(table)
    return [name for name, (_, role) in metrics.items() if role is Role.TORN and number_of(name) is None]


def _check_journal(files: Files) -> None:
    content = files.read(JOURNAL)
    try:
        is_pending = content is not None and unseal(content).get("is_pending")
    except ValueError:
        is_pending = True
    if is_pending:
        raise InputError(
            f"{files.root}: `bnsweep compact` of an earlier version was cut off here; finish it with that version"
        )


def _groups(snapshot: Snapshot) -> Iterator[Group]:
    """Yield what becomes a commit each: a file in `trials/` with its namesakes in other tables.

    Where metrics are in files of other names, everything becomes one commit, so that no row is there twice in between.
    """
    files = snapshot.files
    loose = {table: snapshot.loose(table) for table in sorted(tables(files) | {"trials"})}
    trials, batch = loose.pop("trials"), loose.pop("failures", {})
    metrics = {name: size for sizes in loose.values() for name, size in sizes.items()}
    stems = {name.partition("/")[2] for name in trials}
    others = [name for name in metrics if name.partition("/")[2] not in stems]
    keys = pa.chunked_array([_keys(files, name) for name in (trials if others else ())], pa.string())
    of_these = {name: metrics[name] for name in others if _are_all_of(_keys(files, name), keys)}
    batch |= of_these
    for name, size in sorted(trials.items()):
        namesakes = [f"{table}/{name.partition('/')[2]}" for table in loose]
        batch |= {name: size} | {own: metrics[own] for own in namesakes if own in metrics}
        if not of_these and sum(batch.values()) > MAX_BYTES:
            yield Group(files=batch)
            batch = {}
    if batch:
        yield Group(files=batch)


def _are_all_of(some: pa.ChunkedArray, keys: pa.ChunkedArray) -> bool:
    return len(some) > 0 and bool(pc.all(pc.is_in(some, keys.combine_chunks())).as_py())


def _keys(files: Files, name: str) -> pa.ChunkedArray:
    """Return the keys in a file; none of one that has no such column, which is not taken in."""
    try:
        with files.open(name) as source:
            file = pq.ParquetFile(source)
            if "trial_key" not in file.schema_arrow.names:
                return pa.chunked_array([], pa.string())
            return file.read(["trial_key"])["trial_key"].cast(pa.string())
    except (pa.ArrowException, OSError) as error:
        raise damaged(files, name.partition("/")[0], f"{name}: {error}") from error
