"""Commits: numbered files in `trials/`, whose footers name what else belongs to them.

`trials/<number>.parquet` is a commit; its footer names the writer and the metric files of the commit, with their rows
and digests. Metric files are named `<number>-<token>`, with a token that no other try to commit has.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from bnsweep.results.files import Content
from bnsweep.results.schema import SCHEMAS

PARQUET = ".parquet"
NUMBERED = re.compile(r"trials/([0-9]{8})\.parquet")
METRIC_FILE = re.compile(r"[^/]+/([0-9]{8})-[0-9a-f]{16}\.parquet")
FOOTER, DIGEST = b"bnsweep", b"bnsweep_sha256"
NO_DIGEST = b"0" * 64
"""What stands in a file for its digest while that is computed."""
ROW_GROUP_SIZE = 128 * 1024
"""Rows; a reader decodes whole row groups, each beside what it makes of it, and skips those that a filter rules out."""


class Kind(StrEnum):
    """What a commit is: a run's rows; a take-over, which has none; or a merge, which replaces others."""

    ROWS = "rows"
    TAKE_OVER = "take-over"
    MERGE = "merge"


@dataclass(frozen=True)
class FileRecord:
    """A metric file of a commit, as it was written; `name` is relative to the store's root."""

    name: str
    table: str
    rows: int
    bytes: int
    sha256: str

    def matches(self, content: Content) -> bool:
        """Return whether `content` is what was written, to the byte."""
        return len(content) == self.bytes and hashlib.sha256(content).hexdigest() == self.sha256


@dataclass(frozen=True)
class Footer:
    """What a commit says of itself.

    Args:
        writer: id of who wrote it.
        number: its number.
        kind: what it is.
        files: its metric files.
        replaces: numbers of the commits whose rows it holds, those that they replaced included.
        replaces_files: names and bytes of files without a number whose rows it holds.
        by: host, pid and since of a take-over's writer.
    """

    writer: str
    number: int
    kind: Kind = Kind.ROWS
    files: tuple[FileRecord, ...] = ()
    replaces: tuple[int, ...] = ()
    replaces_files: Mapping[str, int] = field(default_factory=dict)
    by: Mapping[str, Any] = field(default_factory=dict)

    def encode(self) -> bytes:
        """Return it as JSON."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decode(cls, content: bytes) -> Self:
        """Return what was encoded.

        Raises:
            ValueError, KeyError, TypeError: it is damaged.
        """
        fields = json.loads(content)
        files = tuple(FileRecord(**record) for record in fields["files"])
        return cls(**fields | {"kind": Kind(fields["kind"]), "replaces": tuple(fields["replaces"]), "files": files})


def commit_name(number: int) -> str:
    """Return the name of the file that is a commit."""
    return f"trials/{number:08d}{PARQUET}"


def metric_name(table: str, number: int, token: str) -> str:
    """Return the name of a metric file."""
    return f"{table}/{number:08d}-{token}{PARQUET}"


def new_token() -> str:
    """Return 16 hexadecimal digits that nobody else has."""
    return uuid.uuid4().hex[:16]


def number_of(name: str) -> int | None:
    """Return the number of a commit, or of the commit that a metric file is for; None of any other file."""
    found = NUMBERED.fullmatch(name) or METRIC_FILE.fullmatch(name)
    return int(found[1]) if found else None


def encode_metrics(
    number: int, tables: Iterable[tuple[str, pa.Table]]
) -> tuple[dict[str, Content], tuple[FileRecord, ...]]:
    """Return the metric files of one try to commit, with names that no other try has, and their records."""
    token, contents, records = new_token(), dict[str, Content](), []
    for table, rows in tables:
        name, content = metric_name(table, number, token), to_parquet(rows)
        contents[name] = content
        records.append(FileRecord(name, table, rows.num_rows, content.size, hashlib.sha256(content).hexdigest()))
    return contents, tuple(records)


def encode_commit(footer: Footer, trials: pa.Table | None = None) -> bytes:
    """Return the file of a commit, which has its own digest in it."""
    rows = SCHEMAS["trials"].empty_table() if trials is None else trials
    content = bytes(to_parquet(rows, {FOOTER: footer.encode(), DIGEST: NO_DIGEST}))
    return _replaced(content, NO_DIGEST, hashlib.sha256(content).hexdigest().encode())


def is_as_written(content: bytes) -> bool:
    """Return whether a commit's file has the digest that it names, to the byte.

    Raises:
        ArrowException, OSError: it is no Parquet file.
    """
    digest: bytes = (pq.read_metadata(pa.BufferReader(content)).metadata or {}).get(DIGEST, b"")
    return hashlib.sha256(_replaced(content, digest, NO_DIGEST)).hexdigest().encode() == digest


def to_parquet(rows: pa.Table, metadata: Mapping[bytes, bytes] | None = None) -> pa.Buffer:
    """Return rows as a Parquet file, with a checksum for each page, and `metadata` in its footer."""
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, rows.schema, compression="zstd", write_page_checksum=True) as writer:
        writer.write_table(rows, ROW_GROUP_SIZE)
        writer.add_key_value_metadata(dict(metadata or {}))
    return sink.getvalue()


def read_parquet(content: Content) -> pa.Table:
    """Return the rows of a Parquet file, each page checked.

    Raises:
        ArrowException, OSError: it is damaged.
    """
    return pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True).read()


def _replaced(content: bytes, old: bytes, new: bytes) -> bytes:
    """Return a file with the last place of `old`, which is in its footer, taken by `new` of the same length."""
    before, found, after = content.rpartition(old)
    return before + new + after if found else content
