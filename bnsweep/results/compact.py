"""Compaction: many small batches become a few large ones, so that the tables load quickly."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from bnsweep.errors import InputError
from bnsweep.results.batches import join, load_rows, names_of
from bnsweep.results.files import Files
from bnsweep.results.manifest import Encoded, Manifest, batch_name, encode
from bnsweep.results.reading import listed, manifests
from bnsweep.results.replace import replace
from bnsweep.results.store import Store

MAX_ROWS = 6_000_000
"""Rows of all tables of one batch: some 250 MB of Parquet, and a GB of memory while they are made."""
ROW_GROUP_SIZE = 128 * 1024
"""Rows; readers skip whole row groups that a filter rules out."""
SORTED_BY = ("norm", "lr", "step", "init", "init_gain", "seed", "trial_key")
"""What analysts filter by first; the rows of one trial at one step stay in their order."""


@dataclass(frozen=True)
class Compaction:
    """How many batches there were, and are."""

    before: int
    after: int


def compact(store: Store, max_rows: int = MAX_ROWS) -> Compaction:
    """Make batches as large as `max_rows` allows. To be called under the lock, after recovery; again, it does nothing.

    Each group of batches is replaced whole or not at all (`replace.py`).

    Raises:
        InputError: a file is damaged, or has no manifest.
    """
    files, before, after = store.files, 0, 0
    for table in ("trials", "failures"):
        found = _known(files, table)
        groups = _grouped(found, max_rows)
        before, after = before + len(found), after + len(groups)
        for group in groups:
            if len(group) > 1 or not group[0].is_compact:
                replace(files, names_of(group), [_merged(files, group)])
    return Compaction(before, after)


def _known(files: Files, table: str) -> list[Manifest]:
    found = manifests(files, listed(files, table).keys())
    if unknown := sorted(batch for batch, manifest in found.items() if manifest is None):
        raise InputError(
            f"{files.path(table)}: {len(unknown)} files, such as {unknown[0]}.parquet, are without a manifest; "
            f"`bnsweep verify --repair` looks into it"
        )
    return [manifest for manifest in found.values() if manifest]


def _grouped(found: Iterable[Manifest], max_rows: int) -> list[list[Manifest]]:
    """Return groups of at most `max_rows` rows: the largest batches first, each into the first group that it fits.

    No two groups would fit together, so grouping the results of a compaction again leaves each by itself.
    """
    groups: list[list[Manifest]] = []
    sizes: list[int] = []
    for manifest in sorted(found, key=lambda manifest: (-manifest.rows, manifest.batch)):
        fits = next((number for number, size in enumerate(sizes) if size + manifest.rows <= max_rows), None)
        if fits is None:
            groups.append([manifest])
            sizes.append(manifest.rows)
        else:
            groups[fits].append(manifest)
            sizes[fits] += manifest.rows
    return groups


def _merged(files: Files, group: Sequence[Manifest]) -> Encoded:
    """Return the rows of a group as one batch, of which one table at a time is in memory uncompressed."""
    group = sorted(group, key=lambda manifest: manifest.batch)
    names = sorted({record.table for manifest in group for record in manifest.files})
    tables = ((name, _sorted(join(files, name, load_rows(files, name, group)))) for name in names)
    parts = [key for manifest in group for key in manifest.trial_keys] or [manifest.batch for manifest in group]
    return encode(batch_name(parts), tables, row_group_size=ROW_GROUP_SIZE)


def _sorted(rows: pa.Table) -> pa.Table:
    """Return the rows in the order of `SORTED_BY`."""
    present = [name for name in SORTED_BY if name in rows.column_names]
    keys = pa.table({name: _sort_key(rows[name].combine_chunks()) for name in present})
    return rows.take(pc.sort_indices(keys, sort_keys=[(name, "ascending") for name in present]))


def _sort_key(column: pa.Array) -> pa.Array:
    """Return what sorts as the column does: numbers instead of strings, five times as fast."""
    return pc.rank(column.dictionary).take(column.indices) if pa.types.is_dictionary(column.type) else column
