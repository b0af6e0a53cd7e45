"""A pack: the trials that one worker runs in turn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bnsweep.results import Store
from bnsweep.spec import DatasetSpec, TrialSpec

if TYPE_CHECKING:
    from bnsweep.data import Dataset


@dataclass(frozen=True)
class Pack:
    """Trials, and for each the number of the attempt (1 for the first).

    Args:
        trials: what to run.
        attempts: one number for each trial.
        worker_failures: how many workers died of it; only counted where `is_alone`, since else the cause is unknown.
        is_alone: one trial, since its worker died or was short of memory when it had company.
        has_whole_gpus: where the sweep gives a worker a fraction of a GPU, this pack gets all of it.
        saved: keys of the trials that have a checkpoint to continue from.
    """

    trials: tuple[TrialSpec, ...]
    attempts: tuple[int, ...]
    worker_failures: int = 0
    is_alone: bool = False
    has_whole_gpus: bool = False
    saved: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Tally:
    """How many trials of a pack have ended, and how.

    Args:
        completed: trained to the end.
        diverged: stopped, which is a result.
        failed: gave no result, and are not tried again in this run.
        short_of_memory: keys of those to be tried again, each alone.
        busy_s: what the worker took for all of them, and for committing what they gave.
    """

    completed: int = 0
    diverged: int = 0
    failed: int = 0
    short_of_memory: tuple[str, ...] = ()
    busy_s: float = field(default=0.0, compare=False)

    @property
    def ended(self) -> int:
        """Trials that will not run again in this run."""
        return self.completed + self.diverged + self.failed

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.completed + other.completed,
            self.diverged + other.diverged,
            self.failed + other.failed,
            self.short_of_memory + other.short_of_memory,
            self.busy_s + other.busy_s,
        )


@dataclass(frozen=True)
class RunContext:
    """What all packs of a run share.

    Args:
        sweep: name of the sweep.
        store: where results go.
        token: what the run holds the store by; with another one there, nothing is committed any more.
        git_sha: commit of the code.
        datasets: the data by `dataset_key`.
        checkpoint_every_s: how often a trial that takes long is saved.
    """

    sweep: str
    store: Store
    token: str
    git_sha: str | None
    datasets: Mapping[str, Dataset]
    checkpoint_every_s: float = 600.0


def dataset_key(spec: DatasetSpec) -> str:
    """Return the key of a dataset in `RunContext.datasets`."""
    return spec.model_dump_json()
