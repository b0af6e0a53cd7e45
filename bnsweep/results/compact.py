"""Compaction: many small commits become a few large ones, so that the tables load quickly.

It is a writer like any other: it takes the directory over, and what it merges is a commit with the next number, whose
footer lists the numbers that it replaces. Only then do their files go. A take-over never goes, nor the number before
one: a writer that was taken over may still be in doubt about that number, and would write it again were it free.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from bnsweep.results.commits import DIGEST, FileRecord, Kind, is_as_written, read_parquet
from bnsweep.results.files import Content, Files
from bnsweep.results.reading import damaged
from bnsweep.results.snapshot import Snapshot, TrialsFile
from bnsweep.results.store import Store
from bnsweep.results.tables import joined_rows
from bnsweep.results.writer import leftovers

MAX_ROWS = 6_000_000
"""Rows of all tables of one commit: some 250 MB of Parquet, and a GB of memory while they are made."""
ROW_GROUP_SIZE = 128 * 1024
"""Rows; readers skip whole row groups that a filter rules out."""
SORTED_BY = ("norm", "lr", "step", "init", "init_gain", "seed", "trial_key")
"""What analysts filter by first; the rows of one trial at one step stay in their order."""


@dataclass(frozen=True)
class Compaction:
    """How many commits with rows there were, and are."""

    before: int
    after: int


def compact(store: Store, max_rows: int = MAX_ROWS) -> Compaction:
    """Make commits as large as `max_rows` allows; again, it does nothing.

    Raises:
        InputError: a run is at work, or a file is damaged. StoreError: it cannot be written.
    """
    before = store.snapshot()
    is_tidy = before.is_converted and not before.has_leftovers
    is_tidy = is_tidy and not leftovers(store.files, before, max(before.numbers, default=0))
    if not is_tidy or _groups(before, max_rows, is_taken_over=False):
        with store.take_over(wait=False) as writer:
            for group in _groups(writer.snapshot, max_rows, is_taken_over=True):
                footers = [file.footer for file in group if file.footer]
                writer.merge(_merged(store.files, group), footers, {}, ROW_GROUP_SIZE)
    return Compaction(_with_rows(before), _with_rows(store.snapshot()))


def _with_rows(snapshot: Snapshot) -> int:
    return sum(file.rows > 0 for file in snapshot.live)


def _groups(snapshot: Snapshot, max_rows: int, *, is_taken_over: bool) -> list[list[TrialsFile]]:
    """Return the groups of commits to merge.

    Args:
        snapshot: what there is.
        max_rows: of one group.
        is_taken_over: whether the last number is that of our own take-over; if not, the number before will be kept.
    """
    kept = snapshot.kept if is_taken_over else snapshot.kept | {max(snapshot.numbers, default=0)}
    free = [file for file in snapshot.live if file.footer and file.footer.number not in kept]
    groups = _grouped(free, max_rows)
    return [group for group in groups if len(group) > 1 or not (group[0].footer and group[0].footer.kind is Kind.MERGE)]


def _grouped(found: Iterable[TrialsFile], max_rows: int) -> list[list[TrialsFile]]:
    """Return groups of at most `max_rows` rows: the largest commits first, each into the first group that it fits.

    No two groups would fit together, so grouping the results of a compaction again leaves each by itself.
    """
    groups: list[list[TrialsFile]] = []
    sizes: list[int] = []
    for file in sorted(found, key=lambda file: (-file.rows, file.name)):
        fits = next((number for number, size in enumerate(sizes) if size + file.rows <= max_rows), None)
        if fits is None:
            groups.append([file])
            sizes.append(file.rows)
        else:
            groups[fits].append(file)
            sizes[fits] += file.rows
    return groups


def _merged(files: Files, group: Sequence[TrialsFile]) -> Iterator[tuple[str, pa.Table]]:
    """Yield the rows of a group by table, of which one at a time is in memory uncompressed."""
    group = sorted(group, key=lambda file: file.name)
    records = [record for file in group if file.footer for record in file.footer.files]
    yield "trials", sort(joined_rows("trials", _trials(files, group)))
    for table in sorted({record.table for record in records}):
        yield table, sort(joined_rows(table, _metrics(files, [one for one in records if one.table == table])))


def _trials(files: Files, group: Sequence[TrialsFile]) -> list[pa.Table]:
    found = []
    for file, content in zip(group, files.read_many([file.name for file in group]), strict=True):
        rows, metadata = _checked(files, "trials", file.name, content)
        if not is_as_written(content or b"", metadata.get(DIGEST, b"")):
            raise damaged(files, "trials", f"{file.name} differs from what was written")
        found.append(rows)
    return found


def _metrics(files: Files, records: Sequence[FileRecord]) -> list[pa.Table]:
    found = []
    for record, content in zip(records, files.read_many([record.name for record in records]), strict=True):
        if content is not None and not record.matches(content):
            raise damaged(files, record.table, f"{record.name} differs from what was written")
        found.append(_checked(files, record.table, record.name, content)[0])
    return found


def _checked(files: Files, table: str, name: str, content: Content | None) -> tuple[pa.Table, dict[bytes, bytes]]:
    if content is None:
        raise damaged(files, table, f"{name} is missing")
    try:
        return read_parquet(content)
    except (pa.ArrowException, OSError) as error:
        raise damaged(files, table, f"{name}: {error}") from error


def sort(rows: pa.Table) -> pa.Table:
    """Return rows in the order of `SORTED_BY`."""
    present = [name for name in SORTED_BY if name in rows.column_names]
    keys = pa.table({name: _sort_key(rows[name].combine_chunks()) for name in present})
    return rows.take(pc.sort_indices(keys, sort_keys=[(name, "ascending") for name in present])) if present else rows


def _sort_key(column: pa.Array) -> pa.Array:
    """Return what sorts as the column does: numbers instead of strings, five times as fast."""
    return pc.rank(column.dictionary).take(column.indices) if pa.types.is_dictionary(column.type) else column
