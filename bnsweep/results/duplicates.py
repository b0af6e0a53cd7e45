"""Duplicates: trials that are in two batches, since a worker that was given up for dead committed after all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from bnsweep.results.batches import load_rows, names_of
from bnsweep.results.files import Files
from bnsweep.results.manifest import Encoded, Manifest, batch_name, encode
from bnsweep.results.reading import manifests, trial_keys
from bnsweep.results.replace import replace


def surplus(keys: Mapping[str, Sequence[str]]) -> dict[str, set[str]]:
    """Return, by batch, the trials that a batch with a smaller name has too."""
    seen, found = set[str](), dict[str, set[str]]()
    for batch in sorted(keys):
        if again := seen.intersection(keys[batch]):
            found[batch] = again
        seen.update(keys[batch])
    return found


def remove_duplicates(files: Files) -> list[str]:
    """Leave each trial in one batch; return the keys of those that were in several.

    Batches without a sound manifest are left to `verify`.
    """
    found = surplus(trial_keys(files))
    known = {batch: manifest for batch, manifest in manifests(files, found).items() if manifest}
    if known:
        replace(files, names_of(list(known.values())), _without(files, known, found))
    return sorted(set[str]().union(*(found[batch] for batch in known)))


def _without(files: Files, known: Mapping[str, Manifest], found: Mapping[str, set[str]]) -> Iterator[Encoded]:
    """Yield what remains of each batch."""
    for batch, manifest in known.items():
        removed = pa.array(sorted(found[batch]))
        tables = {
            record.table: kept
            for record in manifest.files
            for rows in load_rows(files, record.table, [manifest])
            if (kept := rows.filter(pc.invert(pc.is_in(rows["trial_key"].cast(pa.string()), removed)))).num_rows
        }
        if tables:
            yield encode(batch_name(tables["trials"]["trial_key"].to_pylist()), tables.items())
