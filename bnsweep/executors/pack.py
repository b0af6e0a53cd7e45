"""A pack: the trials that one worker runs in turn and commits as one batch."""

from __future__ import annotations

import json
import math
import socket
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

import pyarrow as pa
import torch

from bnsweep.data import Dataset
from bnsweep.device import peak_memory_bytes, reset_peak_memory
from bnsweep.probes.summary import summarize
from bnsweep.provenance import versions
from bnsweep.results import Store
from bnsweep.results.schema import AXES
from bnsweep.spec import DatasetSpec, TrialSpec
from bnsweep.train import TrialResult, run_trial

PACKS_PER_WORKER = 8
"""Packs a worker gets when trials are plenty: enough that none idles long at the end."""
LARGEST_PACK = 32

OUTCOME = (
    *("status", "stop_step", "stop_reason", "num_classes", "probe_time_s"),
    *("train_loss", "train_acc", "test_loss", "test_acc"),
)


@dataclass(frozen=True)
class Pack:
    """Trials, and for each the number of the attempt (1 for the first)."""

    trials: tuple[TrialSpec, ...]
    attempts: tuple[int, ...]


@dataclass(frozen=True)
class Tally:
    """How many trials of a pack have ended, and how."""

    completed: int = 0
    diverged: int = 0
    failed: int = 0

    @property
    def ended(self) -> int:
        """Trials that no longer run."""
        return self.completed + self.diverged + self.failed

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.completed + other.completed, self.diverged + other.diverged, self.failed + other.failed)


@dataclass(frozen=True)
class Job:
    """What all packs of a run share."""

    sweep: str
    store: Store
    git_sha: str | None
    datasets: Mapping[str, Dataset]


def dataset_key(spec: DatasetSpec) -> str:
    """Return the key of a dataset in `Job.datasets`."""
    return spec.model_dump_json()


def make_packs(trials: Sequence[TrialSpec], failures: Mapping[str, int], num_workers: int) -> list[Pack]:
    """Cut `trials` into packs, in their order; `failures` says how often a trial has failed before."""
    size = min(LARGEST_PACK, max(1, math.ceil(len(trials) / (PACKS_PER_WORKER * num_workers))))
    chunks = (tuple(trials[start : start + size]) for start in range(0, len(trials), size))
    return [Pack(chunk, tuple(1 + failures.get(spec.trial_key, 0) for spec in chunk)) for chunk in chunks]


class Worker:
    """Runs packs one after another on one device, which holds the data once for all of them."""

    def __init__(self, job: Job, device: torch.device) -> None:
        self.job, self.device = job, device
        self.datasets = {key: data.to(device) for key, data in job.datasets.items()}

    def run(self, pack: Pack) -> Iterator[Tally]:
        """Run the trials in turn, yield the tally after each, and commit all results at the end as one batch.

        A trial that raises is recorded in `failures/` and leaves the others unharmed. A pack that is run again, since
        its worker died late, commits the same batch again.
        """
        tables: dict[str, list[dict[str, Any]]] = {}
        schemas: dict[str, pa.Schema] = {}
        tally = Tally()
        for spec, attempt in zip(pack.trials, pack.attempts, strict=True):
            if tally.ended:
                yield tally
            started_at, started = datetime.now(UTC), perf_counter()
            reset_peak_memory(self.device)
            try:
                result = run_trial(spec, self.datasets[dataset_key(spec.dataset)])
            except Exception as error:  # a bug in one trial must not take its neighbours along
                self.job.store.record_failure(_failure(spec, attempt, error))
                tally += Tally(failed=1)
            else:
                schemas |= result.schemas
                circumstances = {"attempt": attempt, "started_at": started_at, "wall_time_s": perf_counter() - started}
                _append(tables, spec, result, self._provenance() | circumstances)
                tally += Tally(diverged=1) if result.status == "diverged" else Tally(completed=1)
        if tables:
            self.job.store.commit(tables, schemas)
        yield tally

    def _provenance(self) -> dict[str, Any]:
        on_gpu = self.device.type == "cuda"
        return {
            "sweep": self.job.sweep,
            "git_sha": self.job.git_sha,
            "versions": versions(),
            "host": socket.gethostname(),
            "device": torch.cuda.get_device_name(self.device) if on_gpu else "cpu",
            "peak_memory_bytes": peak_memory_bytes(self.device),
        }


def _append(
    tables: dict[str, list[dict[str, Any]]], spec: TrialSpec, result: TrialResult, provenance: dict[str, Any]
) -> None:
    """Add a trial's rows to each table, with the columns that name the trial."""
    named = {"trial_key": spec.trial_key, **{axis: getattr(spec, axis) for axis in AXES}}
    for table, rows in result.tables.items():
        tables.setdefault(table, []).extend({**named, **row} for row in rows)
    outcome = {column: getattr(result, column) for column in OUTCOME}
    tables.setdefault("trials", []).append(
        {**named, **spec_columns(spec), **outcome, **summarize(result.tables), **provenance}
    )


def spec_columns(spec: TrialSpec) -> dict[str, Any]:
    """Return the columns of `trials` that hold the rest of the spec."""
    dump = spec.model_dump(mode="json")
    options = {
        column: value
        for section in ("model", "dataset")
        for column, value in ((section, dump[section].pop("name")), (f"{section}_options", json.dumps(dump[section])))
    }
    return {**options, **dump["train"], "probes": json.dumps(dump["probes"]), "spec": spec.to_json()}


def _failure(spec: TrialSpec, attempt: int, error: Exception) -> dict[str, Any]:
    return {
        "trial_key": spec.trial_key,
        "attempt": attempt,
        "error": f"{type(error).__name__}: {error}",
        "traceback": "".join(traceback.format_exception(error)),
        "failed_at": datetime.now(UTC),
    }
