"""Which files a store has, and which of them belong to no commit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Self

import numpy as np

from bnsweep.results.commits import PARQUET, number_of
from bnsweep.results.files import Entry, in_parallel
from bnsweep.results.local import STAGING
from bnsweep.results.locations import Files
from bnsweep.results.schema import SCHEMAS
from bnsweep.results.snapshot import EARLIER_BATCH, Role, Snapshot
from bnsweep.results.takeover import tables
from bnsweep.results.trials_files import TrialsFile, sound_file
from bnsweep.results.verify.problem import Problem

NO_KEYS = np.empty(0, np.uint64)
KINDS = {
    Role.TORN: ("torn", "was never committed"),
    Role.MERGED: ("unfinished", "was merged into another commit"),
    Role.FOREIGN: ("foreign", "is no file of bnsweep's"),
}
"""What is said of a file that is of no use."""


@dataclass(frozen=True)
class Inventory:
    """The files of a store.

    Args:
        snapshot: the commits of which each byte is as it was written, and the files in `trials/` without a number.
        damaged: the other files in `trials/`.
        entries: what is in the folder of each table that readers see.
    """

    snapshot: Snapshot
    damaged: tuple[str, ...]
    entries: Mapping[str, Mapping[str, Entry]]

    @classmethod
    def of(cls, files: Files) -> Self:
        """List everything, and read the commits. A folder is a table if it is one of bnsweep's, or holds metrics."""
        found = {
            table: {f"{table}/{entry.name}": entry for entry in files.entries(table) if entry.name[0] not in "_."}
            for table in sorted(tables(files))
        }
        present = [name for name, entry in found.get("trials", {}).items() if _is_file(entry)]
        read = in_parallel(partial(_checked, files), present, files.parallel)
        snapshot = Snapshot(files, tuple(file for file in read if file))
        damaged = [name for name, file in zip(present, read, strict=True) if not file and files.read(name) is not None]
        named = {record.table for footer in snapshot.footers for record in footer.files}
        ours = [table for table in found if table in SCHEMAS or table in named or any(map(_is_metrics, found[table]))]
        return cls(snapshot, tuple(damaged), {table: found[table] for table in ours})

    @property
    def metric_tables(self) -> list[str]:
        """The tables but `trials`."""
        return [table for table in self.entries if table != "trials"]

    def role(self, name: str) -> Role:
        """Return what a file is."""
        table = name.partition("/")[0]
        entry = self.entries[table][name]
        if not _is_file(entry):
            return Role.FOREIGN
        if table == "trials":
            return Role.MERGED if name in self._replaced else Role.COMMITTED
        return self.snapshot.role(name, entry.size)

    @cached_property
    def _replaced(self) -> frozenset[str]:
        return frozenset(file.name for file in self.snapshot.found if self.snapshot.is_replaced(file))

    def loose(self, table: str) -> list[str]:
        """Return the files of a table of metrics that have no number, and count."""
        return [name for name in self.entries[table] if self.role(name) is Role.LOOSE]

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong with the files themselves, or belongs to no commit."""
        for entry in self.snapshot.files.entries(STAGING):
            yield Problem("torn", f"{STAGING}/{entry.name}", "was never committed")
        spoilt = {number_of(name) for name in self.damaged}
        for name in (name for entries in self.entries.values() for name in entries):
            if name in self.damaged:
                yield Problem("damaged", name, "differs from what was written")
            elif number_of(name) in spoilt:
                yield Problem("damaged", name, "is of a damaged commit")
            elif said := KINDS.get(self.role(name)):
                yield Problem(said[0], name, said[1])


def _is_file(entry: Entry) -> bool:
    return entry.is_file and entry.name.endswith(PARQUET)


def _is_metrics(name: str) -> bool:
    return number_of(name) is not None or EARLIER_BATCH.fullmatch(name.partition("/")[2]) is not None


def _checked(files: Files, name: str) -> TrialsFile | None:
    """Return a file in `trials/`; None of a commit of which a byte has changed. Others are not looked into."""
    if number_of(name) is None:
        return TrialsFile(name, 0, None, NO_KEYS, 0)
    return sound_file(name, files.read(name) or b"")
