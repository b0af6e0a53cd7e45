"""Reading: the rows of a table, and which trials are committed."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pyarrow as pa
import pyarrow.dataset as pds

from bnsweep.errors import InputError, StoreError
from bnsweep.results.files import Entry, Files
from bnsweep.results.manifest import Manifest, file_name, manifest_name
from bnsweep.results.replace import state
from bnsweep.results.schema import SCHEMAS

PARQUET = ".parquet"
FORMAT = pds.ParquetFileFormat(
    default_fragment_scan_options=pds.ParquetFragmentScanOptions(page_checksum_verification=True)
)
OFFLINE = "AWS Error"
"""In what pyarrow says where the object store, not the file, is at fault."""


def batch_files(files: Files, table: str) -> dict[str, Entry]:
    """Return the files that readers see in a table, by the name of their batch.

    Raises:
        InputError: it is no folder. StoreError: files are being replaced.
    """
    before = state(files)
    batches = listed(files, table)
    if state(files) != before:
        raise StoreError(f"{files.path(table)}: was replaced while it was read; read it again")
    return batches


def listed(files: Files, table: str) -> dict[str, Entry]:
    """Return what `batch_files` does, for one who holds the lock: no other replaces files."""
    try:
        entries = files.entries(table)
    except StoreError as error:
        if not isinstance(error.__cause__, NotADirectoryError):
            raise
        raise InputError(
            f"{files.path(table)}: cannot be read ({error.__cause__}); it should be a directory"
        ) from error
    return {
        entry.name.removesuffix(PARQUET): entry
        for entry in entries
        if entry.name.endswith(PARQUET) and not entry.name.startswith(("_", "."))
    }


def read_rows(
    files: Files,
    table: str,
    columns: Sequence[str] | None = None,
    where: pds.Expression | None = None,
    batches: Collection[str] | None = None,
) -> pa.Table:
    """Return the rows of a table, of some batches or of all, in the order of the batches' names.

    A table of a user's own has the columns of the first of these batches.

    Raises:
        InputError: a file is damaged. StoreError: files are being replaced, or cannot be reached.
    """
    chosen = sorted(batch_files(files, table) if batches is None else batches)
    paths = [files.path(file_name(table, batch)) for batch in chosen]
    try:
        dataset = pds.dataset(paths, schema=SCHEMAS.get(table), format=FORMAT, filesystem=files.fs)
        return dataset.to_table(columns=columns, filter=where)
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, FileNotFoundError) or OFFLINE in str(error):
            raise StoreError(f"{files.path(table)}: cannot be read just now ({error}); read it again") from error
        raise damaged(files, table, str(error)) from error


def damaged(files: Files, table: str, what: str) -> InputError:
    """Return the error that says that a file of a table is damaged."""
    return InputError(
        f"{files.path(table)}: a file is damaged ({what}); `bnsweep verify --repair` sets it aside, "
        "and the next run makes its trials anew"
    )


def manifests(files: Files, batches: Collection[str]) -> dict[str, Manifest | None]:
    """Return the manifest of each batch; None where there is none or it is damaged."""
    names = sorted(batches)
    contents = files.read_many([manifest_name(batch) for batch in names])
    return {batch: _decoded(content) for batch, content in zip(names, contents, strict=True)}


def _decoded(content: bytes | None) -> Manifest | None:
    try:
        return None if content is None else Manifest.decode(content)
    except ValueError:
        return None


def trial_keys(files: Files) -> dict[str, list[str]]:
    """Return the keys of the committed trials by batch.

    They come from the manifests, which is ten times as fast as opening many small Parquet files.

    Raises:
        InputError: a file of `trials/` is damaged, as far as its size and its manifest tell.
    """
    present = batch_files(files, "trials")
    keys = dict[str, list[str]]()
    for batch, manifest in manifests(files, present.keys()).items():
        record = manifest and manifest.record("trials")
        if not (manifest and record):
            found = read_rows(files, "trials", ["trial_key"], batches=[batch])["trial_key"]
            if found.null_count:
                raise damaged(files, "trials", f"{batch}{PARQUET} has rows without a trial_key")
            keys[batch] = found.to_pylist()
        elif present[batch].size != record.num_bytes:
            problem = f"{batch}{PARQUET} has {present[batch].size} bytes, {record.num_bytes} were written"
            raise damaged(files, "trials", problem)
        else:
            keys[batch] = list(manifest.trial_keys)
    return keys
