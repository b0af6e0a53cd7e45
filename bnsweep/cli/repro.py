"""One stored trial again, standalone, compared with what is stored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow.dataset as pds
import torch
from pydantic import ValidationError

from bnsweep.data import load_dataset
from bnsweep.errors import InputError
from bnsweep.results import Store
from bnsweep.results.schema import CIRCUMSTANCES, SCHEMAS, to_table
from bnsweep.running.provenance import git_sha, versions
from bnsweep.running.rows import trial_rows
from bnsweep.spec import AXES, TrainSpec, TrialSpec
from bnsweep.spec.resources import Resources
from bnsweep.training.compiling import check_compiler
from bnsweep.training.device import prepare_device
from bnsweep.training.loop import run_trial

ORDER = ("trial_key", "step", "layer", "alpha")
"""Columns that tell the rows of a table apart."""


@dataclass(frozen=True)
class Difference:
    """How one table differs.

    Args:
        table: its name.
        num_stored: rows of the trial that are stored.
        num_again: rows that running it again gave.
        column: where the difference is largest; None where the rows are the same, or cannot be compared.
        largest: that difference; for a text 1, for a number against none inf.
        relative: the same, over the larger of the two numbers.
        step: the updates made before that row; None in `trials`.
    """

    table: str
    num_stored: int
    num_again: int
    column: str | None = None
    largest: float = 0.0
    relative: float = 0.0
    step: int | None = None

    @property
    def is_same(self) -> bool:
        """Whether every bit is the same."""
        return self.column is None and self.num_stored == self.num_again

    def __str__(self) -> str:
        if self.num_stored != self.num_again:
            return f"{self.table}: {self.num_stored} rows stored, {self.num_again} now"
        if self.column is None:
            return f"{self.table}: {self.num_stored} rows, the same bits"
        where = "" if self.step is None else f" at step {self.step}"
        return (
            f"{self.table}: {self.num_stored} rows, largest difference {self.largest:.3g} "
            f"({self.relative:.1g} relative) in {self.column}{where}"
        )


@dataclass(frozen=True)
class Reproduction:
    """A trial that was run again: what is stored of its circumstances, where it ran now, and how its tables differ."""

    spec: TrialSpec
    stored: dict[str, object]
    device: str
    differences: tuple[Difference, ...]

    @property
    def is_same(self) -> bool:
        """Whether every bit of every table is the same."""
        return all(difference.is_same for difference in self.differences)

    def lines(self) -> list[str]:
        """Return the outcome for a person to read."""
        axes = ", ".join(f"{axis} {getattr(self.spec, axis)}" for axis in AXES)
        before = self.stored
        verdict = "the same bits" if self.is_same else "NOT the same"
        return [
            f"{self.spec.trial_key}: {axes}",
            f"stored: on {before['device']} of {before['host']}, commit {before['git_sha']}, {before['versions']}",
            f"again:  on {self.device}, commit {git_sha()}, {versions()}",
            *map(str, self.differences),
            verdict,
        ]


def reproduce(store: Store, key: str) -> Reproduction:
    """Run the trial whose key begins with `key` again and compare, but for the columns about time and place.

    Raises:
        InputError: no such trial, several, or one that this version of bnsweep would not run the same way.
    """
    stored = _stored_trial(store, key)
    try:
        spec = TrialSpec.model_validate_json(str(stored["spec"]))
    except ValidationError as error:
        raise InputError(
            f"{stored['trial_key']}: its spec cannot be read ({error.error_count()} errors): stored by another version "
            f"of bnsweep (commit {stored['git_sha']}), or damaged; `bnsweep verify {store.root}` tells"
        ) from error
    if spec.trial_key != stored["trial_key"]:
        raise InputError(
            f"{stored['trial_key']}: stored by a version of bnsweep whose numbers differ from this one's "
            f"(commit {stored['git_sha']}); check that commit out and try again"
        )
    if spec.train.compile:
        check_compiler()
    device = prepare_device(Resources(gpus=1 if stored["device"] != "cpu" and torch.cuda.is_available() else 0))
    result = run_trial(spec, load_dataset(spec.dataset).to(device))
    schemas = {**result.schemas, **SCHEMAS}
    again = {table: to_table(schemas[table], rows).to_pandas() for table, rows in trial_rows(spec, result, {}).items()}
    differences = tuple(
        compare(table, store.read(table, where=pds.field("trial_key") == spec.trial_key).to_pandas(), rows)
        for table, rows in again.items()
    )
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
    return Reproduction(spec, stored, name, differences)


def _stored_trial(store: Store, key: str) -> dict[str, object]:
    if not store.is_there():
        raise InputError(f"{store.root}: no such directory; give the --out of a `bnsweep run`")
    keys = sorted(found for found in store.finished() if found.startswith(key))
    if len(keys) != 1:
        problem = f"{len(keys)} trials begin with it" if keys else "no finished trial begins with it"
        raise InputError(f"{key}: {problem}; give a trial_key of {store.path('trials')}")
    (row,) = store.read("trials", where=pds.field("trial_key") == keys[0]).to_pylist()
    return dict(row)


def compare(table: str, stored: pd.DataFrame, again: pd.DataFrame) -> Difference:
    """Return the largest difference between two frames of the same trials' rows, NaN equal to itself."""
    found = Difference(table, len(stored), len(again))
    if len(stored) != len(again):
        return found
    if table == "trials":  # what the key stands for is the same; rows may be older than a column of it
        stored, again = (rows.drop(columns=list(TrainSpec.model_fields)) for rows in (stored, again))
    stored, again = _canonical(stored), _canonical(again)
    for column in again.columns:
        largest, relative, row = _largest(stored[column], again[column])
        if largest > found.largest:
            step = int(again["step"][row]) if "step" in again else None
            found = Difference(table, len(stored), len(again), column, largest, relative, step)
    return found


def _canonical(rows: pd.DataFrame) -> pd.DataFrame:
    rows = rows.drop(columns=list(CIRCUMSTANCES), errors="ignore")
    rows = rows.astype(dict.fromkeys(rows.select_dtypes("category").columns, "str"))
    return rows.sort_values([name for name in ORDER if name in rows], kind="stable").reset_index(drop=True)


def _largest(stored: pd.Series, again: pd.Series) -> tuple[float, float, int]:
    """Return the largest difference, the same relative to the larger number, and its row."""
    if not pd.api.types.is_numeric_dtype(again) or not pd.api.types.is_numeric_dtype(stored):
        differs = (stored.astype(str).fillna("") != again.astype(str).fillna("")).to_numpy()
        return float(differs.any()), float(differs.any()), int(differs.argmax())
    left, right = stored.to_numpy(float), again.to_numpy(float)
    with np.errstate(invalid="ignore"):
        gap = np.abs(left - right)
    gap[(left == right) | (np.isnan(left) & np.isnan(right))] = 0.0
    gap[np.isnan(gap)] = np.inf
    row = int(gap.argmax()) if len(gap) else 0
    largest = float(gap.max(initial=0.0))
    scale = max(abs(left[row]), abs(right[row])) if largest else 1.0
    return largest, largest / scale if np.isfinite(largest) and scale else largest, row
