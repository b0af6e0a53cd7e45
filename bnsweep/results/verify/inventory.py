"""Which files a store has, and which of them belong to no batch."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from bnsweep.results.files import STAGING, Entry, Files
from bnsweep.results.manifest import COMMITS, file_name, manifest_name
from bnsweep.results.reading import PARQUET
from bnsweep.results.recover import BATCH, tables
from bnsweep.results.replace import STAGED
from bnsweep.results.schema import SCHEMAS
from bnsweep.results.verify.problem import Problem

FAILURE = re.compile("[^/]+-[0-9]+")
"""A failure that was not compacted: key and attempt."""


@dataclass(frozen=True)
class Inventory:
    """The files of a store: the batches of each table, what else is in its folder, manifests, and leftovers."""

    batches: dict[str, set[str]]
    others: dict[str, list[Entry]]
    manifests: set[str]
    leftovers: list[str]

    @classmethod
    def of(cls, files: Files) -> Self:
        """List everything. A folder is a table if it is one of bnsweep's, or has files named as batches are."""
        batches, others = dict[str, set[str]](), dict[str, list[Entry]]()
        for table in sorted(tables(files)):
            visible = [entry for entry in files.entries(table) if not entry.name.startswith(("_", "."))]
            own = {entry.name.removesuffix(PARQUET) for entry in visible if _is_batch(table, entry)}
            if own or table in SCHEMAS:
                batches[table] = own
                others[table] = [entry for entry in visible if entry.name.removesuffix(PARQUET) not in own]
        manifests = {entry.name.removesuffix(".json") for entry in files.entries(COMMITS)}
        leftovers = [f"{folder}/{entry.name}" for folder in (STAGING, STAGED) for entry in files.entries(folder)]
        return cls(batches, others, manifests, leftovers)

    @property
    def committed(self) -> dict[str, str]:
        """Each committed batch, with the table whose file commits it."""
        return {batch: table for table in ("failures", "trials") for batch in self.batches.get(table, ())}

    def tables_of(self, batch: str) -> list[str]:
        """Return the tables in which a batch has a file."""
        return [table for table, batches in self.batches.items() if batch in batches]

    def loose(self) -> list[Problem]:
        """Return what belongs to no batch."""
        committed = self.committed
        torn = [
            file_name(table, batch)
            for table in self.batches
            for batch in sorted(self.batches[table] - committed.keys())
        ]
        torn += [manifest_name(batch) for batch in sorted(self.manifests - committed.keys())]
        return [
            *(Problem("torn", name, "was never committed") for name in self.leftovers + torn),
            *(
                Problem("foreign", f"{table}/{entry.name}", "is no file of bnsweep's")
                for table, entries in self.others.items()
                for entry in entries
            ),
        ]


def _is_batch(table: str, entry: Entry) -> bool:
    batch = entry.name.removesuffix(PARQUET)
    is_named = BATCH.fullmatch(batch) or (table == "failures" and FAILURE.fullmatch(batch))
    return entry.is_file and entry.name.endswith(PARQUET) and bool(is_named)
