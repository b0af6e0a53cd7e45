"""Merging: commits, and files without a number, become one commit.

`compact` merges commits, a take-over what has no number, a repair what is there twice. The rows are checked as they are
read: what is damaged must not be made to look sound.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from bnsweep.errors import InputError
from bnsweep.results.commits import FileRecord, Footer, commit_name, is_as_written, number_of, read_parquet
from bnsweep.results.locations import Files
from bnsweep.results.reading import damaged
from bnsweep.results.tables import conformed, drift, joined_rows
from bnsweep.results.writer import Writer

SORTED_BY = ("norm", "lr", "step", "init", "init_gain", "seed", "trial_key")
"""What analysts filter by first; the rows of one trial at one step stay in their order."""


@dataclass(frozen=True)
class Group:
    """What becomes one commit: other commits; and files without a number, by name, with their bytes."""

    commits: Sequence[Footer] = ()
    files: Mapping[str, int] = field(default_factory=dict)

    def by_table(self) -> dict[str, dict[str, FileRecord | None]]:
        """Return the files of each table in their order, with what their commit says of them; `trials` first."""
        found: dict[str, dict[str, FileRecord | None]] = {"trials": {}}
        for footer in self.commits:
            found["trials"][commit_name(footer.number)] = None
            for record in footer.files:
                found.setdefault(record.table, {})[record.name] = record
        for name in self.files:
            found.setdefault(name.partition("/")[0], {})[name] = None
        return found


def merge(writer: Writer, group: Group, seen: set[str] | None = None) -> None:
    """Commit the rows of a group in place of its files; then these go.

    Args:
        writer: whose commit it is.
        group: what is merged.
        seen: keys of trials whose rows are left out; those of the group are added. None: each row is taken.

    Raises:
        InputError: a file is damaged, or not of bnsweep's schema. StoreError: it cannot be written.
    """
    writer.merge(_rows(writer.files, group, seen), group.commits, group.files)


def _rows(files: Files, group: Group, seen: set[str] | None) -> Iterator[tuple[str, pa.Table]]:
    """Yield the rows by table, of which one at a time is in memory uncompressed.

    Of a trial that was seen before, the rows of the same commit go, or of files called as the one that it is in.
    """
    again = dict[object, pa.Array]()
    for table, records in group.by_table().items():
        parts = []
        for name, rows in _read(files, table, records):
            source = number_of(name) or name.partition("/")[2]
            if table == "trials" and seen is not None:
                again[source] = rows["trial_key"].filter(pc.invert(_are_new(rows, seen))).combine_chunks()
            is_whole = table == "failures" or not len(again.get(source, ()))
            parts.append(rows if is_whole else rows.filter(pc.invert(pc.is_in(rows["trial_key"], again[source]))))
        yield table, _sorted(joined_rows(table, parts))


def _are_new(rows: pa.Table, seen: set[str]) -> pa.Array:
    """Return of each trial whether it was not seen before, and add it to those that were."""
    is_new = []
    for key in rows["trial_key"].to_pylist():
        is_new.append(key not in seen)
        seen.add(key)
    return pa.array(is_new, pa.bool_())


def _read(files: Files, table: str, records: Mapping[str, FileRecord | None]) -> Iterator[tuple[str, pa.Table]]:
    for (name, record), content in zip(records.items(), files.read_many(list(records)), strict=True):
        if content is None:
            raise damaged(files, table, f"{name} is missing")
        try:
            is_sound = record.matches(content) if record else number_of(name) is None or is_as_written(content)
            rows = read_parquet(content)
        except (pa.ArrowException, OSError) as error:
            raise damaged(files, table, f"{name}: {error}") from error
        if not is_sound:
            raise damaged(files, table, f"{name} differs from what was written")
        if differs := drift(table, rows.schema):
            raise InputError(f"{files.path(name)}: {differs}; move away what is not bnsweep's")
        if "trial_key" not in rows.column_names or rows["trial_key"].null_count:
            raise damaged(files, table, f"{name} has rows without a trial_key")
        yield name, conformed(table, rows)


def _sorted(rows: pa.Table) -> pa.Table:
    """Return rows in the order of `SORTED_BY`."""
    names = [name for name in SORTED_BY if name in rows.column_names]
    keys = pa.table({name: _sort_key(rows[name].combine_chunks()) for name in names})
    return rows.take(pc.sort_indices(keys, sort_keys=[(name, "ascending") for name in names]))


def _sort_key(column: pa.Array) -> pa.Array:
    """Return what sorts as the column does: numbers instead of strings, five times as fast."""
    return pc.rank(column.dictionary).take(column.indices) if pa.types.is_dictionary(column.type) else column
