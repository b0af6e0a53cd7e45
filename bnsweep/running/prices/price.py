"""The price of a sweep."""

from __future__ import annotations

from dataclasses import dataclass

from bnsweep.errors import InputError
from bnsweep.running.packs import RunContext, Tally
from bnsweep.running.prices.costs import mean_costs
from bnsweep.running.prices.load import loads
from bnsweep.running.prices.timing import time_kinds, workers_here
from bnsweep.running.provenance import git_sha
from bnsweep.running.run import Prepared
from bnsweep.running.trial_pool import PackSizing
from bnsweep.spec.resources import Resources

RAY_START_S = 2.5
"""What Ray takes to start and to end on an idle machine, its workers' imports apart."""


@dataclass(frozen=True)
class Price:
    """What the missing trials take, if none of them diverges: one that does ends early.

    Args:
        num_trials: how many they are.
        work_s: what they take one worker.
        longest_s: what the longest of them takes.
        start_s: what the run takes beside its trials.
        row_bytes: what their rows take in Parquet.
        file_bytes: what one file of each table takes beside its rows.
        num_tables: tables that have rows.
        gpus: GPUs of a worker.
        num_kinds: kinds of trials that there are; those that were not timed are taken to cost the mean of the others.
        num_timed: kinds that were timed.
        at_once: how many processes were timed at once.
        workers_here: how many workers fit on this machine.
    """

    num_trials: int
    work_s: float
    longest_s: float
    start_s: float
    row_bytes: float
    file_bytes: float
    num_tables: int
    gpus: float
    num_kinds: int
    num_timed: int
    at_once: int
    workers_here: int

    def wall_s(self, workers: int) -> float:
        """Return the time from the command to its end with so many workers like the ones here."""
        return self.start_s + max(self.longest_s, self.work_s / workers)

    def worker_hours(self, workers: int) -> float:
        """Return for how long workers are held, all of them together."""
        return workers * self.wall_s(workers) / 3600

    def gpu_hours(self, workers: int) -> float:
        """Return for how long GPUs are held, all of them together."""
        return self.gpus * self.worker_hours(workers)

    def money(self, workers: int, hourly: float) -> float:
        """Return what that costs at `hourly` for a GPU, or for a worker where it has none."""
        return hourly * (self.gpu_hours(workers) if self.gpus else self.worker_hours(workers))

    def parquet(self, workers: int) -> tuple[int, int]:
        """Return bytes and number of the Parquet files before they are compacted: each pack leaves one per table."""
        packs = num_packs(self.num_trials, workers, self.work_s / self.num_trials)
        return round(self.row_bytes + packs * self.file_bytes), packs * self.num_tables

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


def price_sweep(prepared: Prepared) -> Price:
    """Time the kinds of trials that are missing, of which there is at least one, and return what all of them take.

    To be asked where not even one worker fits: `why_untimed`.

    Raises:
        InputError: a trial fails, or all of them diverge.
    """
    sweep, store = prepared.sweep, prepared.store
    workers, work = workers_here(sweep.resources), loads(prepared.plan.missing)
    kinds = {load.kind: load.example for load in work}
    context = RunContext(sweep.name, store, "", git_sha(), prepared.datasets)
    timing = time_kinds(kinds, context, sweep.resources, workers)
    if not timing.costs:
        raise InputError("every kind of trial diverges in its first steps; --no-timing leaves timing out")
    typical = mean_costs(list(timing.costs.values()))
    costs = [(load, timing.costs.get(load.kind, typical)) for load in work]
    return Price(
        num_trials=len(prepared.plan.missing),
        work_s=sum(load.count * cost.seconds(load) for load, cost in costs),
        longest_s=max(cost.seconds(load) for load, cost in costs),
        start_s=RAY_START_S + timing.ready_s + sum(cost.compile_s for _, cost in costs),
        row_bytes=sum(load.count * cost.row_bytes_of(load) for load, cost in costs),
        file_bytes=sum(typical.file_bytes.values()),
        num_tables=len(typical.file_bytes),
        gpus=sweep.resources.gpus,
        num_kinds=len(kinds),
        num_timed=len(timing.costs),
        at_once=timing.at_once,
        workers_here=workers,
    )


def why_untimed(resources: Resources) -> str | None:
    """Return why this machine cannot time the trials of workers with these resources; None where it can."""
    if workers_here(resources):
        return None
    wanted = f"{resources.cpus:g} CPUs" + (f" and {resources.gpus:g} GPUs" if resources.gpus else "")
    return f"a worker holds {wanted}, more than this machine has"


def num_packs(num_trials: int, workers: int, each_s: float) -> int:
    """Return into how many packs trials that take so long are cut."""
    sizing, left, packs = PackSizing(workers), num_trials, 0
    while left:
        size = min(left, sizing.size(left))
        left, packs = left - size, packs + 1
        if packs >= workers:  # by then the first one has been timed
            sizing.timed(Tally(completed=size, busy_s=size * each_s))
    return packs
