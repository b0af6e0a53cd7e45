"""A snapshot: which commits there are at one moment, and the rows that belong to them.

A reader lists, reads the footers, and lists again until nothing is new: a merge creates its own file before it deletes
those that it replaces, so whoever misses one of these sees that file. What it replaces is dropped. A file that is gone
when it is read was replaced meanwhile: the reader starts over. Hence each row is seen exactly once.

Files that have no number were written by an earlier version of bnsweep or by another program; their rows count too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, MutableMapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.dataset as pds
import pyarrow.parquet as pq

from bnsweep.errors import StoreError
from bnsweep.results.commits import FOOTER, Footer, Kind, number_of
from bnsweep.results.files import Entry, Files, in_parallel
from bnsweep.results.keys import Keys, to_numbers
from bnsweep.results.reading import damaged, parquet_entries, read_rows

EARLIER_BATCH = re.compile(r"[0-9a-f]{16}\.parquet")
"""How earlier versions called the files of a commit, the same in each table."""
MAX_TRIES = 20
Known = MutableMapping[Entry, "TrialsFile"]
"""What was read already of the files in `trials/`."""
Result = TypeVar("Result")


@dataclass(frozen=True)
class TrialsFile:
    """A file in `trials/`: a commit, or one without a number, which has no footer; and the keys of its trials."""

    name: str
    size: int
    footer: Footer | None
    keys: Keys
    num_trials: int

    @property
    def rows(self) -> int:
        """Rows of the commit in all tables."""
        return self.num_trials + sum(record.rows for record in (self.footer.files if self.footer else ()))


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
                left = {entry.name for entry in again}
                return cls(files, tuple(file for file in found if file and file.name.partition("/")[2] in left))
            entries = again
        raise StoreError(f"{files.path('trials')}: changes all the time; read it again")

    @cached_property
    def replaced(self) -> frozenset[int]:
        """Numbers of the commits whose rows are in others."""
        return frozenset(number for footer in self._footers for number in footer.replaces)

    @cached_property
    def replaced_files(self) -> dict[str, int]:
        """Names and bytes of the files without a number whose rows are in commits."""
        return {name: size for footer in self._footers for name, size in footer.replaces_files.items()}

    @cached_property
    def kept(self) -> frozenset[int]:
        """Numbers that must never be free: of take-overs, and those before, of which their writers may be in doubt."""
        starts = [footer.number for footer in self._footers if footer.kind is Kind.TAKE_OVER]
        return frozenset(number for start in starts for number in (start - 1, start))

    @property
    def numbers(self) -> list[int]:
        """The numbers that are taken."""
        return [footer.number for footer in self._footers]

    @property
    def has_leftovers(self) -> bool:
        """Whether a merge was cut off before it deleted what it replaces."""
        return len(self.live) < len(self.found)

    @property
    def is_converted(self) -> bool:
        """Whether all results and failures are in commits."""
        return all(file.footer for file in self.live) and not self.unnumbered("failures")

    @property
    def _footers(self) -> list[Footer]:
        return [file.footer for file in self.found if file.footer]

    @cached_property
    def live(self) -> tuple[TrialsFile, ...]:
        """The files in `trials/` that count."""
        return tuple(file for file in self.found if not self.is_replaced(file))

    def is_replaced(self, file: TrialsFile) -> bool:
        """Return whether the rows of a file are in another one."""
        if file.footer:
            return file.footer.number in self.replaced
        return self.replaced_files.get(file.name) == file.size

    @cached_property
    def commits(self) -> tuple[Footer, ...]:
        """The commits that count, in the order of their numbers."""
        return tuple(file.footer for file in self.live if file.footer)

    @cached_property
    def keys(self) -> Keys:
        """The keys of all committed trials, sorted."""
        return _unique(self.live)

    @property
    def numbered_keys(self) -> Keys:
        """The keys of the trials that are in commits, sorted."""
        return _unique([file for file in self.live if file.footer])

    def unnumbered(self, table: str) -> list[tuple[str, int]]:
        """Return names and bytes of the files without a number whose rows count in a table.

        Those of a commit of an earlier version are left out where its file in `trials/` is not there.
        """
        if table == "trials":
            return [(file.name, file.size) for file in self.live if not file.footer]
        entries = parquet_entries(self.files, table)
        if folder := next((entry.name for entry in entries if not entry.is_file), None):
            raise damaged(self.files, table, f"{folder} is a folder")
        sizes = {f"{table}/{entry.name}": entry.size for entry in entries}
        present = {file.name.partition("/")[2] for file in self.live}
        return [
            (name, size)
            for name, size in sorted(sizes.items())
            if number_of(name) is None and self.replaced_files.get(name) != size
            if table == "failures" or not _is_torn(name.partition("/")[2], present)
        ]

    def names(self, table: str) -> list[str]:
        """Return the names of the files whose rows are those of a table; none where its whole folder was taken away."""
        if table == "trials":
            return [file.name for file in self.live]
        if not parquet_entries(self.files, table):
            return []
        records = [record.name for footer in self.commits for record in footer.files if record.table == table]
        return [*(name for name, _ in self.unnumbered(table)), *records]

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


def _unique(files: Sequence[TrialsFile]) -> Keys:
    return np.unique(np.concatenate([np.empty(0, np.uint64), *(file.keys for file in files)]))


def _is_torn(file: str, present: Collection[str]) -> bool:
    return EARLIER_BATCH.fullmatch(file) is not None and file not in present


def steady(files: Files, known: Known, use: Callable[[Snapshot], Result]) -> Result:
    """Return what `use` makes of a snapshot; start over where a file was replaced meanwhile."""
    for _ in range(MAX_TRIES):
        try:
            return use(Snapshot.take(files, known))
        except FileNotFoundError as error:
            missing = error
    name = str(missing)
    raise damaged(files, name.partition("/")[0], f"{name} is missing") from missing


def read_trials_files(files: Files, entries: Sequence[Entry], known: Known) -> list[TrialsFile | None]:
    """Return what files in `trials/` are, in the order given; None where one is not there any more.

    Raises:
        InputError: a file is damaged.
    """
    new = [entry for entry in entries if entry not in known]
    for entry, file in zip(
        new, in_parallel(lambda entry: _read_trials_file(files, entry), new, files.parallel), strict=True
    ):
        if file:
            known[entry] = file
    return [known.get(entry) for entry in entries]


def _read_trials_file(files: Files, entry: Entry) -> TrialsFile | None:
    name = f"trials/{entry.name}"
    number = number_of(name)
    if not entry.is_file:
        raise damaged(files, "trials", f"{entry.name} is a folder")
    try:
        with files.open(name) as source:
            file = pq.ParquetFile(source, page_checksum_verification=True)
            keys = file.read(["trial_key"])["trial_key"]
            stored = (file.metadata.metadata or {}).get(FOOTER)
            footer = Footer.decode(stored) if stored is not None and number is not None else None
    except FileNotFoundError:
        return None
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        raise damaged(files, "trials", f"{entry.name}: {error}") from error
    if keys.null_count:
        raise damaged(files, "trials", f"{entry.name} has rows without a trial_key")
    if number is not None and (footer is None or footer.number != number):
        raise damaged(files, "trials", f"{entry.name} is not the commit of this number")
    return TrialsFile(name, entry.size, footer, to_numbers(keys), len(keys))
