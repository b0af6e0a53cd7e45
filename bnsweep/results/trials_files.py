"""Files in `trials/`: what they say without their rows being read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bnsweep.results.commits import FOOTER, Footer, is_as_written, number_of
from bnsweep.results.files import Entry, in_parallel
from bnsweep.results.keys import Keys, to_numbers
from bnsweep.results.locations import Files
from bnsweep.results.reading import damaged

DAMAGE = (pa.ArrowException, OSError, ValueError, KeyError, TypeError)
"""What is raised where a file is not what was written."""


@dataclass(frozen=True)
class TrialsFile:
    """A file in `trials/`: a commit, or one without a number, which has no footer; and the keys of its trials.

    `pruned` has those of them that a pruner stopped, by its rule.
    """

    name: str
    size: int
    footer: Footer | None
    keys: Keys
    num_trials: int
    pruned: Mapping[str, Keys] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Rows of the commit in all tables."""
        return self.num_trials + sum(record.rows for record in (self.footer.files if self.footer else ()))


Known: TypeAlias = MutableMapping[Entry, TrialsFile]
"""What was read already; a file in `trials/` never changes."""


def read_trials_files(files: Files, entries: Sequence[Entry], known: Known) -> list[TrialsFile | None]:
    """Return what files in `trials/` are, in the order given; None where one is not there any more.

    Raises:
        InputError: a file is damaged.
    """
    new = [entry for entry in entries if entry not in known]
    found = in_parallel(partial(_read_trials_file, files), new, files.parallel)
    known.update((entry, file) for entry, file in zip(new, found, strict=True) if file)
    return [known.get(entry) for entry in entries]


def _read_trials_file(files: Files, entry: Entry) -> TrialsFile | None:
    if not entry.is_file:
        raise damaged(files, "trials", f"{entry.name} is a folder")
    try:
        with files.open(f"trials/{entry.name}") as source:
            return trials_file(f"trials/{entry.name}", entry.size, source)
    except FileNotFoundError:
        return None
    except DAMAGE as error:
        raise damaged(files, "trials", f"{entry.name}: {error}") from error


def trials_file(name: str, size: int, source: pa.NativeFile) -> TrialsFile:
    """Return what a file in `trials/` is: its footer and its keys are read, no more.

    Raises:
        DAMAGE: it is damaged, or not what its name says.
    """
    file, number = pq.ParquetFile(source, page_checksum_verification=True), number_of(name)
    rows = file.read([name for name in ("trial_key", "pruner") if name in file.schema_arrow.names])
    keys = rows["trial_key"]
    stored = (file.metadata.metadata or {}).get(FOOTER)
    footer = Footer.decode(stored) if stored is not None and number is not None else None
    if keys.null_count:
        raise ValueError("it has rows without a trial_key")
    if number is not None and (footer is None or footer.number != number):
        raise ValueError("it is not the commit of this number")
    return TrialsFile(name, size, footer, to_numbers(keys), len(keys), _pruned(rows))


def _pruned(rows: pa.Table) -> dict[str, Keys]:
    """Return the keys of pruned trials by the rule of their pruner; earlier versions had none."""
    if "pruner" not in rows.column_names:
        return {}
    rules = rows["pruner"].unique().drop_null().to_pylist()
    return {str(rule): to_numbers(rows["trial_key"].filter(pc.equal(rows["pruner"], rule))) for rule in rules}


def keys_of(files: Iterable[TrialsFile]) -> Keys:
    """Return the keys of the trials in some files, sorted."""
    return np.unique(np.concatenate([np.empty(0, np.uint64), *(file.keys for file in files)]))


def sound_file(name: str, content: bytes) -> TrialsFile | None:
    """Return what a commit's file is; None where it is not what was written, to the byte."""
    try:
        file = trials_file(name, len(content), pa.BufferReader(content))
        return file if file.footer and is_as_written(content) else None
    except DAMAGE:
        return None


def numbers_of(entries: Iterable[Entry]) -> set[int]:
    """Return the numbers of the commits in `trials/`."""
    return {number for entry in entries if (number := number_of(f"trials/{entry.name}")) is not None}
