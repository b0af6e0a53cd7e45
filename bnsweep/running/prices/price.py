"""The price of a sweep: arithmetic on what its trials cost. Loads without torch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from bnsweep.errors import InputError
from bnsweep.running.coordinator.outbox import num_commits

FULL = 0.8
"""So many of the slots are full where many trials share them, by chance."""


@dataclass(frozen=True)
class Price:
    """What the missing trials take, if none of them diverges: one that does ends early.

    Args:
        num_trials: how many they are.
        work_s: what they take one worker.
        longest_s: what the longest of them takes.
        start_s: what the run takes beside its trials.
        row_bytes: what their rows take in Parquet.
        num_tables: how many tables have rows.
        file_bytes: what one file of each of them takes beside its rows.
        gpus: GPUs of a worker.
        workers_here: how many workers fit on this machine.
        basis: what was timed, and how.
        peak_bytes: the most memory that a trial takes, or those that train as one; of the GPU where it has one, else of
            the worker's process.
        least_gpus: the share of a GPU that such memory is, with what its process takes beside it.
        machines: of the cluster that `workers_here` are on; 0 for this machine.
        fusing: how many trials should train as one, in words.
        fullness: the share of their slots that hold trials; the others hold copies, which `work_s` includes.
        share: which share of the steps is trained where trials are pruned, which `work_s` includes.
    """

    num_trials: int
    work_s: float
    longest_s: float
    start_s: float
    row_bytes: float
    num_tables: int
    file_bytes: float
    gpus: float
    workers_here: int
    basis: str
    peak_bytes: float | None = None
    least_gpus: float | None = None
    machines: int = 0
    fusing: str | None = None
    fullness: float = 1.0
    share: float = 1.0

    def wall_s(self, workers: int) -> float:
        """Return the time from the command to its end with so many workers like the ones here."""
        return self.start_s + max(self.longest_s, self.work_s / workers)

    def lines(self, workers: int, hourly: float | None = None) -> Iterator[str]:
        """Yield what `bnsweep plan` prints for so many workers; `hourly` pays for a GPU, or a worker without."""
        yield f"a trial that does not diverge takes {self.work_s / self.share / self.num_trials:.3g} s ({self.basis})"
        if self.share < 1:
            yield f"pruner: about {self.share:.0%} of all steps are trained, as it stops trials"
        time, start = _shown(self.wall_s(workers)), _shown(self.start_s)
        here = f", as many as {self._where()}"
        where = here if workers == self.workers_here else " like these" if workers > self.workers_here else ""
        on = f"{_counted(workers)}{where}"
        yield f"the run takes {time} on {on}, of which {start} to start; less where trials diverge"
        hours = workers * self.wall_s(workers) / 3600
        yield f"that is {hours:.3g} worker-hours, {self.gpus * hours:.3g} GPU-hours"
        if workers != self.workers_here:
            other = _shown(self.wall_s(self.workers_here))
            yield f"it would take {other} on {_counted(self.workers_here)}{here}"
        if self.machines:
            hours_each = self.machines * self.wall_s(self.workers_here) / 3600
            yield f"on {self.machines} machines: {hours_each:.3g} machine-hours, beside those in which they come up"
        if hourly is not None:
            unit = "GPU-hour" if self.gpus else "worker-hour"
            yield f"money: {hourly * (self.gpus or 1) * hours:.2f}, at {hourly:g} per {unit}"
        commits = min(self.num_trials, num_commits(self.wall_s(workers) - self.start_s))  # each a file per table
        if self.fusing is not None:
            yield self.fusing
        if self.fullness < FULL:
            copies = f"{self.fullness:.0%} of the slots hold trials, the others copies, which take as long"
            yield f"train.fuse: {copies}; a smaller fuse, or more seeds, fill more of them"
        if self.peak_bytes is not None:
            yield f"memory: {self._memory(self.peak_bytes)}, the most of the kinds that were timed"
        megabytes = (self.row_bytes + commits * self.file_bytes) / 1e6
        yield f"Parquet: {megabytes:.3g} MB in {commits * self.num_tables} files, before `bnsweep compact`"

    def _memory(self, peak_bytes: float) -> str:
        gibibytes = f"{peak_bytes / 2**30:.2g} GiB"
        if self.least_gpus is None:
            return f"{gibibytes} in a worker's process at its peak"
        least = math.ceil(100 * self.least_gpus) / 100
        return f"{gibibytes} of the GPU at a worker's peak, which takes gpus: {least:g} or more of one like this"

    def _where(self) -> str:
        return f"fit on {self.machines} machines, the most that the cluster may have" if self.machines else "fit here"

    def require_at_most(self, max_hours: float, workers: int) -> None:
        """Check the time.

        Raises:
            InputError: it takes longer.
        """
        hours = self.wall_s(workers) / 3600
        if hours > max_hours:
            raise InputError(
                f"--max-hours: given {max_hours:g}; {self.num_trials} trials take {hours:.3g} hours on {workers} "
                "workers, if none diverges; declare fewer trials, take more workers, or allow more hours"
            )


def _shown(seconds: float) -> timedelta:
    return timedelta(seconds=round(seconds))


def _counted(workers: int) -> str:
    return "1 worker" if workers == 1 else f"{workers} workers"
