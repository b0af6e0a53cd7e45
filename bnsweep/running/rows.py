"""A buffer: the rows of the trials that a worker finished since its last commit."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import torch

from bnsweep.probes.summary import summarize
from bnsweep.results.schema import Row
from bnsweep.running.packs import RunContext
from bnsweep.running.provenance import versions
from bnsweep.spec import AXES, TrialSpec
from bnsweep.spec.trial import SEMANTICS_VERSION
from bnsweep.training.loop import Training
from bnsweep.training.memory import peak_memory_bytes
from bnsweep.training.result import TrialResult

OUTCOME = (
    *("status", "stop_step", "stop_reason", "num_classes", "probe_time_s"),
    *("train_loss", "train_acc", "test_loss", "test_acc"),
    *("test_loss_running", "test_acc_running", "train_loss_eval", "train_acc_eval"),
)


@dataclass
class RowBuffer:
    """Rows by table, and the schemas of the tables that are users' own."""

    tables: dict[str, list[Row]] = field(default_factory=dict)
    schemas: dict[str, pa.Schema] = field(default_factory=dict)

    def add(self, training: Training, context: RunContext, circumstances: dict[str, Any]) -> None:
        """Add the rows of a trial that has ended."""
        shared = circumstances | code_and_place(context, training.device) | {"wall_time_s": training.wall_time_s}
        for table, rows in trial_rows(training.spec, training.result, shared).items():
            self.tables.setdefault(table, []).extend(rows)
        self.schemas |= training.result.schemas

    def commit(self, context: RunContext) -> set[str]:
        """Commit the rows, where there are any, and forget them; return the keys of their trials."""
        keys = {row["trial_key"] for row in self.tables.get("trials", [])}
        if keys:
            context.store.commit(self.tables, self.schemas, context.token)
        self.tables, self.schemas = {}, {}
        return keys


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


def trial_rows(spec: TrialSpec, result: TrialResult, shared: Row) -> dict[str, list[Row]]:
    """Return a trial's rows by table, with the columns that name the trial; `shared` goes to its row in `trials`."""
    named = {"trial_key": spec.trial_key, **{axis: getattr(spec, axis) for axis in AXES}}
    outcome = {column: getattr(result, column) for column in OUTCOME}
    metrics: dict[str, list[Row]] = {table: [{**named, **row} for row in rows] for table, rows in result.tables.items()}
    trial = {**named, **spec_columns(spec), **outcome, **summarize(result.tables), **shared}
    return {**metrics, "trials": [trial]}


def spec_columns(spec: TrialSpec) -> Mapping[str, Any]:
    """Return the columns of `trials` that hold the rest of the spec, and what its numbers mean."""
    dump = spec.model_dump(mode="json")
    options = {
        column: value
        for section in ("model", "dataset")
        for column, value in ((section, dump[section].pop("name")), (f"{section}_options", json.dumps(dump[section])))
    }
    names = {"probes": json.dumps(dump["probes"]), "spec": spec.to_json(), "semantics_version": SEMANTICS_VERSION}
    return {**options, **dump["train"], **names}
