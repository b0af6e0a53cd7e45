"""One stored trial, found by how its key begins, with its rows in every table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import pyarrow as pa
import pyarrow.dataset as pds

from bnsweep.errors import InputError
from bnsweep.results.keys import to_numbers, to_texts
from bnsweep.results.snapshot import Snapshot
from bnsweep.results.store import Store
from bnsweep.results.trials_files import TrialsFile


@dataclass(frozen=True)
class StoredTrial:
    """A committed trial; of one that is there twice, what the first file holds.

    Args:
        store: its store.
        key: its trial_key.
    """

    store: Store
    key: str

    @classmethod
    def find(cls, store: Store, prefix: str) -> Self:
        """Return the one trial whose key begins with `prefix`.

        Raises:
            InputError: no trial begins with it, several do, or a file is damaged.
        """
        found = [key for key in to_texts(store.finished_keys()) if key.startswith(prefix)]
        if len(found) != 1:
            problem = f"{len(found)} trials begin with it" if found else "no finished trial begins with it"
            raise InputError(f"{prefix}: {problem}; give a trial_key of {store.path('trials')}")
        return cls(store, found[0])

    def rows(self, table: str) -> pa.Table | None:
        """Return its rows of a table; None where it has none there.

        Raises:
            InputError: a file is damaged. StoreError: it cannot be read just now.
        """
        found = self.store.use(lambda snapshot: self._read(snapshot, table))
        return found if found.num_rows else None

    def _read(self, snapshot: Snapshot, table: str) -> pa.Table:
        (number,) = to_numbers([self.key])
        first = next(file for file in snapshot.live if number in file.keys)
        where = pds.field("trial_key") == self.key
        return snapshot.read(table, where=where, names=_names(snapshot, first, table))


def _names(snapshot: Snapshot, file: TrialsFile, table: str) -> list[str]:
    """Return the files that a trial's rows in a table are in, of one that is in this file of `trials/`."""
    if table == "trials":
        return [file.name]
    loose = list(snapshot.loose(table))
    if file.footer is None:
        namesake = f"{table}/{file.name.partition('/')[2]}"
        return [namesake] if namesake in loose else loose
    return [record.name for record in file.footer.files if record.table == table] or loose
