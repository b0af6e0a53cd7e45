"""A snapshot: which commits there are at one moment, and the rows that belong to them.

A reader lists, reads the footers, and lists again until nothing is new: a merge creates its own file before it deletes
those that it replaces, so whoever misses one of these sees that file. What it replaces is dropped. A file that is gone
when it is read was replaced meanwhile: the reader starts over. Hence each row is seen exactly once.

Files that have no number were written by an earlier version of bnsweep or by another program; their rows count too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property
from typing import Self, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.dataset as pds

from bnsweep.errors import StoreError
from bnsweep.results.commits import Footer, Kind, number_of
from bnsweep.results.keys import Keys
from bnsweep.results.locations import Files
from bnsweep.results.reading import damaged, parquet_entries, read_rows
from bnsweep.results.trials_files import Known, TrialsFile, keys_of, read_trials_files

EARLIER_BATCH = re.compile(r"[0-9a-f]{16}\.parquet")
"""How earlier versions called the files of a commit, the same in each table."""
MAX_TRIES = 20
Result = TypeVar("Result")


class Role(Enum):
    """What a file outside `trials/` is."""

    COMMITTED = auto()
    """A commit that counts names it."""
    LOOSE = auto()
    """It has no number, and its rows count."""
    MERGED = auto()
    """It has no number, and its rows are in a commit."""
    TORN = auto()
    """It was never committed."""
    FOREIGN = auto()
    """It is no file of Parquet."""


@dataclass(frozen=True)
class Snapshot:
    """The files in `trials/` at one moment, in the order of their names, those that are replaced included."""

    files: Files
    found: tuple[TrialsFile, ...]

    @classmethod
    def take(cls, files: Files, known: Known) -> Self:
        """List and read footers and keys until nothing is new.

        Raises:
            InputError: a file is damaged. StoreError: the store cannot be reached, or never stands still.
        """
        entries = parquet_entries(files, "trials")
        for _ in range(MAX_TRIES):
            found = read_trials_files(files, entries, known)
            again = parquet_entries(files, "trials")
            if not set(again) - set(entries) and not any(file is None for file in found):
                left = {f"trials/{entry.name}" for entry in again}
                return cls(files, tuple(file for file in found if file and file.name in left))
            entries = again
        raise StoreError(f"{files.path('trials')}: changes all the time; read it again")

    @cached_property
    def footers(self) -> tuple[Footer, ...]:
        """What all commits say of themselves, in the order of their numbers."""
        return tuple(file.footer for file in self.found if file.footer)

    @cached_property
    def replaced(self) -> frozenset[int]:
        """Numbers of the commits whose rows are in others."""
        return frozenset(number for footer in self.footers for number in footer.replaces)

    @cached_property
    def replaced_files(self) -> dict[str, int]:
        """Names and bytes of the files without a number whose rows are in commits."""
        return {name: size for footer in self.footers for name, size in footer.replaces_files.items()}

    @cached_property
    def kept(self) -> frozenset[int]:
        """Numbers that must never be free: of take-overs, and those before, of which their writers may be in doubt."""
        starts = [footer.number for footer in self.footers if footer.kind is Kind.TAKE_OVER]
        return frozenset(number for start in starts for number in (start - 1, start))

    @cached_property
    def last(self) -> int:
        """The highest number that is taken; 0 where none is."""
        return max((footer.number for footer in self.footers), default=0)

    @cached_property
    def live(self) -> tuple[TrialsFile, ...]:
        """The files in `trials/` that count."""
        return tuple(file for file in self.found if not self.is_replaced(file))

    def is_replaced(self, file: TrialsFile) -> bool:
        """Return whether the rows of a file are in another one."""
        if file.footer:
            return file.footer.number in self.replaced and file.footer.kind is not Kind.TAKE_OVER
        return self.replaced_files.get(file.name) == file.size

    @cached_property
    def commits(self) -> tuple[Footer, ...]:
        """The commits that count, in the order of their numbers."""
        return tuple(file.footer for file in self.live if file.footer)

    @cached_property
    def keys(self) -> Keys:
        """The keys of all committed trials, sorted."""
        return keys_of(self.live)

    def pruned_otherwise(self, rule: str | None) -> Keys:
        """Return the keys of the trials that a pruner with another rule than this one stopped, sorted."""
        found = [keys for file in self.live for other, keys in file.pruned.items() if other != rule]
        return np.unique(np.concatenate([np.empty(0, np.uint64), *found]))

    @property
    def is_converted(self) -> bool:
        """Whether all results and failures are in commits."""
        return not (self.loose("trials") or self.loose("failures"))

    @cached_property
    def _records(self) -> frozenset[str]:
        return frozenset(record.name for footer in self.commits for record in footer.files)

    def role(self, name: str, size: int) -> Role:
        """Return what a file of these bytes is, outside `trials/`."""
        if number_of(name) is not None:
            return Role.COMMITTED if name in self._records else Role.TORN
        if self.replaced_files.get(name) == size:
            return Role.MERGED
        table, _, file = name.partition("/")
        is_batch = table != "failures" and EARLIER_BATCH.fullmatch(file) is not None
        return Role.TORN if is_batch and f"trials/{file}" not in self._present else Role.LOOSE

    @cached_property
    def _present(self) -> frozenset[str]:
        return frozenset(file.name for file in self.live)

    def metrics(self, table: str) -> dict[str, tuple[int, Role]]:
        """Return bytes and role of what is in the folder of a table other than `trials`, by name."""
        found = {f"{table}/{entry.name}": entry for entry in parquet_entries(self.files, table)}
        return {
            name: (entry.size, self.role(name, entry.size) if entry.is_file else Role.FOREIGN)
            for name, entry in found.items()
        }

    def loose(self, table: str) -> dict[str, int]:
        """Return the bytes of the files without a number whose rows count in a table, by name.

        Raises:
            InputError: there is a folder that is called as a file.
        """
        if table == "trials":
            return {file.name: file.size for file in self.live if not file.footer}
        metrics = self.metrics(table)
        if folder := next((name for name, (_, role) in metrics.items() if role is Role.FOREIGN), None):
            raise damaged(self.files, table, f"{folder.partition('/')[2]} is a folder")
        return {name: size for name, (size, role) in metrics.items() if role is Role.LOOSE}

    def names(self, table: str) -> list[str]:
        """Return the names of the files whose rows are those of a table; none where its whole folder was taken away."""
        if table == "trials":
            return [file.name for file in self.live]
        records = [record.name for footer in self.commits for record in footer.files if record.table == table]
        return [*self.loose(table), *records] if parquet_entries(self.files, table) else []

    def read(
        self,
        table: str,
        columns: Sequence[str] | None = None,
        where: pds.Expression | None = None,
        names: Collection[str] | None = None,
    ) -> pa.Table:
        """Return rows of a table, of all its files or of those named.

        Raises:
            InputError: a file is damaged. FileNotFoundError: one was replaced meanwhile.
        """
        return read_rows(self.files, table, self.names(table) if names is None else names, columns, where)


def steady(files: Files, known: Known, use: Callable[[Snapshot], Result]) -> Result:
    """Return what `use` makes of a snapshot; start over where a file was replaced meanwhile."""
    for _ in range(MAX_TRIES):
        try:
            return use(Snapshot.take(files, known))
        except FileNotFoundError as error:
            missing = error
    raise damaged(files, str(missing).partition("/")[0], f"{missing} is missing") from missing
