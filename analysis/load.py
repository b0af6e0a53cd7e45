"""Load a results directory into tidy frames."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import Any

import pandas as pd
import pyarrow.dataset as pds
import pyarrow.fs as pafs

from bnsweep.errors import InputError, did_you_mean
from bnsweep.results import SCHEMAS, Store
from bnsweep.results.schema import AXES, METRIC_TABLES
from bnsweep.results.store import DECLARED

_ALWAYS = ("trial_key", *AXES, "step", "layer", "lr_multiple")
_NEVER_NULL = ("trial_key", *AXES, "status", "num_classes")


@dataclass(frozen=True)
class Results:
    """The tables of one sweep, a row per trial or measurement; the columns are those of `bnsweep.results.SCHEMAS`.

    `trials` and the tables of measurements hold committed trials that the sweep file declares, each once.
    """

    name: str
    trials: pd.DataFrame
    curves: pd.DataFrame
    landscape: pd.DataFrame
    ics: pd.DataFrame
    moments: pd.DataFrame
    curvature: pd.DataFrame
    failures: pd.DataFrame
    undeclared: pd.DataFrame
    """Rows of `trials` that the sweep file no longer declares: kept apart, and used in no measure."""
    missing: tuple[str, ...]
    """Keys of the declared trials that have no result yet."""
    declared: dict[str, Any] | None
    """What the last run declared: name, trial_keys, sweep_file; None where nothing was declared."""


def load(
    directory: str | os.PathLike[str],
    *,
    norms: Iterable[str] | None = None,
    columns: Mapping[str, Sequence[str]] | None = None,
    steps: tuple[int, int] | None = None,
) -> Results:
    """Read the tables under `directory`, a path or a pyarrow filesystem URI. What is not asked for is not read.

    Args:
        directory: what `bnsweep run --out` was given.
        norms: normalization modes to read; all if None.
        columns: for a table, the columns to read; those that identify a row always come along. All if None.
        steps: the first and the last step to read of the tables of measurements; all if None.

    Raises:
        InputError: no such directory, no finished trial, none that is declared, a damaged file or one that is not
            bnsweep's, an unknown norm, table or column, or steps that are no range.
    """
    wanted = _checked_columns(columns or {})
    if steps is not None and not steps[0] <= steps[1]:
        raise InputError(f"steps: {steps[0]} to {steps[1]} is no range; give the first step and the last, (0, 1000)")
    store = Store.open(directory)
    if store.fs.get_file_info(store.root).type != pafs.FileType.Directory:
        raise InputError(f"{os.fspath(directory)}: no such directory; give the --out of a `bnsweep run`")
    declared, failures = _declared(store), _read(store, "failures")
    trials = _read(store, "trials", wanted.get("trials"))
    if trials.empty:
        raise InputError(f"{os.fspath(directory)}: holds no finished trial; `bnsweep run` puts them there")
    if trials[[name for name in _NEVER_NULL if name in trials]].isna().any(axis=None):
        raise InputError(f"{store.path('trials')}: rows without a trial_key or axis; move away the file that has them")
    has_duplicates = bool(trials["trial_key"].duplicated().any())
    trials = trials.drop_duplicates("trial_key", ignore_index=True)
    missing = tuple(sorted(set(declared["trial_keys"]) - set(trials["trial_key"]))) if declared else ()
    chosen = _checked_norms(norms, trials)
    if chosen is not None:
        trials = trials[trials["norm"].isin(chosen)].reset_index(drop=True)
    trials, undeclared = _set_apart(trials, declared)
    if trials.empty:
        raise InputError(
            f"{os.fspath(directory)}: none of its {len(undeclared)} finished trials is declared in {DECLARED}"
        )
    keys = trials["trial_key"].astype(str)
    metrics = {
        table: _measured(_read(store, table, wanted.get(table), _filter(chosen, steps)), keys, has_duplicates)
        for table in METRIC_TABLES
    }
    name = declared["name"] if declared else os.path.basename(store.root)
    return Results(
        name=name,
        trials=trials,
        failures=failures,
        undeclared=undeclared,
        missing=missing,
        declared=declared,
        **metrics,
    )


def _declared(store: Store) -> dict[str, Any] | None:
    """Return what the store says is declared, checked."""
    path = store.path(DECLARED)
    if store.fs.get_file_info(path).type == pafs.FileType.Directory:
        raise InputError(f"{path}: a directory; it should be a file, which `bnsweep run` writes")
    declared = store.declared()
    if declared is None:
        return None
    name, keys, text = declared["name"], declared["trial_keys"], declared["sweep_file"]
    are_strings = isinstance(keys, list) and all(isinstance(one, str) for one in [name, text, *keys])
    if not are_strings:
        raise InputError(f"{path}: damaged (name, trial_keys or sweep_file is of a wrong type); run the sweep again")
    return declared


def _read(
    store: Store, table: str, columns: Sequence[str] | None = None, where: pds.Expression | None = None
) -> pd.DataFrame:
    return pd.DataFrame(store.read(table, columns, where).to_pandas())


def _filter(norms: Sequence[str] | None, steps: tuple[int, int] | None) -> pds.Expression | None:
    """Return which measurements to read; None for all."""
    parts = [pds.field("norm").isin(list(norms))] if norms is not None else []
    if steps is not None:
        parts += [pds.field("step") >= steps[0], pds.field("step") <= steps[1]]
    return reduce(and_, parts) if parts else None


def _checked_columns(columns: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return the columns to read by table: those asked for, after those that identify a row."""
    wanted = {}
    for table, names in columns.items():
        if table not in SCHEMAS:
            raise InputError(f"columns: no table {table!r}; {did_you_mean(table, SCHEMAS)}")
        known = SCHEMAS[table].names
        for name in names:
            if name not in known:
                raise InputError(f"columns: table {table} has no column {name!r}; {did_you_mean(name, known)}")
        wanted[table] = list(dict.fromkeys([*(name for name in _ALWAYS if name in known), *names]))
    return wanted


def _checked_norms(norms: Iterable[str] | None, trials: pd.DataFrame) -> list[str] | None:
    if norms is None:
        return None
    present = set(trials["norm"].astype(str))
    chosen = [norms] if isinstance(norms, str) else list(norms)
    for norm in chosen:
        if norm not in present:
            raise InputError(f"norms: no trial has norm {norm!r}; {did_you_mean(norm, present)}")
    return chosen


def _set_apart(trials: pd.DataFrame, declared: dict[str, Any] | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split `trials` into those that are declared and those that are not."""
    if declared is None:
        return trials, trials.iloc[:0]
    is_declared = trials["trial_key"].isin(declared["trial_keys"])
    return trials[is_declared].reset_index(drop=True), trials[~is_declared].reset_index(drop=True)


def _measured(rows: pd.DataFrame, keys: pd.Series[str], has_duplicates: bool) -> pd.DataFrame:
    """Return the rows whose trial is among `keys`, each measurement once."""
    rows = rows[rows["trial_key"].isin(keys)]
    if has_duplicates:
        rows = rows.drop_duplicates([name for name in _ALWAYS if name in rows])
    return rows.reset_index(drop=True)
