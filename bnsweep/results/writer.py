"""The writer: whoever has taken a directory over, and commits.

Numbers decide. A writer's commits have the numbers after its take-over. A file of a number can be created once: who
finds the next number taken by another was taken over itself, removes its own metric files and ends. Nothing is ever
overwritten. `takeover.py` says how it came to be the writer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType, TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from bnsweep.errors import StoreError, Superseded
from bnsweep.results.checkpoints import Checkpoints
from bnsweep.results.commits import Footer, Kind, commit_name, encode_commit, encode_metrics
from bnsweep.results.declaration import write_declaration
from bnsweep.results.keys import Keys
from bnsweep.results.lease import Lease, describe
from bnsweep.results.locations import Files
from bnsweep.results.schema import SCHEMAS
from bnsweep.results.snapshot import Snapshot
from bnsweep.results.tables import conformed
from bnsweep.results.trials_files import DAMAGE, trials_file


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
    def own_schemas(self) -> dict[str, pa.Schema]:
        """The schema of each user's own table at the take-over, as the last file of it has it that can be read."""
        return last_schemas(self.snapshot)

    @property
    def checkpoints(self) -> Checkpoints:
        """Of trials under way."""
        return Checkpoints(self.files)

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

    def merge(self, tables: Iterable[tuple[str, pa.Table]], old: Sequence[Footer], files: Mapping[str, int]) -> None:
        """Commit rows in place of those of other commits, and of files without a number; then delete these.

        A number that must stay taken does: its commit is left without rows.
        """
        replaces = sorted({number for footer in old for number in (footer.number, *footer.replaces)})
        self._commit(tables, Kind.MERGE, tuple(replaces), files)
        numbers = {footer.number for footer in old}
        for number in sorted(numbers & self.snapshot.kept):
            self.blank(number)
        self.files.delete([commit_name(number) for number in sorted(numbers - self.snapshot.kept)])
        self.files.delete([*files, *(record.name for footer in old for record in footer.files)])

    def blank(self, number: int) -> None:
        """Write a commit of no rows over another one, whose number must stay taken."""
        self._check()
        self.files.put(commit_name(number), encode_commit(Footer(self.id, number, Kind.TAKE_OVER, by=self.lease.by)))

    def _commit(
        self,
        tables: Iterable[tuple[str, pa.Table]],
        kind: Kind = Kind.ROWS,
        replaces: tuple[int, ...] = (),
        replaces_files: Mapping[str, int] = MappingProxyType({}),
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

        contents, records = encode_metrics(number, metrics())
        footer = Footer(self.id, number, kind, records, replaces, dict(replaces_files))
        content = encode_commit(footer, trials)
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
        if self.is_lost or self.files.is_taken_away(commit_name(self.number)):
            raise Superseded(f"{self.files.root}: taken over by another run, or taken away; this one commits no more")

    def declare(
        self,
        name: str,
        trial_keys: Keys | Iterable[str],
        sweep_file: str,
        search: Mapping[str, Any] | None = None,
    ) -> None:
        """Remember which trials the sweep declares, so that a report can tell how much of it is done."""
        write_declaration(self.files, name, trial_keys, sweep_file, search)

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


def superseded(files: Files, number: int) -> str:
    """Return the message that another run has taken the directory over by a commit of this number."""
    by, name = "another run", commit_name(number)
    with suppress(StoreError, *DAMAGE):
        file = trials_file(name, 0, pa.BufferReader(files.read(name) or b""))
        by += f" ({describe(dict(file.footer.by))})" if file.footer else ""
    return f"{files.root}: {by} has taken it over; this one commits nothing any more"


def last_attempts(snapshot: Snapshot) -> dict[str, int]:
    """Return the number of the last attempt that failed, of each trial that ever did."""
    failed = snapshot.read("failures", ["trial_key", "attempt"]).group_by("trial_key").aggregate([("attempt", "max")])
    return dict(zip(failed["trial_key"].to_pylist(), failed["attempt_max"].to_pylist(), strict=True))


def last_schemas(snapshot: Snapshot) -> dict[str, pa.Schema]:
    """Return the schema of each user's own table, by its last file; none where that cannot be read."""
    last = {record.table: record.name for footer in snapshot.commits for record in footer.files}
    schemas = dict[str, pa.Schema]()
    for table, name in last.items():
        if table not in SCHEMAS:
            with suppress(*DAMAGE, FileNotFoundError), snapshot.files.open(name) as source:
                schemas[table] = pq.read_schema(source)
    return schemas
