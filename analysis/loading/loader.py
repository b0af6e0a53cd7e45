"""Load a results directory into tidy frames."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from itertools import compress
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as pds

from analysis.loading.drawn import drawn_values
from analysis.loading.membership import are_among
from analysis.loading.order import ORDERED, declared_order
from analysis.loading.results import IS_ADDED, Results
from analysis.loading.selection import IDENTIFYING, Steps, checked_columns, checked_norms, checked_steps, row_filter
from analysis.loading.settings import check_no_collision
from analysis.loading.versions import check_one_version
from bnsweep.errors import InputError
from bnsweep.results import Store
from bnsweep.results.declaration import DECLARED
from bnsweep.results.existing import existing_store, which_directory
from bnsweep.results.schema import AXES, METRIC_TABLES
from bnsweep.results.snapshot import Snapshot

_NEVER_NULL = ("trial_key", *AXES, "status", "spec")


def load(
    directory: str | os.PathLike[str],
    *,
    norms: Iterable[str] | None = None,
    columns: Mapping[str, Sequence[str]] | None = None,
    steps: Steps | None = None,
) -> Results:
    """Read the tables under `directory`, a path or a URI such as `s3://b/folder`. What is not asked for is not read.

    >>> from analysis import load
    >>> results = load("results/mini", norms=["none", "batch"], steps=(0, 100))
    >>> len(results.trials), int(results.landscape["step"].max())
    (120, 100)

    Of a sweep with `search: edges` trials say by `is_added` whether the search has added their learning rate.

    Args:
        directory: what `bnsweep run --out` was given.
        norms: normalization modes to read; all if None.
        columns: for a table, the columns to read; those that identify a row always come along. All if None, but of
            failures not its `LONG_COLUMNS`.
        steps: the first and the last step to read of the tables of measurements; all if None.

    Raises:
        InputError: no such directory, no finished trial, none that is declared, trials that must not be measured
            together (of several semantics versions, or several at one point), a damaged file or one that is not
            bnsweep's, an unknown norm, table or column, or steps that are no range.
    """
    chosen_columns, steps = checked_columns(columns or {}), checked_steps(steps)
    store = existing_store(directory)
    return store.use(lambda snapshot: _load(store, snapshot, norms, chosen_columns, steps))


def _load(
    store: Store,
    snapshot: Snapshot,
    norms: Iterable[str] | None,
    columns: Mapping[str, Sequence[str]],
    steps: Steps | None,
) -> Results:
    """Read all tables as they are at one moment."""
    declared = _declared(store)
    stored = _trials(snapshot, columns.get("trials"))
    is_repeated = stored["trial_key"].duplicated()
    every_trial = stored[~is_repeated].reset_index(drop=True) if is_repeated.any() else stored
    chosen_norms = checked_norms(norms, every_trial)
    trials, undeclared = _set_apart(_of_norms(every_trial, chosen_norms), declared)
    if trials.empty:
        raise InputError(f"{store.root}: none of its {len(undeclared)} finished trials is declared in {DECLARED}")
    check_one_version(trials, store.root)
    keys = declared["trial_keys"] if declared else ()
    orders = _orders(trials, keys)
    tables = _measurements(snapshot, columns, row_filter(chosen_norms, steps))
    has_duplicates = len(every_trial) < len(stored)
    results = Results(
        name=declared["name"] if declared else os.path.basename(store.root),
        trials=_with_added(trials.astype(orders), declared),
        failures=_read(snapshot, "failures", columns["failures"]),
        undeclared=undeclared.astype(_orders(undeclared, ())),
        missing=_missing(keys, every_trial["trial_key"]),
        declared=declared,
        directory=store.root,
        **{table: _of_trials(rows, trials, has_duplicates).astype(orders) for table, rows in tables.items()},
    )
    drawn = drawn_values(results.trials, results.drawn) if results.drawn else None
    check_no_collision(results.trials, results.settings, store.root, drawn)
    return results


def _measurements(
    snapshot: Snapshot, columns: Mapping[str, Sequence[str]], where: pds.Expression | None
) -> dict[str, pd.DataFrame]:
    """Return the rows of each table of measurements."""
    return {table: _read(snapshot, table, columns.get(table), where) for table in METRIC_TABLES}


def _with_added(trials: pd.DataFrame, declared: dict[str, Any] | None) -> pd.DataFrame:
    """Say of trials of a sweep that searches learning rates which of these it has added."""
    common = ((declared or {}).get("search") or {}).get("common_lrs")
    return trials if common is None else trials.assign(**{IS_ADDED: ~trials["lr"].isin(common)})


def _missing(declared_keys: Sequence[str], keys: pd.Series[str]) -> tuple[str, ...]:
    return tuple(sorted(set(compress(declared_keys, ~are_among(declared_keys, keys)))))


def _orders(trials: pd.DataFrame, declared_keys: Sequence[str]) -> dict[str, pd.CategoricalDtype]:
    return {axis: declared_order(trials, declared_keys, axis) for axis in ORDERED}


def _declared(store: Store) -> dict[str, Any] | None:
    """Return what the store says is declared, checked."""
    path = store.path(DECLARED)
    declared = store.declared()
    if declared is None:
        return None
    name, keys, text = declared["name"], declared["trial_keys"], declared["sweep_file"]
    are_strings = isinstance(keys, list) and {type(one) for one in (name, text, *keys)} == {str}
    if not are_strings:
        raise InputError(f"{path}: damaged (name, trial_keys or sweep_file is of a wrong type); run the sweep again")
    return declared


def _trials(snapshot: Snapshot, columns: Sequence[str] | None) -> pd.DataFrame:
    """Return every row of `trials`, of which there is at least one."""
    trials = _read(snapshot, "trials", columns)
    if trials.empty:
        root = snapshot.files.root
        raise InputError(f"{root}: holds no finished trial; {which_directory(root, '`bnsweep run` puts them there')}")
    if trials[[name for name in _NEVER_NULL if name in trials]].isna().any(axis=None):
        raise InputError(
            f"{snapshot.files.path('trials')}: rows without a trial_key, axis or spec; move away the file that has them"
        )
    return trials


def _read(
    snapshot: Snapshot, table: str, columns: Sequence[str] | None = None, where: pds.Expression | None = None
) -> pd.DataFrame:
    """Return the rows of a table; keys as text, since a category would sort in the order of the files."""
    rows = snapshot.read(table, columns, where)
    place = rows.schema.get_field_index("trial_key")
    return pd.DataFrame(rows.set_column(place, "trial_key", rows["trial_key"].cast(pa.string())).to_pandas())


def _of_norms(trials: pd.DataFrame, norms: Sequence[str] | None) -> pd.DataFrame:
    return trials if norms is None else trials[trials["norm"].isin(norms)].reset_index(drop=True)


def _set_apart(trials: pd.DataFrame, declared: dict[str, Any] | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split `trials` into those that are declared and those that are not."""
    if declared is None:
        return trials, trials.iloc[:0]
    is_declared = are_among(trials["trial_key"], declared["trial_keys"])
    if is_declared.all():
        return trials, trials.iloc[:0]
    return trials[is_declared].reset_index(drop=True), trials[~is_declared].reset_index(drop=True)


def _of_trials(rows: pd.DataFrame, trials: pd.DataFrame, has_duplicates: bool) -> pd.DataFrame:
    """Return the rows that belong to `trials`, each measurement once."""
    if rows.empty:
        return rows
    rows = rows[are_among(rows["trial_key"], trials["trial_key"])]
    if has_duplicates:
        rows = rows.drop_duplicates([name for name in IDENTIFYING if name in rows])
    return rows.reset_index(drop=True)
