"""What a coordinator is started with, and what it says of itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bnsweep.errors import InputError, StoreError
from bnsweep.results import Store
from bnsweep.results.lease import this_process
from bnsweep.running.coordinator import RunStatus
from bnsweep.running.replicating import Judge
from bnsweep.spec.listed import Trials
from bnsweep.spec.resources import Resources
from bnsweep.spec.sweep import Sweep


@dataclass(frozen=True)
class Job:
    """What a coordinator is started with, each time.

    Args:
        sweep: name of the sweep.
        text: of its file.
        trials: what it declares.
        resources: of a worker.
        datasets: those that workers have, by `dataset_key`.
        store: where results go.
        run: names the run, so that one that starts anew need not wait for its own lease.
        num_workers: how many are expected.
        searched: the sweep as its file declares it, where a search asks for its trials; `trials` are those so far.
        judge: says where verdicts are open, for a search that asks for seeds there.
        holder: the process that the user started.
    """

    sweep: str
    text: str
    trials: Trials
    resources: Resources
    datasets: frozenset[str]
    store: Store
    run: str
    num_workers: int
    searched: Sweep | None = None
    judge: Judge | None = None
    holder: dict[str, Any] = field(default_factory=this_process)


class ServiceStatus(NamedTuple):
    """How far the coordinator of a run is.

    Args:
        run: how far the run is; None as long as the directory is not taken over.
        lines: for the user, each told once.
        error: what ended it.
    """

    run: RunStatus | None
    lines: tuple[str, ...] = ()
    error: InputError | StoreError | None = None
