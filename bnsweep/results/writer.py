"""The writer: whoever has taken a directory over, and commits.

Numbers decide. A writer's commits have the numbers after its take-over. A file of a number can be created once: who
finds the next number taken by another was taken over itself, removes its own metric files and ends. Nothing is ever
overwritten. What a killed run left is cleaned up after a take-over, and only up to its number: what a run after it
writes has higher ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType, TracebackType
from typing import Self

import pyarrow as pa

from bnsweep.errors import StoreError, Superseded
from bnsweep.results import checkpoints
from bnsweep.results.commits import Footer, Kind, commit_name, encode_commit, encode_metrics, number_of
from bnsweep.results.declaration import write_declaration
from bnsweep.results.files import Files
from bnsweep.results.keys import Keys, to_texts
from bnsweep.results.lease import Lease, describe, who
from bnsweep.results.local import STAGING
from bnsweep.results.reading import parquet_entries
from bnsweep.results.schema import SCHEMAS
from bnsweep.results.snapshot import Known, Snapshot, read_trials_files
from bnsweep.results.tables import conformed


@dataclass
class Writer:
    """The right to commit to a store. Of one thread, but for checkpoints.

    Args:
        files: where.
        id: of this writer.
        number: of its last commit.
        snapshot: what was committed before.
        lease: says that it is at work; ended by `close`.
    """

    files: Files
    id: str
    number: int
    snapshot: Snapshot
    lease: Lease
    has_committed: bool = False
    _ended: str | None = None

    @property
    def keys(self) -> Keys:
        """The keys of the trials that were committed at the take-over, sorted."""
        return self.snapshot.keys

    @property
    def attempts(self) -> dict[str, int]:
        """The number of the last attempt that had failed at the take-over, of each trial that ever did."""
        return last_attempts(self.snapshot)

    @property
    def saved(self) -> set[str]:
        """The keys of the trials that have a checkpoint."""
        return checkpoints.keys(self.files)

    @property
    def is_lost(self) -> bool:
        """Whether another run has been seen to take the directory over, or it was taken away."""
        return self.lease.is_lost

    def commit(self, tables: Mapping[str, pa.Table]) -> None:
        """Make rows visible together, or none of them: those of `trials`, and of any other table.

        Raises:
            Superseded: another run has taken the directory over; nothing was made visible.
            StoreError: they cannot be written. Where it is unknown whether they were, this writer is of no use any
                more: a take-over shows it.
        """
        self._commit(tables.items())

    def merge(
        self,
        tables: Iterable[tuple[str, pa.Table]],
        old: Sequence[Footer],
        files: Mapping[str, int],
        row_group_size: int | None = None,
    ) -> None:
        """Commit rows in place of those of other commits, and of files without a number; then delete these."""
        replaces = sorted({number for footer in old for number in (footer.number, *footer.replaces)})
        self._commit(tables, Kind.MERGE, tuple(replaces), files, row_group_size)
        self.files.delete([commit_name(footer.number) for footer in old])
        self.files.delete([*files, *(record.name for footer in old for record in footer.files)])

    def blank(self, number: int) -> None:
        """Write a commit of no rows over a damaged one: its number must stay taken."""
        self._check()
        self.files.put(commit_name(number), encode_commit(Footer(self.id, number, Kind.TAKE_OVER, by=who())))

    def _commit(
        self,
        tables: Iterable[tuple[str, pa.Table]],
        kind: Kind = Kind.ROWS,
        replaces: tuple[int, ...] = (),
        replaces_files: Mapping[str, int] = MappingProxyType({}),
        row_group_size: int | None = None,
    ) -> None:
        self._check()
        number, trials = self.number + 1, SCHEMAS["trials"].empty_table()

        def metrics() -> Iterator[tuple[str, pa.Table]]:
            nonlocal trials
            for table, rows in tables:
                if table == "trials":
                    trials = conformed(table, rows)
                elif rows.num_rows:
                    yield table, conformed(table, rows)

        contents, records = encode_metrics(number, metrics(), row_group_size)
        footer = Footer(self.id, number, kind, records, replaces, dict(replaces_files))
        content = encode_commit(footer, trials, row_group_size)
        try:
            self.files.put_many(contents)
        except BaseException:
            with suppress(StoreError):
                self.files.delete(contents)
            raise
        self._ended = f"{self.files.root}: whether commit {number} was written is not known; run the same command again"
        if not self.files.create(commit_name(number), content):
            self._ended = superseded(self.files, number)
            with suppress(StoreError):
                self.files.delete(contents)
            raise Superseded(self._ended)
        self._ended, self.number, self.has_committed = None, number, True

    def _check(self) -> None:
        if self._ended:
            raise StoreError(self._ended)
        if self.is_lost:
            raise Superseded(f"{self.files.root}: taken over by another run, or taken away; this one commits no more")

    def declare(self, name: str, trial_keys: Keys | Iterable[str], sweep_file: str) -> None:
        """Remember which trials the sweep declares, so that a report can tell how much of it is done."""
        write_declaration(self.files, name, trial_keys, sweep_file)

    def save_checkpoint(self, key: str, content: bytes) -> None:
        """Keep `content` as the checkpoint of a trial, in place of an older one."""
        checkpoints.save(self.files, key, content)

    def load_checkpoint(self, key: str) -> bytes | None:
        """Return the checkpoint of a trial; None where there is none or it is damaged."""
        return checkpoints.load(self.files, key)

    def drop_checkpoints(self, trial_keys: Iterable[str]) -> None:
        """Delete the checkpoints of these trials."""
        checkpoints.drop(self.files, trial_keys)

    def close(self) -> None:
        """End in order, with a commit of no rows, so that a merge may replace the last one of those that have some."""
        try:
            if self.has_committed and not self._ended:
                self.commit({})
                self.has_committed = False
        finally:
            self.abandon()

    def abandon(self) -> None:
        """End, and commit nothing more."""
        self._ended = self._ended or f"{self.files.root}: closed"
        self.lease.close()

    def __enter__(self) -> Self:
        """Return this."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it where all went well."""
        self.close() if kind is None else self.abandon()


