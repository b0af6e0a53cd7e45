"""The store: a directory of Parquet tables, committed batch by batch.

A batch is the rows of the trials of one pack. Its name is a hash of their keys, and in every table its rows are the
one file `<table>/<batch>.parquet`. Files become visible whole, metric tables first and `trials/` last: the file in
`trials/` is the commit. Hence a metric file without its namesake in `trials/` was never committed, and `recover`
removes it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import socket
import tempfile
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.dataset as pds
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from bnsweep.errors import InputError
from bnsweep.results.schema import METRIC_TABLES, SCHEMAS, Row, to_table

STAGING = "_staging"
LONGEST_NAME = 255
DECLARED = "_sweep.json"
BATCH = re.compile("[0-9a-f]{16}")


def batch_name(trial_keys: Iterable[str]) -> str:
    """Return the deterministic name of the batch that holds these trials."""
    return hashlib.sha256("\n".join(sorted(trial_keys)).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Store:
    """The tables under one directory of one filesystem; opening it writes nothing."""

    fs: pafs.FileSystem
    root: str

    @classmethod
    def open(cls, location: str | os.PathLike[str]) -> Store:
        """Open a path or a pyarrow filesystem URI such as `s3://bucket/folder`.

        Raises:
            InputError: no such filesystem, or a local path that cannot be written.
        """
        text = os.fspath(location)
        if "://" in text:
            try:
                fs, root = pafs.FileSystem.from_uri(text)
            except (pa.ArrowInvalid, OSError) as error:
                raise InputError(
                    f"--out {text}: cannot be opened ({error}); give a path or a URI such as s3://bucket/folder"
                ) from error
            return cls(fs, root)
        return cls(pafs.LocalFileSystem(), os.path.abspath(os.path.expanduser(text)))

    @property
    def is_local(self) -> bool:
        """Whether the tables are on this machine's own file system."""
        return isinstance(self.fs, pafs.LocalFileSystem)

    def path(self, *parts: str) -> str:
        """Return the path, on the store's filesystem, of something in it."""
        return str(PurePosixPath(self.root, *parts))

    def check_writable(self) -> None:
        """Raise `InputError` where a local directory could not be created or written; leaves nothing behind."""
        if not self.is_local:
            self._check_remote()
            return
        if too_long := next(
            (part for part in PurePosixPath(self.root).parts if len(part.encode()) > LONGEST_NAME), None
        ):
            raise InputError(
                f"--out {self.root}: the name {too_long} is longer than {LONGEST_NAME} bytes; give a shorter one"
            )
        folder = self.root
        while not os.path.lexists(folder):
            folder = os.path.dirname(folder)
        if not os.path.isdir(folder):
            raise InputError(f"--out {self.root}: {folder} is not a directory; give a directory or a new name")
        try:
            with tempfile.TemporaryDirectory(prefix=STAGING, dir=folder):
                pass
        except OSError as error:
            problem = f"{folder} cannot be written ({error.strerror})"
            raise InputError(f"--out {self.root}: {problem}; give a directory that can") from error

    def _check_remote(self) -> None:
        path = self.path(STAGING, uuid.uuid4().hex)
        try:
            self._write(path, b"")
            self.fs.delete_file(path)
        except OSError as error:
            raise InputError(f"--out {self.root}: cannot be written ({error}); give a bucket that can") from error

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the directory for one run, as long as this process lives; local directories only.

        Raises:
            InputError: another run holds it; the message says which.
        """
        if not self.is_local:
            yield
            return
        os.makedirs(self.root, exist_ok=True)
        with open(self.path("_lock"), "a+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                file.seek(0)
                raise InputError(f"{self.root}: held by another run ({file.read()}); wait for it or stop it") from error
            file.truncate(0)
            file.write(
                f"host {socket.gethostname()}, pid {os.getpid()}, since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
            )
            file.flush()
            yield

    def batches(self, table: str) -> set[str]:
        """Return the names of the batches that `table` holds."""
        selector = pafs.FileSelector(self.path(table), allow_not_found=True)
        try:
            names = [PurePosixPath(info.path) for info in self.fs.get_file_info(selector)]
        except FileNotFoundError:  # created just now by a run beside us
            return set()
        except OSError as error:
            raise InputError(f"{self.path(table)}: cannot be read ({error}); it should be a directory") from error
        return {name.stem for name in names if name.suffix == ".parquet" and not name.name.startswith(("_", "."))}

    def read(self, table: str, columns: Sequence[str] | None = None, where: pds.Expression | None = None) -> pa.Table:
        """Return the rows of `table`, of all batches in the order of their names; empty where there are none.

        Raises:
            InputError: a file is not readable as Parquet.
        """
        schema = SCHEMAS[table]
        files = [self.path(table, f"{batch}.parquet") for batch in sorted(self.batches(table))]
        try:
            return pds.dataset(files, schema=schema, format="parquet", filesystem=self.fs).to_table(
                columns=columns, filter=where
            )
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{self.path(table)}: a file is damaged ({error})") from error

    def finished(self) -> set[str]:
        """Return the keys of all committed trials."""
        return set(self.read("trials", ["trial_key"])["trial_key"].to_pylist())

    def attempts(self) -> dict[str, int]:
        """Return how many times each trial that ever failed has failed."""
        counts: dict[str, int] = {}
        for key in self.read("failures", ["trial_key"])["trial_key"].to_pylist():
            counts[key] = counts.get(key, 0) + 1
        return counts

    def commit(self, tables: Mapping[str, Sequence[Row]], own: Mapping[str, pa.Schema] | None = None) -> None:
        """Commit the rows of one batch: metric tables first, `trials` last. Doing it again changes nothing.

        `own` holds the schemas of tables that are not bnsweep's.
        """
        schemas = {**(own or {}), **SCHEMAS}
        batch = batch_name(row["trial_key"] for row in tables["trials"])
        for table in sorted(tables, key=lambda table: table == "trials"):
            if tables[table]:
                self._publish(table, batch, to_table(schemas[table], tables[table]))

    def is_committed(self, trial_keys: Iterable[str]) -> bool:
        """Return whether exactly these trials were committed as one batch."""
        path = self.path("trials", f"{batch_name(trial_keys)}.parquet")
        return bool(self.fs.get_file_info(path).type == pafs.FileType.File)

    def record_failure(self, row: Row) -> None:
        """Write one row of `failures`; nothing else reads it as data."""
        row = {"host": socket.gethostname(), **row}
        self._publish("failures", f"{row['trial_key']}-{row['attempt']}", to_table(SCHEMAS["failures"], [row]))

    def declare(self, name: str, trial_keys: Iterable[str], sweep_file: str) -> None:
        """Record what the sweep file declares, so that a report can tell how much of it is done."""
        self._write(
            self.path(DECLARED),
            json.dumps({"name": name, "trial_keys": list(trial_keys), "sweep_file": sweep_file}).encode(),
        )

    def declared(self) -> dict[str, Any] | None:
        """Return what `declare` recorded: name, trial_keys, sweep_file; None where no sweep ever ran."""
        if self.fs.get_file_info(self.path(DECLARED)).type != pafs.FileType.File:
            return None
        with self.fs.open_input_stream(self.path(DECLARED)) as stream:
            text = stream.read()
        try:
            declared = json.loads(text)
            return {
                "name": declared["name"],
                "trial_keys": declared["trial_keys"],
                "sweep_file": declared["sweep_file"],
            }
        except (ValueError, TypeError, KeyError) as error:
            problem = f"{type(error).__name__}: {error}"
            raise InputError(
                f"{self.path(DECLARED)}: damaged ({problem}); run the sweep again to write it anew"
            ) from error

    def recover(self) -> list[str]:
        """Remove what a killed run left uncommitted; return the paths removed."""
        committed = self.batches("trials")
        torn = [
            self.path(table, f"{batch}.parquet")
            for table in sorted({*METRIC_TABLES, *self._folders()} - {"trials", "failures"})
            for batch in sorted(self.batches(table) - committed)
            if table in METRIC_TABLES or BATCH.fullmatch(batch)
        ]
        staged = pafs.FileSelector(self.path(STAGING), allow_not_found=True)
        torn += [info.path for info in self.fs.get_file_info(staged) if info.type == pafs.FileType.File]
        for path in torn:
            self.fs.delete_file(path)
        return torn

    def _folders(self) -> set[str]:
        """Return the names of the tables that are there, those of users' own probes among them."""
        infos = self.fs.get_file_info(pafs.FileSelector(self.root, allow_not_found=True))
        return {
            info.base_name for info in infos if info.type == pafs.FileType.Directory and info.base_name[0] not in "_."
        }

    def _publish(self, table: str, batch: str, rows: pa.Table) -> None:
        sink = pa.BufferOutputStream()
        pq.write_table(rows, sink, compression="zstd")
        self._write(self.path(table, f"{batch}.parquet"), sink.getvalue())

    def _write(self, path: str, content: bytes | pa.Buffer) -> None:
        """Make a file visible whole: one PUT on object storage; locally write aside, fsync, rename."""
        if not self.is_local:
            with self.fs.open_output_stream(path) as stream:
                stream.write(content)
            return
        staged = self.path(STAGING, uuid.uuid4().hex)
        os.makedirs(os.path.dirname(staged), exist_ok=True)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(staged, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(staged, path)
