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
from bnsweep.spec.section import Section
from bnsweep.spec.trial import SEMANTICS_VERSION
from bnsweep.training.code import code_sha256
from bnsweep.training.fused.crowd import Member
from bnsweep.training.loop import AnyTraining
from bnsweep.training.memory import peak_memory_bytes
from bnsweep.training.result import TrialResult

OUTCOME = (
    *("status", "stop_step", "stop_reason", "pruner", "num_classes", "probe_time_s"),
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
    def of(cls, training: AnyTraining | Member, place: Mapping[str, Any], **circumstances: Any) -> EndedTrial:
        """Return a trial that was trained here, at this `code_and_place`."""
        digests = {"data_sha256": training.data.sha256, "code_sha256": code_sha256(training.spec)}
        shared = {**circumstances, **place, "wall_time_s": training.wall_time_s, **digests}
        return cls(training.spec, training.result, shared)


def tables_of(trials: Sequence[EndedTrial]) -> dict[str, pa.Table]:
    """Return the rows of trials by table, of those tables that have some."""
    with_rows = dict.fromkeys(name for trial in trials for name, rows in trial.result.tables.items() if rows)
    metrics = {name: _metrics(name, _schema(name, trials), trials) for name in with_rows}
    written = SpecColumns()
    rows = (_row(trial, written) for trial in trials)
    return metrics | ({"trials": to_table(SCHEMAS["trials"], rows)} if trials else {})


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


def _row(trial: EndedTrial, written: SpecColumns) -> Row:
    """Return the row of `trials`."""
    named = {name: getattr(trial.spec, name) for name in ("trial_key", *AXES)}
    outcome = {column: getattr(trial.result, column) for column in OUTCOME}
    return {**named, **written(trial.spec), **outcome, **summarize(trial.result.tables), **trial.circumstances}


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


class SpecColumns:
    """Returns the columns of `trials` that hold the rest of a spec, and what its numbers mean.

    What sections hold is written down once where trials share them.
    """

    def __init__(self) -> None:
        self._written: dict[int, tuple[Section, str, dict[str, Any]]] = {}

    def __call__(self, spec: TrialSpec) -> dict[str, Any]:
        """Return the columns of one."""
        columns, texts = dict[str, Any](), dict[str, str]()
        for name in type(spec).model_fields:
            value = getattr(spec, name)
            if isinstance(value, Section):
                _, texts[name], of_section = self._section(name, value)
                columns.update(of_section)
            else:
                texts[name] = json.dumps(value)
        columns["spec"] = "{" + ", ".join(f'"{name}": {texts[name]}' for name in sorted(texts)) + "}"
        return {**columns, **_own_columns(spec), "semantics_version": SEMANTICS_VERSION}

    def _section(self, name: str, section: Section) -> tuple[Section, str, dict[str, Any]]:
        """Return a section, which is kept so that no other one has its id, as JSON, and its columns."""
        if (known := self._written.get(id(section))) is None:
            dump = section.model_dump(mode="json")
            known = self._written[id(section)] = section, json.dumps(dump, sort_keys=True), _columns_of(name, dump)
        return known


def _columns_of(name: str, dump: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of a section, given what it holds."""
    if name in ("model", "dataset"):
        options = {option: value for option, value in dump.items() if option != "name"}
        return {name: dump["name"], f"{name}_options": json.dumps(options)}
    if name == "train":
        return {option: json.dumps(value) if isinstance(value, list) else value for option, value in dump.items()}
    if name == "log":
        return {f"log_{option}": value for option, value in dump.items()}
    return {name: json.dumps(dump)} if name == "probes" else {}


def _own_columns(spec: TrialSpec) -> dict[str, Any]:
    """Return the columns about a loop of the user's own; none where it is bnsweep's."""
    own = spec.trial
    if own is None:
        return {}
    metric = {"metric_name": own.metric.name, "metric_mode": own.metric.mode}
    return {"trial": own.name, "trial_options": json.dumps(own.options), **metric}