def take_over(files: Files, lease: Lease, known: Known, *, is_repair: bool = False) -> Writer:
    """Take a directory over, and clean up what was never committed; for a repair only the former, and nothing is read.

    Raises:
        Superseded: another run has taken it over meanwhile. InputError: a file is damaged. StoreError: it cannot be
            written.
    """
    while True:
        number = 1 + max(_numbers(files), default=0)
        footer = Footer(lease.writer, number, Kind.TAKE_OVER, by=who())
        if not files.create(commit_name(number), encode_commit(footer)):
            continue
        entries = parquet_entries(files, "trials")
        if max(_numbers_of(entry.name for entry in entries), default=0) <= number:
            break
    if is_repair:
        return Writer(files, lease.writer, number, Snapshot(files, ()), lease)
    found = [file for file in read_trials_files(files, entries, known) if file]
    if len(found) < len(entries):
        raise Superseded(f"{files.root}: another run has taken it over; this one commits nothing")
    snapshot = Snapshot(files, tuple(found))
    clean_up(files, snapshot, number)
    return Writer(files, lease.writer, number, snapshot, lease)


def clean_up(files: Files, snapshot: Snapshot, number: int) -> None:
    """Finish the deletions that merges began, and delete metric files up to a number that belong to no commit."""
    files.delete([file.name for file in snapshot.found if snapshot.is_replaced(file)])
    files.delete(leftovers(files, snapshot, number))
    if saved := checkpoints.keys(files):
        checkpoints.drop(files, saved.intersection(to_texts(snapshot.keys)))


def leftovers(files: Files, snapshot: Snapshot, number: int) -> list[str]:
    """Return files outside `trials/`, of numbers up to this one or of none, whose rows do not count."""
    named = {record.name for footer in snapshot.commits for record in footer.files}
    found = [f"{STAGING}/{entry.name}" for entry in files.entries(STAGING)]
    for table in sorted(tables(files) - {"trials"}):
        sizes = {f"{table}/{entry.name}": entry.size for entry in parquet_entries(files, table)}
        found += [name for name in sizes if (number_of(name) or number + 1) <= number and name not in named]
        found += [name for name, size in sizes.items() if snapshot.replaced_files.get(name) == size]
    return found


def tables(files: Files) -> set[str]:
    """Return the names of the tables that are there, those of users' own probes among them."""
    return {entry.name for entry in files.entries() if not (entry.is_file or entry.name.startswith(("_", ".")))}


def _numbers(files: Files) -> list[int]:
    return _numbers_of(entry.name for entry in files.entries("trials"))


def _numbers_of(names: Iterable[str]) -> list[int]:
    return [number for name in names if (number := number_of(f"trials/{name}")) is not None]


def superseded(files: Files, number: int) -> str:
    """Return the message that another run has taken the directory over by a commit of this number."""
    try:
        (file,) = read_trials_files(
            files, [entry for entry in files.entries("trials") if number_of(f"trials/{entry.name}") == number], {}
        )
        by = f"another run ({describe(dict(file.footer.by))})" if file and file.footer else "another run"
    except (StoreError, ValueError):
        by = "another run"
    return f"{files.root}: {by} has taken it over; this one commits nothing any more"


def last_attempts(snapshot: Snapshot) -> dict[str, int]:
    """Return the number of the last attempt that failed, of each trial that ever did."""
    failed = snapshot.read("failures", ["trial_key", "attempt"]).group_by("trial_key").aggregate([("attempt", "max")])
    return dict(zip(failed["trial_key"].to_pylist(), failed["attempt_max"].to_pylist(), strict=True))
