"""What a coordinator is started with, and what it says of itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from bnsweep.errors import InputError, StoreError
from bnsweep.results import Store
from bnsweep.results.keys import Keys
from bnsweep.results.lease import this_process
from bnsweep.running.coordinator import RunStatus
from bnsweep.running.pruning import Pruning
from bnsweep.running.replicating import Judge
from bnsweep.spec.grid import Grid
from bnsweep.spec.listed import Trials
from bnsweep.spec.pruner import PrunerSpec
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
        pruner: which trials stop on the way.
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
    pruner: PrunerSpec | None = None
    holder: dict[str, Any] = field(default_factory=this_process)

    @property
    def declared_keys(self) -> Keys:
        """The keys of all trials that may be asked for."""
        searched = [self.searched.trials.keys] if self.searched else []
        return np.concatenate([self.trials.keys, *searched])

    @property
    def rule(self) -> str | None:
        """What a trial that the pruner stops is stored with."""
        return self.pruner.rule if self.pruner else None

    def pruning(self) -> Pruning | None:
        """Return how trials are pruned, by what is stored of them.

        Raises:
            InputError: a file is damaged. StoreError: the store cannot be reached.
        """
        if self.pruner is None:
            return None
        assert isinstance(self.trials, Grid), "others are not pruned"
        return Pruning.of(self.pruner, self.trials, self.store)


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
