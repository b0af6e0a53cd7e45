"""Coordinators and workers in this process, for trials of a test's own."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from bnsweep.results import Store
from bnsweep.running.job import Job
from bnsweep.running.packs import Desk, RunContext, Whereabouts, dataset_key
from bnsweep.running.worker import Worker
from bnsweep.spec import TrialSpec
from bnsweep.spec.resources import Resources
from tests.running.trials import Trials


def job_of(trials: Sequence[TrialSpec], store: Store, num_workers: int = 1) -> Job:
    """Return what a coordinator of these trials is started with."""
    return Job(
        "tiny",
        "name: tiny",
        Trials(trials),
        Resources(),
        frozenset(dataset_key(spec.dataset) for spec in trials),
        store,
        f"run into {store.root}",
        num_workers,
    )


def worker_at(desk: Desk, context: RunContext, name: str = "w") -> Worker:
    """Return a worker of this process."""
    return Worker(context, torch.device("cpu"), desk, Whereabouts(name, host="here"))
