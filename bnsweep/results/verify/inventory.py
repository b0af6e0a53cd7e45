"""Which files a store has, and which of them belong to no commit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import pyarrow as pa

from bnsweep.results.commits import DIGEST, FOOTER, PARQUET, Footer, is_as_written, number_of, read_parquet
from bnsweep.results.files import Entry, Files
from bnsweep.results.local import STAGING
from bnsweep.results.schema import SCHEMAS
from bnsweep.results.snapshot import EARLIER_BATCH
from bnsweep.results.verify.problem import Problem
from bnsweep.results.writer import tables

AT_A_TIME = 200
"""Files in memory."""


@dataclass(frozen=True)
class Inventory:
    """The files of a store.

    Args:
        entries: what is in the folder of each table that readers see.
        footers: of each commit by its file; None where that is damaged.
        leftovers: what was written aside.
    """

    entries: Mapping[str, list[Entry]]
    footers: Mapping[str, Footer | None]
    leftovers: list[str]

    @classmethod
    def of(cls, files: Files) -> Self:
        """List everything, and read the commits. A folder is a table if it is one of bnsweep's, or holds metrics."""
        found = {
            table: [entry for entry in files.entries(table) if not entry.name.startswith(("_", "."))]
            for table in sorted(tables(files))
        }
        numbered = [f"trials/{entry.name}" for entry in found.get("trials", []) if number_of(f"trials/{entry.name}")]
        footers = dict[str, Footer | None]()
        for start in range(0, len(numbered), AT_A_TIME):
            names = numbered[start : start + AT_A_TIME]
            for name, content in zip(names, files.read_many(names), strict=True):
                if content is not None:
                    footers[name] = _footer(name, content)
        named = {record.table for footer in footers.values() if footer for record in footer.files}
        ours = {table for table in found if table in SCHEMAS or table in named or _has_metrics(table, found[table])}
        kept = {table: found[table] for table in found if table in ours}
        return cls(kept, footers, [f"{STAGING}/{entry.name}" for entry in files.entries(STAGING)])

    @property
    def metric_tables(self) -> list[str]:
        """The tables but `trials`."""
        return [table for table in self.entries if table != "trials"]

    @cached_property
    def replaced(self) -> frozenset[str]:
        """Names of the files whose rows are in a merge."""
        sound = [footer for footer in self.footers.values() if footer]
        numbers = {number for footer in sound for number in footer.replaces}
        sizes = {name: size for footer in sound for name, size in footer.replaces_files.items()}
        present = {f"{table}/{entry.name}": entry.size for table in self.entries for entry in self.entries[table]}
        return frozenset(
            {name for name, footer in self.footers.items() if footer and footer.number in numbers}
            | {name for name, size in sizes.items() if present.get(name) == size}
        )

    @cached_property
    def live(self) -> dict[str, Footer]:
        """The sound commits that count, by their file."""
        return {name: footer for name, footer in self.footers.items() if footer and name not in self.replaced}

    def unnumbered(self, table: str) -> list[str]:
        """Return the Parquet files of a table that have no number, and count."""
        return [
            name
            for name in self._names(table)
            if number_of(name) is None and not self._is_torn(name) and name not in self.replaced
        ]

    def _names(self, table: str) -> list[str]:
        entries = self.entries.get(table, [])
        return [f"{table}/{entry.name}" for entry in entries if entry.is_file and entry.name.endswith(PARQUET)]

    def _is_torn(self, name: str) -> bool:
        """Return whether an earlier version wrote a file and did not commit it."""
        table, _, file = name.partition("/")
        is_metric = table not in ("trials", "failures")
        return is_metric and EARLIER_BATCH.fullmatch(file) is not None and f"trials/{file}" not in self._names("trials")

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong with the files themselves, or belongs to no commit."""
        for name, footer in self.footers.items():
            if footer is None:
                yield Problem("damaged", name, "differs from what was written")
        yield from (Problem("torn", name, "was never committed") for name in self.leftovers)
        yield from (Problem("unfinished", name, "was merged into another commit") for name in sorted(self.replaced))
        spoilt = {number_of(name) for name, footer in self.footers.items() if footer is None}
        named = {record.name for footer in self.live.values() for record in footer.files}
        for table in self.entries:
            yield from (
                Problem("foreign", f"{table}/{entry.name}", "is no file of bnsweep's")
                for entry in self.entries[table]
                if not (entry.is_file and entry.name.endswith(PARQUET))
            )
            for name in self._names(table) if table != "trials" else ():
                if number_of(name) in spoilt:
                    yield Problem("damaged", name, "is of a damaged commit")
                elif (number_of(name) is not None and name not in named) or self._is_torn(name):
                    yield Problem("torn", name, "was never committed")


def _has_metrics(table: str, entries: list[Entry]) -> bool:
    return any(number_of(f"{table}/{entry.name}") or EARLIER_BATCH.fullmatch(entry.name) for entry in entries)


def _footer(name: str, content: bytes) -> Footer | None:
    """Return the footer of a commit; None where a byte of its file has changed."""
    try:
        _, metadata = read_parquet(content)
        footer = Footer.decode(metadata[FOOTER])
        digest = metadata[DIGEST]
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError):
        return None
    return footer if is_as_written(content, digest) and footer.number == number_of(name) else None
