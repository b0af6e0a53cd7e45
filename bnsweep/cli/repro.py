"""One stored trial again, standalone, compared with what is stored; one that failed, to see whether it does again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import torch
from pydantic import ValidationError

from bnsweep.api.failed_trial import FailedTrial
from bnsweep.cli.difference import Difference, difference
from bnsweep.cli.retry import Retry, find_failed, resources_there
from bnsweep.data import Dataset, load_dataset
from bnsweep.errors import InputError
from bnsweep.results import Store
from bnsweep.results.schema import METRIC_TABLES
from bnsweep.results.trial import StoredTrial
from bnsweep.running.provenance import git_sha, versions
from bnsweep.running.rows import EndedTrial, tables_of
from bnsweep.running.same_data import require_data_of
from bnsweep.spec import AXES, TrialSpec
from bnsweep.spec.resources import Resources
from bnsweep.training.code import code_sha256
from bnsweep.training.compiling import check_compiler
from bnsweep.training.device import prepare_device
from bnsweep.training.loop import PrunedAt, run_trial


@dataclass(frozen=True)
class Reproduction:
    """A trial that was run again: what is stored of its circumstances, where it ran now, and how its tables differ."""

    spec: TrialSpec
    stored: dict[str, object]
    device: str
    differences: tuple[Difference, ...]
    has_other_code: bool = False
    """Whether the user's own code was edited since."""

    @property
    def is_well(self) -> bool:
        """Whether every bit of every table is the same."""
        return all(difference.is_same for difference in self.differences)

    def lines(self) -> list[str]:
        """Return the outcome for a person to read."""
        axes = ", ".join(f"{axis} {getattr(self.spec, axis)}" for axis in AXES)
        before = self.stored
        verdict = "the same bits" if self.is_well else "NOT the same"
        return [
            f"{self.spec.trial_key}: {axes}",
            f"stored: on {before['device']} of {before['host']}, commit {before['git_sha']}, {before['versions']}",
            f"again:  on {self.device}, commit {git_sha()}, {versions()}",
            *(["its own code was edited since it ran"] if self.has_other_code else []),
            *map(str, self.differences),
            verdict,
        ]


def reproduce(store: Store, key: str) -> Reproduction | Retry:
    """Run the trial whose key begins with `key` again and compare, but for the columns about time and place.

    Raises:
        InputError: no such trial, several, one that this version of bnsweep would not run the same way, or one of data
            that are no longer there.
    """
    if failed := find_failed(store, key):
        return _retry(store, failed)
    trial = StoredTrial.find(store, key)
    stored = _trial_row(trial)
    spec = _spec(store, stored)
    data, device = _prepared(spec, Resources(gpus=1 if stored["device"] != "cpu" and torch.cuda.is_available() else 0))
    require_data_of(spec.trial_key, stored["data_sha256"], data)
    differences = _differences(trial, _run_again(spec, data.to(device), _pruned_at(stored)))
    has_other_code = stored["code_sha256"] not in (None, code_sha256(spec))
    return Reproduction(spec, stored, _name(device), differences, has_other_code)


def _retry(store: Store, failed: FailedTrial) -> Retry:
    spec = _spec(store, {"git_sha": None, **failed.last})
    data, device = _prepared(spec, resources_there(store))
    try:
        (row,) = _run_again(spec, data.to(device))["trials"].to_pylist()
    except Exception as error:  # whatever it failed by is what is asked for
        again = Retry(failed, _name(device), error)
        if isinstance(error, InputError) and not again.is_same_error:  # such as code that is not here
            raise
        return again
    return Retry(failed, _name(device), status=row["status"])


def _prepared(spec: TrialSpec, resources: Resources) -> tuple[Dataset, torch.device]:
    """Return the trial's data, and the device to train on, with this process made ready for it."""
    if spec.train.compile:
        check_compiler()
    device = prepare_device(resources)
    return load_dataset(spec.dataset), device


def _name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def _trial_row(trial: StoredTrial) -> dict[str, Any]:
    rows = trial.rows("trials")
    assert rows is not None, "a trial is known by its row in trials/"
    return dict(rows.to_pylist()[0])


def _spec(store: Store, stored: dict[str, object]) -> TrialSpec:
    by = f"commit {stored['git_sha'] or 'unknown'}"
    try:
        spec = TrialSpec.model_validate_json(str(stored["spec"]))
    except ValidationError as error:
        raise InputError(
            f"{stored['trial_key']}: its spec cannot be read ({error.error_count()} errors): stored by another version "
            f"of bnsweep ({by}), or damaged; `bnsweep verify {store.root}` tells"
        ) from error
    if spec.trial_key != stored["trial_key"]:
        raise InputError(
            f"{stored['trial_key']}: stored by a version of bnsweep whose numbers differ from this one's "
            f"({by}); check that commit out and try again"
        )
    return spec


def _pruned_at(stored: dict[str, Any]) -> PrunedAt | None:
    """Return where a stored trial was pruned; None where it was not."""
    rule = stored["pruner"]
    return None if rule is None else PrunedAt(stored["stop_step"], rule)


def _run_again(spec: TrialSpec, data: Dataset, pruned: PrunedAt | None = None) -> dict[str, pa.Table]:
    """Return the rows that a trial gives, by table."""
    return tables_of([EndedTrial(spec, run_trial(spec, data, pruned), {})])


def _differences(trial: StoredTrial, again: dict[str, pa.Table]) -> tuple[Difference, ...]:
    """Compare the tables that the trial has rows in, stored or now."""
    found = list[Difference]()
    for table in dict.fromkeys([*again, *METRIC_TABLES]):
        stored, now = trial.rows(table), again.get(table)
        if stored is not None and now is not None:
            found.append(difference(table, stored, now))
        elif rows := stored or now:
            found.append(Difference(table, *((0, len(rows)) if stored is None else (len(rows), 0))))
    return tuple(found)
