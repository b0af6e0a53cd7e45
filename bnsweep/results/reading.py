"""Reading the rows of files, each page checked."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pyarrow as pa
import pyarrow.dataset as pds
import pyarrow.parquet as pq

from bnsweep.errors import InputError, StoreError
from bnsweep.results.commits import PARQUET
from bnsweep.results.files import Entry, in_parallel
from bnsweep.results.locations import Files
from bnsweep.results.schema import SCHEMAS

FORMAT = pds.ParquetFileFormat(
    default_fragment_scan_options=pds.ParquetFragmentScanOptions(page_checksum_verification=True)
)
OPEN_FILES = 200
"""At a time."""


def parquet_entries(files: Files, table: str) -> list[Entry]:
    """Return the files that readers see in the folder of a table.

    Raises:
        InputError: it is no folder.
    """
    try:
        entries = files.entries(table)
    except StoreError as error:
        if not isinstance(error.__cause__, NotADirectoryError):
            raise
        raise InputError(
            f"{files.path(table)}: cannot be read ({error.__cause__.strerror}); it should be a directory"
        ) from error
    return [entry for entry in entries if entry.name.endswith(PARQUET) and not entry.name.startswith(("_", "."))]


def read_rows(
    files: Files, table: str, names: Collection[str], columns: Sequence[str] | None, where: pds.Expression | None
) -> pa.Table:
    """Return the rows of files of one table, in the order of the names.

    A table of a user's own has every column that one of its files has.

    Raises:
        InputError: a file is damaged. FileNotFoundError: one is not there.
    """
    names = list(names)
    parts = [
        _read_chunk(files, table, names[start : start + OPEN_FILES], columns, where)
        for start in range(0, max(len(names), 1), OPEN_FILES)
    ]
    return parts[0] if len(parts) == 1 else pa.concat_tables(parts, promote_options="permissive")


def _read_chunk(
    files: Files, table: str, names: Sequence[str], columns: Sequence[str] | None, where: pds.Expression | None
) -> pa.Table:
    sources: list[pa.NativeFile] = in_parallel(files.open, names, files.parallel)
    try:
        fragments = [FORMAT.make_fragment(source) for source in sources]
        schema = SCHEMAS.get(table) or pa.unify_schemas(
            [pa.schema([]), *(fragment.physical_schema for fragment in fragments)], promote_options="permissive"
        )
        return pds.FileSystemDataset(fragments, schema, FORMAT).to_table(columns=columns, filter=where)
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError) as error:
        raise damaged(files, table, _culprit(files, names) or str(error)) from error
    finally:
        for source in sources:
            source.close()


def _culprit(files: Files, names: Collection[str]) -> str | None:
    """Return which file cannot be read, and why."""
    for name in names:
        try:
            with files.open(name) as source:
                pq.ParquetFile(source, page_checksum_verification=True).read()
        except (pa.ArrowException, OSError) as error:
            return f"{name.partition('/')[2]}: {error}"
    return None


def damaged(files: Files, table: str, what: str) -> InputError:
    """Return the error that says that a file of a table is damaged."""
    return InputError(
        f"{files.path(table)}: a file is damaged ({' '.join(what.split())}); `bnsweep verify --repair` sets it aside, "
        "and the next run makes its trials anew"
    )
