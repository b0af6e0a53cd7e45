"""What coordinator and workers say to each other: packs one way, deliveries the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol

import pyarrow as pa

from bnsweep.spec import DatasetSpec, TrialSpec
from bnsweep.spec.pruner import PrunerSpec

if TYPE_CHECKING:
    from bnsweep.data import Dataset


class Seat(NamedTuple):
    """Where a trial trains that does so as one with others: in which company, and in which of its slots."""

    company: int
    slot: int


@dataclass(frozen=True)
class Pack:
    """Trials that one worker runs in turn, each by its index among the sweep's trials.

    Args:
        coordinator: who handed it out; one that starts anew has another name.
        number: of the pack.
        trials: what to run.
        attempts: one number for each trial, 1 for the first.
        is_alone: one trial, since its worker died or was short of memory when it had company.
        has_whole_gpus: where the sweep gives a worker a fraction of a GPU, this pack gets all of it.
        saved: those of the trials that have a checkpoint to continue from.
        added: those of the trials that the run was given after it began, which workers do not know.
        seats: of those of the trials that train as one with others.
        until: the step of the rung of those of the trials that are not to train to their end.
        pruned: those of these that end there; the others wait there, saved.
    """

    coordinator: str
    number: int
    trials: tuple[int, ...]
    attempts: tuple[int, ...]
    is_alone: bool = False
    has_whole_gpus: bool = False
    saved: frozenset[int] = frozenset()
    added: Mapping[int, TrialSpec] = field(default_factory=dict)
    seats: Mapping[int, Seat] = field(default_factory=dict)
    until: Mapping[int, int] = field(default_factory=dict)
    pruned: frozenset[int] = frozenset()

    def companies(self) -> list[list[int]]:
        """Return the trials that train as one, in the order in which their first ones come; most often one each."""
        found: dict[object, list[int]] = {}
        for trial in self.trials:
            seat = self.seats.get(trial)
            found.setdefault(("alone", trial) if seat is None else seat.company, []).append(trial)
        return list(found.values())


@dataclass(frozen=True)
class Wait:
    """Nothing to do now; ask again after so many seconds."""

    seconds: float


class Ending(StrEnum):
    """How a trial ended: the first three are results; the last three are handed out again."""

    COMPLETED = "completed"
    DIVERGED = "diverged"
    PRUNED = "pruned"
    FAILED = "failed"
    SHORT_OF_MEMORY = "short of memory"
    LOST_DEVICE = "lost its GPU, and took its worker along"
    PAUSED = "waits at a rung"


class Ended(NamedTuple):
    """How a trial ended, and in which attempt.

    Args:
        how: it ended.
        attempt: its number.
        scores: where trials are pruned, how good the model was at the rungs that it has reached.
    """

    how: Ending
    attempt: int = 1
    scores: tuple[float, ...] = ()


@dataclass(frozen=True)
class Whereabouts:
    """A worker: one process from its start to its end.

    Args:
        name: its own, never used again.
        place: what brought it up, and brings up another in its place where it is lost.
        host: the machine.
        node: the id of that machine in the cluster.
        address: its address there.
        log: path of the worker's log.
        has_whole_gpus: whether it may run what needs whole GPUs.
    """

    name: str
    place: str = ""
    host: str = ""
    node: str | None = None
    address: str | None = None
    log: str | None = None
    has_whole_gpus: bool = True


@dataclass(frozen=True)
class Delivery:
    """What a worker has done since its last delivery. Delivered twice, it counts once.

    Args:
        worker: whose.
        number: of the worker's deliveries, in order.
        coordinator: that of `pack`.
        pack: number of the pack under way.
        endings: how each trial ended.
        tables: their rows, those of `failures` included.
        busy_s: what the worker took for them.
        is_last: whether the worker is through with the pack.
    """

    worker: Whereabouts
    number: int
    coordinator: str
    pack: int
    endings: Mapping[int, Ended] = field(default_factory=dict)
    tables: Mapping[str, pa.Table] = field(default_factory=dict)
    busy_s: float = 0.0
    is_last: bool = False


@dataclass(frozen=True)
class Receipt:
    """What a worker is told.

    Args:
        coordinator: who answers.
        committed: the worker's deliveries up to this number are committed; -1 for none.
        must_stop: whether the run is to stop.
        dropped: trials of the pack that another worker has ended, or has taken.
        within_s: the worker should be heard of again after so many seconds.
    """

    coordinator: str
    committed: int
    must_stop: bool = False
    dropped: frozenset[int] = frozenset()
    within_s: float = 1.0


class Desk(Protocol):
    """The coordinator as a worker sees it. All may be said twice."""

    def take(self, worker: Whereabouts) -> Pack | Wait | None:
        """Return what to do; None where there will be nothing more."""
        ...

    def deliver(self, delivery: Delivery) -> Receipt:
        """Hand over what was done."""
        ...

    def resume(self, worker: Whereabouts, pack: Pack) -> Pack:
        """Tell a coordinator that started anew what its predecessor handed out; return it as that one knows it now."""
        ...

    def save_checkpoint(self, trial: int, content: bytes) -> None:
        """Keep the state of a trial under way."""
        ...

    def load_checkpoint(self, trial: int) -> bytes | None:
        """Return the state of a trial; None where there is none."""
        ...


@dataclass(frozen=True)
class WorkerFailure:
    """Why a worker did not finish its pack.

    Args:
        error: one line.
        traceback: all that is known.
        log: path of the worker's log.
        log_tail: how that log ends.
        host: the machine it ran on.
        is_preemption: its machine was taken away, which says nothing of the trial.
    """

    error: str
    traceback: str
    log: str | None = None
    host: str | None = None
    log_tail: str | None = None
    is_preemption: bool = False


@dataclass(frozen=True)
class RunContext:
    """What all packs of a run share.

    Args:
        sweep: name of the sweep.
        trials: all trials of the sweep; a pack names them by index.
        git_sha: commit of the code.
        datasets: the data by `dataset_key`.
        checkpoint_every_s: how often a trial that takes long is saved.
        pruner: which trials stop on the way.
    """

    sweep: str
    trials: Sequence[TrialSpec]
    git_sha: str | None
    datasets: Mapping[str, Dataset]
    checkpoint_every_s: float = 600.0
    pruner: PrunerSpec | None = None


def dataset_key(spec: DatasetSpec) -> str:
    """Return the key of a dataset in `RunContext.datasets`."""
    return spec.model_dump_json()
