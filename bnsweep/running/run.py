"""A run: what is declared minus what is stored, handed out by a coordinator to workers. Loads without torch."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from time import sleep
from typing import TYPE_CHECKING

from bnsweep.results import Store
from bnsweep.running.coordinator import RunStatus
from bnsweep.running.executor import Coordination, Executor, Report
from bnsweep.running.job import Job
from bnsweep.running.packs import RunContext
from bnsweep.running.plan import Plan
from bnsweep.running.provenance import git_sha
from bnsweep.running.replicating import Judge
from bnsweep.running.search_state import search_state
from bnsweep.running.searching import asked
from bnsweep.spec.search import GRID
from bnsweep.spec.sweep import Sweep

if TYPE_CHECKING:
    from bnsweep.data import Dataset

LOOK_EVERY_S = 0.05
"""How often it is looked whether the coordinator has taken the directory over."""


@dataclass(frozen=True)
class Prepared:
    """A run that was checked and can start: nothing is written yet.

    The trials of `sweep` are those that it asks for so far; those of `plan` are missing of them.
    """

    sweep: Sweep
    store: Store
    plan: Plan
    datasets: dict[str, Dataset]
    notes: tuple[str, ...]


def run(
    prepared: Prepared,
    executor: Executor,
    start: Callable[[int, int], Report],
    *,
    during: AbstractContextManager[object] = nullcontext(),  # noqa: B008  # holds nothing
    is_interrupted: Callable[[], bool] = lambda: False,
    checkpoint_every_s: float = 600.0,
    say: Callable[[str], None] = lambda _: None,
    judge: Judge | None = None,
) -> list[str]:
    """Run the missing trials; return the keys of those that have no result in the end.

    Args:
        prepared: what to run.
        executor: what runs it; it has started, unless nothing is missing.
        start: called with num_trials and num_workers before the first of them; returns where reports go.
        during: entered when the first of them may begin.
        is_interrupted: asked all the time; once it says yes, what finished is committed and nothing more is begun.
        checkpoint_every_s: how often a trial that takes long is saved.
        say: told in a line what is waited for.
        judge: says where verdicts are open, for a search that asks for seeds there.

    Raises:
        InputError: another run holds the directory. StoreError: results cannot be written.
    """
    sweep = prepared.sweep
    searched = None if sweep.search == GRID else Sweep.from_text(sweep.text)
    if not prepared.plan.missing:
        state = search_state(searched, asked(searched, prepared.store, judge=judge)) if searched else None
        prepared.store.declare(sweep.name, sweep.trials.keys, sweep.text, say, state)
        with during:  # what a killed run left of its progress is put right
            return []
    num_workers = executor.num_workers(sweep.resources)
    datasets, name = frozenset(prepared.datasets), uuid.uuid4().hex
    job = Job(
        sweep.name,
        sweep.text,
        sweep.trials,
        sweep.resources,
        datasets,
        prepared.store,
        name,
        num_workers,
        searched,
        judge,
        sweep.pruner,
    )
    with executor.coordinating(job) as coordination:
        begun = opened(coordination, say)
        report = start(begun.num_trials, num_workers)
        with during:
            context = RunContext(
                sweep.name, sweep.trials, git_sha(), prepared.datasets, checkpoint_every_s, sweep.pruner
            )
            executor.run(coordination, context, sweep.resources, report, is_interrupted)
        return coordination.missing()


def opened(coordination: Coordination, say: Callable[[str], None] = lambda _: None) -> RunStatus:
    """Wait until the coordinator has taken the directory over; return what is missing then."""
    while True:
        status = coordination.status()
        for line in status.lines:
            say(line)
        if status.error:
            raise status.error
        if status.run:
            return status.run
        sleep(LOOK_EVERY_S)
