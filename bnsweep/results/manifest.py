"""Manifests: for each batch, which files it has and what is in them, so that damage and loss are found.

`_commits/<batch>.json` is written after the batch's other files and before the one that commits it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from bnsweep.results.seal import seal, unseal

COMMITS = "_commits"


def manifest_name(batch: str) -> str:
    """Return the name of the manifest of a batch."""
    return f"{COMMITS}/{batch}.json"


def file_name(table: str, batch: str) -> str:
    """Return the name of the file with the rows that a batch has in a table."""
    return f"{table}/{batch}.parquet"


def batch_name(trial_keys: Iterable[str]) -> str:
    """Return the deterministic name of the batch that holds these trials."""
    return hashlib.sha256("\n".join(sorted(trial_keys)).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class FileRecord:
    """One file of a batch, as it was written."""

    table: str
    rows: int
    num_bytes: int
    sha256: str

    def matches(self, content: bytes) -> bool:
        """Return whether `content` is what was written, to the byte."""
        return len(content) == self.num_bytes and hashlib.sha256(content).hexdigest() == self.sha256


@dataclass(frozen=True)
class Manifest:
    """The trials and files of a batch; `is_compact` where compaction wrote them."""

    batch: str
    trial_keys: tuple[str, ...]
    files: tuple[FileRecord, ...]
    is_compact: bool = False

    @property
    def name(self) -> str:
        """Name of the manifest's file."""
        return manifest_name(self.batch)

    @property
    def rows(self) -> int:
        """Rows in all tables."""
        return sum(file.rows for file in self.files)

    def record(self, table: str) -> FileRecord | None:
        """Return the record of the batch's file in a table; None where it has none."""
        return next((file for file in self.files if file.table == table), None)

    def encode(self) -> bytes:
        """Return the content of the manifest's file."""
        return seal(asdict(self))

    @classmethod
    def decode(cls, content: bytes) -> Self:
        """Return the manifest with this content.

        Raises:
            ValueError: a byte of it has changed.
        """
        fields = unseal(content)
        records = tuple(FileRecord(**file) for file in fields["files"])
        return cls(fields["batch"], tuple(fields["trial_keys"]), records, fields["is_compact"])


@dataclass(frozen=True)
class Encoded:
    """The files of a batch and its manifest, ready to be written."""

    manifest: Manifest
    contents: Mapping[str, pa.Buffer]
    """The content of each file, by its name."""


def encode(batch: str, tables: Iterable[tuple[str, pa.Table]], *, row_group_size: int | None = None) -> Encoded:
    """Return the Parquet files of a batch; with a `row_group_size` (rows) it counts as compact."""
    contents, records, keys = dict[str, pa.Buffer](), list[FileRecord](), list[str]()
    for table, rows in tables:
        sink = pa.BufferOutputStream()
        pq.write_table(rows, sink, compression="zstd", write_page_checksum=True, row_group_size=row_group_size)
        content = sink.getvalue()
        contents[file_name(table, batch)] = content
        records.append(FileRecord(table, rows.num_rows, content.size, hashlib.sha256(content).hexdigest()))
        if table == "trials":
            keys = rows["trial_key"].to_pylist()
    return Encoded(Manifest(batch, tuple(keys), tuple(records), row_group_size is not None), contents)
