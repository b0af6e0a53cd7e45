"""The store: a directory of Parquet tables, which one writer at a time adds commits to.

A commit's metric files come first, `<table>/<number>-<token>.parquet`; then `trials/<number>.parquet` is created, only
if no file has that name, and its footer names the others. That file is the commit: what it does not name was never
committed. `writer.py` says how a directory is taken over, `snapshot.py` how it is read while others write.
"""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.dataset as pds

from bnsweep.results.commits import new_token
from bnsweep.results.convert import convert
from bnsweep.results.copied import COPY
from bnsweep.results.declaration import read_declaration, write_declaration
from bnsweep.results.keys import Keys, to_texts
from bnsweep.results.lease import Lease, LeaseTiming, this_process, wait_until_free
from bnsweep.results.local import LocalFiles
from bnsweep.results.locations import Files, open_files
from bnsweep.results.snapshot import Snapshot, steady
from bnsweep.results.takeover import take_over
from bnsweep.results.trials_files import Known
from bnsweep.results.writable import check_writable
from bnsweep.results.writer import Writer

Result = TypeVar("Result")


@dataclass(frozen=True)
class Store:
    """The tables under one directory; opening it writes nothing."""

    files: Files
    timing: LeaseTiming = field(default_factory=LeaseTiming, compare=False)
    _known: Known = field(default_factory=dict, repr=False, compare=False)
    """Footers and keys that were read before; a file in `trials/` never changes."""

    @classmethod
    def open(cls, location: str | os.PathLike[str]) -> Store:
        """Open a path or a URI such as `s3://bucket/folder`.

        Raises:
            InputError: no such store, or a local path that cannot be written.
        """
        return cls(open_files(os.fspath(location)))

    def __reduce__(self) -> tuple[type[Store], tuple[Files, LeaseTiming]]:
        """Travel without what was read."""
        return Store, (self.files, self.timing)

    def patient(self, seconds: float) -> Store:
        """Return this store, asked again for so long where it does not answer."""
        return Store(self.files.patient(seconds), self.timing, self._known)

    @property
    def root(self) -> str:
        """The directory of the tables."""
        return self.files.root

    @property
    def is_local(self) -> bool:
        """Whether the tables are on this machine's own file system."""
        return isinstance(self.files, LocalFiles)

    def path(self, *parts: str) -> str:
        """Return the path of something in it."""
        return self.files.path(*parts)

    def is_there(self) -> bool:
        """Return whether there is such a directory; on object storage, whether anything is in it."""
        return os.path.isdir(self.root) if self.is_local else bool(self.files.entries())

    def check_writable(self) -> None:
        """Leave nothing behind.

        Raises:
            InputError: the directory cannot be created or written, or is of a kind that has no conditional creation.
            StoreError: an object store that does not answer.
        """
        check_writable(self.files)

    def snapshot(self) -> Snapshot:
        """Return which commits there are now; what it names may be merged and deleted by a `compact` later."""
        return Snapshot.take(self.files, self._known)

    def commits(self) -> frozenset[str]:
        """Return the names of the files that hold the committed trials: others than before where there are more."""
        return frozenset(file.name for file in self.snapshot().live if len(file.keys))

    def read(self, table: str, columns: Sequence[str] | None = None, where: pds.Expression | None = None) -> pa.Table:
        """Return the rows of `table`, each once, in the order of their commits; empty where there are none.

        Raises:
            InputError: a file is damaged or missing. StoreError: the store cannot be reached.
        """
        return self.use(lambda snapshot: snapshot.read(table, columns, where))

    def use(self, what: Callable[[Snapshot], Result]) -> Result:
        """Return what is made of a snapshot, of another one where files were merged meanwhile."""
        return steady(self.files, self._known, what)

    def finished_keys(self) -> Keys:
        """Return the keys of all committed trials as numbers, sorted."""
        return self.snapshot().keys

    def done_keys(self, rule: str | None) -> Keys:
        """Return the keys of the trials that count for a sweep whose pruner has this rule; None for no pruner."""
        snapshot = self.snapshot()
        return np.setdiff1d(snapshot.keys, snapshot.pruned_otherwise(rule))

    def finished(self) -> set[str]:
        """Return the keys of all committed trials."""
        return set(to_texts(self.finished_keys()))

    def declare(
        self,
        name: str,
        trial_keys: Keys | Iterable[str],
        sweep_file: str,
        say: Callable[[str], None] | None = None,
        search: Mapping[str, Any] | None = None,
    ) -> None:
        """Remember which trials a sweep declares; for one with nothing missing, which takes nothing over.

        Args:
            name, trial_keys, sweep_file: of the sweep.
            say: as `take_over` has it; without it no lease is waited for.
            search: how far its search is, as `read_declaration` returns it.

        Raises:
            InputError: another run is at work, which has declared its own.
        """
        wait_until_free(self.files, self.timing, say=say)
        write_declaration(self.files, name, trial_keys, sweep_file, search)

    def declared(self) -> dict[str, Any] | None:
        """Return what was declared last, as `read_declaration` does; None where no sweep ever ran.

        Raises:
            InputError: it is damaged.
        """
        return read_declaration(self.files)

    def take_over(
        self,
        run: str | None = None,
        *,
        wait: bool = True,
        is_repair: bool = False,
        say: Callable[[str], None] = lambda line: print(f"bnsweep: {line}", file=sys.stderr),  # noqa: T201
        holder: dict[str, Any] | None = None,
    ) -> Writer:
        """Take the directory over; from then on no other writer's commits succeed.

        Args:
            run: names the run, so that one that starts again need not wait for its own lease.
            wait: whether to wait for the lease of a run that may have been killed, instead of refusing at once.
            is_repair: read nothing, since it may be damaged, and clean nothing up.
            say: told in a line what is waited for.
            holder: whose run it is, as `this_process` says there; that of this process if not given.

        Raises:
            InputError: another run is at work, or a file is damaged. Superseded: another run took it over meanwhile.
            StoreError: it cannot be written.
        """
        wait_until_free(self.files, self.timing, run, say if wait else None)
        lease = Lease(self.files, new_token(), run or uuid.uuid4().hex, self.timing, holder or this_process())
        lease.start()
        try:
            writer = take_over(self.files, lease, self._known, is_repair=is_repair)
            if self.is_local:
                self.files.delete([COPY])  # it is none from now on
            if not is_repair and convert(writer):
                writer.snapshot = self.snapshot()
        except BaseException:
            lease.close()
            raise
        return writer
