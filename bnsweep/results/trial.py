"""One stored trial, found by how its key begins, with its rows in every table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import pyarrow as pa
import pyarrow.dataset as pds

from bnsweep.errors import InputError
from bnsweep.results import reading
from bnsweep.results.files import Files


@dataclass(frozen=True)
class StoredTrial:
    """A committed trial; of one that is in two batches, what the first of them holds.

    Args:
        files: of its store.
        key: its trial_key.
        batch: the batch that holds its rows.
    """

    files: Files
    key: str
    batch: str

    @classmethod
    def find(cls, files: Files, prefix: str) -> Self:
        """Return the one trial whose key begins with `prefix`.

        Raises:
            InputError: no trial begins with it, several do, or a file is damaged.
        """
        batches = {
            key: batch for batch, keys in sorted(reading.trial_keys(files).items(), reverse=True) for key in keys
        }
        found = [key for key in batches if key.startswith(prefix)]
        if len(found) != 1:
            problem = f"{len(found)} trials begin with it" if found else "no finished trial begins with it"
            raise InputError(f"{prefix}: {problem}; give a trial_key of {files.path('trials')}")
        return cls(files, found[0], batches[found[0]])

    def rows(self, table: str) -> pa.Table | None:
        """Return its rows of a table; None where its batch has none there.

        Raises:
            InputError: a file is damaged. StoreError: it cannot be read just now.
        """
        if self.batch not in reading.batch_files(self.files, table):
            return None
        where = pds.field("trial_key") == self.key
        return reading.read_rows(self.files, table, where=where, batches=[self.batch])
