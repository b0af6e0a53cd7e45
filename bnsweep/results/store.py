"""The store: a directory of Parquet tables, committed batch by batch.

A batch is the rows of some trials. Its name is a hash of their keys, and in every table its rows are the one file
`<table>/<batch>.parquet`. Files become visible whole: metric tables first, then the manifest, and `trials/` last: the
file in `trials/` is the commit. Hence a metric file without its namesake in `trials/` was never committed, and
`recover` removes it.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.dataset as pds
import pyarrow.fs as pafs

from bnsweep.errors import InputError
from bnsweep.results import checkpoints, fence, reading
from bnsweep.results.commit import publish
from bnsweep.results.files import Files, as_store_error, write
from bnsweep.results.local import LocalFiles
from bnsweep.results.lock import Hold, hold_local
from bnsweep.results.manifest import batch_name, file_name
from bnsweep.results.object_lock import LockTiming, hold_objects
from bnsweep.results.objects import ObjectFiles, open_uri
from bnsweep.results.recover import recover
from bnsweep.results.schema import SCHEMAS, Row
from bnsweep.results.seal import read_sealed, seal
from bnsweep.results.tables import to_table
from bnsweep.results.writable import check_writable

DECLARED = "_sweep.json"


@dataclass(frozen=True)
class Store:
    """The tables under one directory of one filesystem; opening it writes nothing."""

    files: Files

    @classmethod
    def open(cls, location: str | os.PathLike[str]) -> Store:
        """Open a path or a pyarrow filesystem URI such as `s3://bucket/folder`.

        Raises:
            InputError: no such filesystem, or a local path that cannot be written.
        """
        text = os.fspath(location)
        if "://" not in text:
            return cls(LocalFiles(_checked(os.path.abspath(os.path.expanduser(text)))))
        fs, root = open_uri(text)
        return cls(LocalFiles(root) if isinstance(fs, pafs.LocalFileSystem) else ObjectFiles(fs, root))

    @property
    def fs(self) -> pafs.FileSystem:
        """The filesystem that the tables are on."""
        return self.files.fs

    @property
    def root(self) -> str:
        """The directory of the tables on `fs`."""
        return self.files.root

    @property
    def is_local(self) -> bool:
        """Whether the tables are on this machine's own file system."""
        return isinstance(self.files, LocalFiles)

    def path(self, *parts: str) -> str:
        """Return the path, on the store's filesystem, of something in it."""
        return self.files.path(*parts)

    def is_there(self) -> bool:
        """Return whether there is such a directory."""
        with as_store_error(self.root, "read"):
            return bool(self.fs.get_file_info(self.root).type == pafs.FileType.Directory)

    def check_writable(self) -> None:
        """Leave nothing behind.

        Raises:
            InputError: the directory cannot be created or written. StoreError: an object store that does not answer.
        """
        check_writable(self.files)

    def lock(self, timing: LockTiming = LockTiming()) -> AbstractContextManager[Hold]:  # noqa: B008  # frozen
        """Hold the directory for one run; `timing` is of object storage.

        Raises:
            InputError: another run holds it; the message says which.
        """
        return hold_local(self.root) if self.is_local else hold_objects(self.files, timing)

    def begin(self, token: str) -> None:
        """Make commits with any other token than this one raise `Superseded`. To be called under the lock."""
        fence.begin(self.files, token)

    def request_stop(self, token: str) -> None:
        """Ask the workers of the run with `token` to stop."""
        fence.request_stop(self.files, token)

    def is_stopping(self, token: str) -> bool:
        """Return whether the run with `token` was asked to stop."""
        return fence.is_stopping(self.files, token)

    def batches(self, table: str) -> set[str]:
        """Return the names of the batches that `table` holds."""
        return set(reading.batch_files(self.files, table))

    def read(self, table: str, columns: Sequence[str] | None = None, where: pds.Expression | None = None) -> pa.Table:
        """Return the rows of `table`, of all batches in the order of their names; empty where there are none.

        Raises:
            InputError: a file is damaged. StoreError: files are being replaced, or cannot be reached.
        """
        return reading.read_rows(self.files, table, columns, where)

    def finished(self) -> set[str]:
        """Return the keys of all committed trials."""
        return {key for keys in reading.trial_keys(self.files).values() for key in keys}

    def outcomes(self, trial_keys: Iterable[str] | None = None) -> dict[str, str]:
        """Return the status of each committed trial by its key; of those asked for, else of all."""
        wanted = None if trial_keys is None else set(trial_keys)
        keys = reading.trial_keys(self.files)
        batches = [batch for batch in keys if wanted is None or wanted.intersection(keys[batch])]
        rows = reading.read_rows(self.files, "trials", ["trial_key", "status"], batches=batches)
        found = dict(zip(rows["trial_key"].to_pylist(), rows["status"].to_pylist(), strict=True))
        return found if wanted is None else {key: status for key, status in found.items() if key in wanted}

    def attempts(self) -> dict[str, int]:
        """Return how many times each trial that ever failed has failed."""
        counts: dict[str, int] = {}
        for key in self.read("failures", ["trial_key"])["trial_key"].to_pylist():
            counts[key] = counts.get(key, 0) + 1
        return counts

    def commit(
        self,
        tables: Mapping[str, Sequence[Row]],
        own: Mapping[str, pa.Schema] | None = None,
        token: str | None = None,
    ) -> None:
        """Commit the rows of one batch: metric tables first, `trials` last. Doing it again changes nothing.

        Args:
            tables: rows by table.
            own: the schemas of tables that are not bnsweep's.
            token: what the run holds the store by; None where no other run can come in between.

        Raises:
            Superseded: another run has begun since; nothing was made visible. StoreError: a file cannot be written.
        """
        schemas = {**(own or {}), **SCHEMAS}
        batch = batch_name(row["trial_key"] for row in tables["trials"])
        filled = {name: to_table(schemas[name], rows) for name, rows in tables.items() if rows}
        publish(self.files, batch, filled, "trials", token)

    def record_failure(self, row: Row, token: str | None = None) -> None:
        """Write one row of `failures`; nothing else reads it as data. Of one attempt the first failure counts.

        Raises:
            Superseded: another run than that with `token` has begun since. StoreError: a file cannot be written.
        """
        row = {"host": socket.gethostname(), **row}
        rows = to_table(SCHEMAS["failures"], [row])
        publish(self.files, f"{row['trial_key']}-{row['attempt']}", {"failures": rows}, "failures", token)

    def is_committed(self, trial_keys: Iterable[str]) -> bool:
        """Return whether exactly these trials were committed as one batch."""
        return self.files.exists(file_name("trials", batch_name(trial_keys)))

    def save_checkpoint(self, key: str, content: bytes) -> None:
        """Keep `content` as the checkpoint of a trial, in place of an older one."""
        checkpoints.save(self.files, key, content)

    def load_checkpoint(self, key: str) -> bytes | None:
        """Return the checkpoint of a trial; None where there is none or it is damaged."""
        return checkpoints.load(self.files, key)

    def checkpoints(self) -> set[str]:
        """Return the keys of the trials that have a checkpoint."""
        return checkpoints.keys(self.files)

    def drop_checkpoints(self, trial_keys: Iterable[str]) -> None:
        """Delete the checkpoints of these trials."""
        checkpoints.drop(self.files, trial_keys)

    def declare(self, name: str, trial_keys: Iterable[str], sweep_file: str) -> None:
        """Remember which trials the sweep declares, so that a report can tell how much of it is done."""
        write(self.files, DECLARED, seal({"name": name, "trial_keys": list(trial_keys), "sweep_file": sweep_file}))

    def declared(self) -> dict[str, Any] | None:
        """Return what `declare` recorded: name, trial_keys, sweep_file; None where no sweep ever ran.

        Raises:
            InputError: it is damaged.
        """
        try:
            return read_sealed(self.files, DECLARED)
        except ValueError as error:
            raise InputError(
                f"{self.path(DECLARED)}: damaged ({error}); run the sweep again to write it anew"
            ) from error

    def recover(self) -> list[str]:
        """Finish or remove what a killed run left behind; return the paths removed. To be called under the lock.

        Raises:
            InputError: a file is damaged. StoreError: a file cannot be removed.
        """
        return [self.path(name) for name in recover(self.files)]


def _checked(path: str) -> str:
    """Return a path that Arrow can open: one whose name is UTF-8."""
    try:
        path.encode()
    except UnicodeEncodeError as error:
        shown = path.encode(errors="backslashreplace").decode()
        raise InputError(
            f"{shown}: the name is not UTF-8, as Arrow's paths must be; rename it, or give another"
        ) from error
    return path
