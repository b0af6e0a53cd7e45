"""Coordinators and workers in this process, for trials of a test's own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from bnsweep.results import Store
from bnsweep.results.keys import to_numbers
from bnsweep.running.packs import Desk, RunContext, Whereabouts, dataset_key
from bnsweep.running.service import Job
from bnsweep.running.worker import Worker
from bnsweep.spec import TrialSpec
from bnsweep.spec.resources import Resources


class Trials(tuple[TrialSpec, ...]):
    """Trials as a sweep has them: with their keys."""

    @property
    def keys(self) -> NDArray[np.uint64]:
        return to_numbers(spec.trial_key for spec in self)


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
