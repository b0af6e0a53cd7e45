"""From trials that have ended to the rows of all tables, column by column."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from bnsweep.probes.summary import summarize
from bnsweep.results.schema import SCHEMAS, Row
from bnsweep.results.tables import to_table
from bnsweep.running.own_columns import OwnColumns
from bnsweep.running.packs import RunContext
from bnsweep.running.provenance import versions
from bnsweep.spec import AXES, TrialSpec
from bnsweep.spec.trial import SEMANTICS_VERSION
from bnsweep.training.code import code_sha256
from bnsweep.training.loop import AnyTraining
from bnsweep.training.memory import peak_memory_bytes
from bnsweep.training.result import TrialResult

OUTCOME = (
    *("status", "stop_step", "stop_reason", "num_classes", "probe_time_s"),
    *("train_loss", "train_acc", "test_loss", "test_acc"),
    *("test_loss_running", "test_acc_running", "train_loss_eval", "train_acc_eval", "test_loss_constant", "metric"),
)


@dataclass(frozen=True)
class EndedTrial:
    """A trial that has a result.

    Args:
        spec: the trial.
        result: what it gave.
        circumstances: the columns of `trials` about when, where and with which code it ran.
    """

    spec: TrialSpec
    result: TrialResult
    circumstances: Row

    @classmethod
    def of(cls, training: AnyTraining, context: RunContext, **circumstances: Any) -> EndedTrial:
        """Return a trial that was trained here."""
        place = code_and_place(context, training.device)
        digests = {"data_sha256": training.data.sha256, "code_sha256": code_sha256(training.spec)}
        shared = {**circumstances, **place, "wall_time_s": training.wall_time_s, **digests}
        return cls(training.spec, training.result, shared)


def tables_of(trials: Sequence[EndedTrial]) -> dict[str, pa.Table]:
    """Return the rows of trials by table, of those tables that have some."""
    with_rows = dict.fromkeys(name for trial in trials for name, rows in trial.result.tables.items() if rows)
    metrics = {name: _metrics(name, _schema(name, trials), trials) for name in with_rows}
    return metrics | ({"trials": to_table(SCHEMAS["trials"], map(_row, trials))} if trials else {})


def _schema(name: str, trials: Iterable[EndedTrial]) -> pa.Schema:
    """Return the schema of a metric table; of users' own it has every column that one of the trials has."""
    columns = OwnColumns()
    if name not in SCHEMAS:
        for trial in trials:
            agrees = columns.add(trial.result.schemas)
            assert agrees, "trials that are delivered together agree"
    return SCHEMAS.get(name) or columns.schemas[name]


def _metrics(name: str, schema: pa.Schema, trials: Sequence[EndedTrial]) -> pa.Table:
    """Return the rows of one metric table; what names the trial is the same in all rows of one."""
    parts = [trial.result.tables.get(name, []) for trial in trials]
    rows = [row for part in parts for row in part]
    if unknown := set().union(*(row.keys() for row in rows)) - set(schema.names):
        raise KeyError(f"table {name} has no column {sorted(unknown)}")
    of_trial = pa.array(np.repeat(np.arange(len(trials)), [len(part) for part in parts]))
    columns = [
        pa.array(list(_named(trials, column.name)), column.type).take(of_trial)
        if column.name in ("trial_key", *AXES)
        else pa.array([row.get(column.name) for row in rows], column.type)
        for column in schema
    ]
    return pa.table(columns, schema=schema)


def _named(trials: Iterable[EndedTrial], column: str) -> Iterable[Any]:
    return (getattr(trial.spec, column) for trial in trials)


def _row(trial: EndedTrial) -> Row:
    """Return the row of `trials`."""
    named = {name: getattr(trial.spec, name) for name in ("trial_key", *AXES)}
    outcome = {column: getattr(trial.result, column) for column in OUTCOME}
    return {**named, **spec_columns(trial.spec), **outcome, **summarize(trial.result.tables), **trial.circumstances}


def code_and_place(context: RunContext, device: torch.device) -> dict[str, Any]:
    """Return the columns of `trials` that say which code ran, and where."""
    return {
        "sweep": context.sweep,
        "git_sha": context.git_sha,
        "versions": versions(),
        "host": socket.gethostname(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "peak_memory_bytes": peak_memory_bytes(device),
    }


def spec_columns(spec: TrialSpec) -> Mapping[str, Any]:
    """Return the columns of `trials` that hold the rest of the spec, and what its numbers mean."""
    dump = spec.model_dump(mode="json")
    options = {
        column: value
        for section in ("model", "dataset")
        for column, value in ((section, dump[section].pop("name")), (f"{section}_options", json.dumps(dump[section])))
    }
    names = {"probes": json.dumps(dump["probes"]), "spec": spec.to_json(), "semantics_version": SEMANTICS_VERSION}
    train = {name: json.dumps(value) if isinstance(value, list) else value for name, value in dump["train"].items()}
    return {**options, **_own_columns(spec), **train, **names}


def _own_columns(spec: TrialSpec) -> dict[str, Any]:
    """Return the columns about a loop of the user's own; none where it is bnsweep's."""
    own = spec.trial
    if own is None:
        return {}
    metric = {"metric_name": own.metric.name, "metric_mode": own.metric.mode}
    return {"trial": own.name, "trial_options": json.dumps(own.options), **metric}
