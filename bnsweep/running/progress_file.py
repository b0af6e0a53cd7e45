"""`_progress.json`: how far the run into a results directory is, for whoever looks from another machine.

The driver writes it while trials run (`progress_writer`). Nothing rests on it: a driver that is killed leaves it at
`running`.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bnsweep.errors import InputError
from bnsweep.results import Store
from bnsweep.results.files import Source

PROGRESS = "_progress.json"


class RunState(StrEnum):
    """What a run is doing, or how it ended: `finished` also where trials failed, `aborted` where an error ended it.

    `out of time`: as long as it was given (`--max-hours`), then ended in good order.
    """

    RUNNING = "running"
    FINISHED = "finished"
    INTERRUPTED = "interrupted"
    OUT_OF_TIME = "out of time"
    ABORTED = "aborted"


class RunProgress(BaseModel):
    """What is in the file.

    Args:
        version: of this format.
        job: id of the cluster's job that runs the sweep; None for a run that is no job.
        sweep: its name.
        num_trials: how many trials the sweep declares.
        had_result_before: how many of them had a result when this run began.
        completed: trained to the end in this run.
        diverged: stopped in this run, which is a result.
        pruned: stopped in this run since others were better, which is one too.
        failed: gave no result in this run.
        running: trials that run now.
        workers: how many run them.
        hosts: how many of these each host has.
        eta_s: seconds to the end; None while unknown.
        state: what the run is doing, or how it ended.
        error: the message that ended it; None unless `state` is aborted.
        started_at: when trials began.
        updated_at: when this was written.
    """

    model_config = ConfigDict(frozen=True)

    version: Literal[1] = 1
    job: str | None
    sweep: str
    num_trials: int
    had_result_before: int
    completed: int
    diverged: int
    pruned: int = 0
    failed: int
    running: int
    workers: int
    hosts: dict[str, int] = Field(default_factory=dict)
    eta_s: float | None
    state: RunState
    error: str | None
    started_at: datetime
    updated_at: datetime

    @property
    def num_with_result(self) -> int:
        """How many of the declared trials have a result."""
        return self.had_result_before + self.completed + self.diverged + self.pruned

    @property
    def ended_early(self) -> str:
        """How many did not train to their end in this run, in words."""
        pruned = f"{self.pruned} pruned, " if self.pruned else ""
        return f"{self.diverged} diverged, {pruned}{self.failed} failed"


def write_progress(store: Store, progress: RunProgress) -> None:
    """Write the file anew.

    Raises:
        StoreError: it cannot be written.
    """
    store.files.put(PROGRESS, progress.model_dump_json(indent=1).encode() + b"\n")


def read_progress(files: Source) -> RunProgress | None:
    """Return what the latest run into a store has written; None where none has.

    Raises:
        InputError: another version of bnsweep wrote it. StoreError: it cannot be read.
    """
    content = files.read(PROGRESS)
    while content is not None:
        try:
            return RunProgress.model_validate_json(content)
        except ValidationError as error:
            again = files.read(PROGRESS)
            if again == content:
                raise InputError(
                    f"{files.path(PROGRESS)}: not the format of this version of bnsweep; "
                    "use the version that runs the sweep"
                ) from error
            content = again  # replaced while it was read: an object's length was that of the one before
    return None
