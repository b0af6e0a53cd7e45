"""Following a results directory: whatever trial is committed there and a copy lacks is added to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
import pyarrow.compute as pc

from bnsweep.copies import COPIES
from bnsweep.copies.axes import Declared, place_of
from bnsweep.copies.copy import Copy, StoredTrial
from bnsweep.error_texts import first_line
from bnsweep.results import Store
from bnsweep.results.declaration import DECLARED
from bnsweep.results.files import Entry
from bnsweep.results.keys import to_numbers, to_texts
from bnsweep.results.schema import METRIC_TABLES
from bnsweep.results.snapshot import Snapshot
from bnsweep.results.trials_files import TrialsFile
from bnsweep.spec.sweep import CopyName, Sweep

MAX_TRIALS = 10_000
"""In a copy: the tools that it is for take minutes to load more."""
AT_ONCE = 200
"""Trials whose rows are in memory."""


class Follower:
    """Keeps copies of the trials that are stored in a directory and that its sweep declares.

    Args:
        store: the directory.
        names: of the copies.
        say: told in a line why a copy ends.
    """

    def __init__(self, store: Store, names: Sequence[CopyName], say: Callable[[str], object]) -> None:
        self._store, self._say = store, say
        self._names, self._copies, self._keys = list(names), dict[CopyName, Copy](), dict[CopyName, set[str]]()
        self._declared: Entry | None = None
        self._trials = to_numbers([])
        self._sweep_file: str | None = None
        self._sweep: Declared | None = None
        self._read = set[str]()

    def bring_up_to_date(self) -> bool:
        """Add what is new; return whether there is a copy left to go on with."""
        try:
            self._look_what_is_declared()
            if (sweep := self._sweep) is not None:
                self._store.use(lambda snapshot: self._add_new(snapshot, sweep))
        except Exception as error:
            for name in list(self._names):
                self._end(name, error)
        return bool(self._names)

    def _look_what_is_declared(self) -> None:
        """Look for trials again where more are declared, and begin anew where another sweep is."""
        found = next((entry for entry in self._store.files.entries() if entry.name == DECLARED), None)
        if found == self._declared or (declared := self._store.declared()) is None:
            return
        self._declared, self._trials = found, to_numbers(declared["trial_keys"])
        self._read.clear()
        if declared["sweep_file"] != self._sweep_file:
            self._sweep_file = declared["sweep_file"]
            self._sweep = sweep = Declared.of(Sweep.from_text(declared["sweep_file"]))
            for name in list(self._names):
                self._open(name, sweep)

    def _open(self, name: CopyName, sweep: Declared) -> None:
        try:
            copy = self._copies.get(name) or COPIES[name](self._store.root)
            self._keys[name] = copy.declare(sweep)
            self._copies[name] = copy
        except Exception as error:
            self._end(name, error)

    def _add_new(self, snapshot: Snapshot, sweep: Declared) -> None:
        for file in snapshot.live:
            if file.name not in self._read:
                wanted = to_texts(file.keys[np.isin(file.keys, self._trials)])
                lacking = [key for key in wanted if any(key not in self._keys[name] for name in self._names)]
                for start in range(0, len(lacking), AT_ONCE):
                    for trial in stored_trials(snapshot, file, lacking[start : start + AT_ONCE], sweep):
                        self._add(trial)
                self._read.add(file.name)

    def _add(self, trial: StoredTrial) -> None:
        for name in list(self._names):
            keys = self._keys[name]
            if trial.key in keys:
                continue
            if len(keys) >= MAX_TRIALS:
                self._end(name, f"it has {MAX_TRIALS:,} trials, as many as such tools can show")
                continue
            try:
                self._copies[name].add(trial)
                keys.add(trial.key)
            except Exception as error:
                self._end(name, error)

    def _end(self, name: CopyName, why: str | Exception) -> None:
        self._names.remove(name)
        text = why if isinstance(why, str) else f"{type(why).__name__}: {first_line(why)}"
        self._say(f"log_to: {name}: no more trials are copied ({text}); the results themselves are unharmed")


def stored_trials(snapshot: Snapshot, file: TrialsFile, keys: list[str], sweep: Declared) -> Iterator[StoredTrial]:
    """Yield the trials of a commit that have these keys, in its order.

    Raises:
        InputError: a file is damaged. FileNotFoundError: one was replaced meanwhile.
    """
    where, tables = pc.field("trial_key").isin(keys), dict[str, dict[str, list[dict[str, Any]]]]()
    for table, names in _metric_files(snapshot, file).items():
        rows = snapshot.read(table, where=where, names=names).to_pylist()
        rows.sort(key=itemgetter("trial_key", "step"))
        tables[table] = {key: list(of_trial) for key, of_trial in groupby(rows, itemgetter("trial_key"))}
    for row in snapshot.read("trials", where=where, names=[file.name]).to_pylist():
        key = row["trial_key"]
        of_trial = {table: by_key[key] for table, by_key in tables.items() if key in by_key}
        yield StoredTrial(row, place_of(row, sweep.axes), of_trial)


def _metric_files(snapshot: Snapshot, file: TrialsFile) -> dict[str, list[str]]:
    """Return by table the files that hold the other rows of a commit; of a file without a number, all without one."""
    if file.footer is None:
        return {table: names for table in METRIC_TABLES if (names := list(snapshot.loose(table)))}
    found = dict[str, list[str]]()
    for record in file.footer.files:
        if record.table != "failures":
            found.setdefault(record.table, []).append(record.name)
    return found
